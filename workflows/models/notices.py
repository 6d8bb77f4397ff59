"""What people are told, in the program and by e-mail.

Notices are made from the audit trail (services.notices): a deed and its notice cannot disagree, and no service of the gate knows of them.
"""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from workflows.choices import MailState, MailWish, NoticeKind


class Notice(models.Model):
    """Something that one person should know. `key` says what of, so that nobody is told the same thing twice.

    `detail` holds numbers, days and names of roles for the text, which is made on reading, in the reader's language.
    `mail` is the message it went out with.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="notices", verbose_name=_("user"))
    kind = models.CharField(_("kind"), max_length=20, choices=NoticeKind)
    key = models.CharField(max_length=120)
    request = models.ForeignKey("workflows.ChangeRequest", models.PROTECT, null=True, related_name="+")
    unit = models.ForeignKey("orgtree.OrgUnit", models.PROTECT, null=True, related_name="+")
    detail = models.JSONField(default=dict)
    created_at = models.DateTimeField(_("time"), db_default=Now())
    read_at = models.DateTimeField(_("read"), null=True)
    mail = models.ForeignKey("workflows.NoticeMail", models.SET_NULL, null=True, related_name="notices")

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="notice_once")]
        indexes = [
            models.Index(fields=["user", "-id"]),
            models.Index(fields=["user"], condition=Q(read_at=None), name="notice_unread"),
            models.Index(fields=["user"], condition=Q(mail=None), name="notice_unsent"),
        ]


class NoticeMail(models.Model):
    """One e-mail to one person. `key` makes it unique; its id is the Message-ID, so that a second try is seen to be the same message."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name=_("user"))
    key = models.CharField(max_length=120)
    state = models.CharField(_("state"), max_length=6, choices=MailState, default=MailState.QUEUED)
    attempts = models.PositiveSmallIntegerField(_("tries"), default=0)
    not_before = models.DateTimeField(_("next try"), db_default=Now())
    created_at = models.DateTimeField(_("time"), db_default=Now())
    sent_at = models.DateTimeField(_("sent"), null=True)
    error = models.CharField(_("error"), max_length=300, blank=True, default="")

    class Meta:
        verbose_name = _("e-mail")
        verbose_name_plural = _("e-mails")
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="noticemail_once")]
        indexes = [models.Index(fields=["not_before"], condition=Q(state="queued"), name="noticemail_due")]


class NoticeWish(models.Model):
    """How somebody wants to be told; who has no row is told by a digest."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="notice_wish")
    mail = models.CharField(_("by e-mail"), max_length=7, choices=MailWish, default=MailWish.DIGEST)


class NoticeMark(models.Model):
    """How far the audit trail has been turned into notices: one row."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    event_id = models.BigIntegerField(default=0)
