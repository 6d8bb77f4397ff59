"""Notices by e-mail: one message a working day for each person, and what waits for them at once where they wish it.

The mail server is asked outside any transaction: a message is claimed by moving its next try forward and committing, then sent, then marked. A worker
killed in between sends it again at the next try, with the same Message-ID, by which mail servers and readers know the one from the other.
"""

from __future__ import annotations

import logging
from datetime import time, timedelta
from smtplib import SMTPException, SMTPRecipientsRefused, SMTPResponseException, SMTPSenderRefused
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import Q
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from orgtree import clock
from orgtree.models import User
from workflows.choices import MailState, MailWish
from workflows.errors import NotAllowed
from workflows.models import CalendarDay, Notice, NoticeMail, NoticeWish
from workflows.selectors.notices import ALARMING, URGENT, mails_failing, text_of
from workflows.services.deadlines import works

DIGEST_FROM = time(7, 0)  # in Viet Nam
TRIES = 8
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=2), timedelta(hours=6)
LINES = 40  # a message shows so many notices, and says how many more there are
PERMANENT = 500  # SMTP's replies from here on say that another try would not help (RFC 5321, 4.2.1)
_LOG = logging.getLogger(__name__)


def mails_form() -> int:
    """Put what people have not read into messages, where that is due now; returns how many messages were made."""
    unsent = Notice.objects.filter(mail=None, read_at=None, user__is_active=True).exclude(user__email="")
    wishes = dict(NoticeWish.objects.values_list("user_id", "mail"))
    made = 0
    for user_id in unsent.order_by().values_list("user_id", flat=True).distinct():
        wish = wishes.get(user_id, MailWish.DIGEST)
        made += _form(user_id, Q(kind__in=ALARMING), urgent=True)  # whatever the wish
        if wish == MailWish.AT_ONCE:
            made += _form(user_id, Q(kind__in=URGENT), urgent=True)
        if wish != MailWish.NONE and _digest_is_due():
            made += _form(user_id, Q(), urgent=False)
    return made


def mails_send(*, limit: int = 200) -> int:
    """Send what is due, one by one; returns how many went out."""
    sent = 0
    for _number in range(limit):
        mail = _claim()
        if mail is None:
            break
        sent += _send(mail)
    return sent


def mail_retry(*, actor: User, mail_id: UUID) -> NoticeMail:
    """Try a parked message again now. Raises NotAllowed for others than those who operate the exchange."""
    with transaction.atomic():
        mail = mails_failing(reader=actor).select_related(None).select_for_update(of=("self",)).filter(pk=mail_id).first()
        if mail is None:
            raise NotAllowed
        mail.state, mail.attempts, mail.not_before = MailState.QUEUED, 1, clock.now()
        mail.save(update_fields=["state", "attempts", "not_before"])
    return mail


def mail_wish_set(*, actor: User, wish: MailWish) -> None:
    NoticeWish.objects.update_or_create(user=actor, defaults={"mail": wish})


def _digest_is_due() -> bool:
    today = clock.today()
    exceptions = dict(CalendarDay.objects.filter(day=today).values_list("day", "works"))
    return works(today, exceptions) and clock.now().astimezone(clock.ZONE).time() >= DIGEST_FROM


def _form(user_id: int, which: Q, *, urgent: bool) -> int:
    """One message with all that fits `which`; 0 when there is nothing, or when today's digest went out already."""
    with transaction.atomic():
        notices = Notice.objects.filter(which, user_id=user_id, mail=None, read_at=None).select_for_update(skip_locked=True)
        numbers = [one.pk for one in notices.order_by("pk")]
        if not numbers:
            return 0
        key = f"once:{max(numbers)}" if urgent else f"digest:{clock.today().isoformat()}"
        mail, is_new = NoticeMail.objects.get_or_create(user_id=user_id, key=key, defaults={"not_before": clock.now()})
        if is_new:
            Notice.objects.filter(pk__in=numbers).update(mail=mail)
        return int(is_new)


def _claim() -> NoticeMail | None:
    """The next message that is due, with its next try moved forward before this one is made."""
    with transaction.atomic():
        due = NoticeMail.objects.filter(state=MailState.QUEUED, not_before__lte=clock.now()).order_by("not_before")
        mail = due.select_related("user").select_for_update(skip_locked=True, of=("self",)).first()
        if mail is None:
            return None
        mail.attempts += 1
        mail.not_before = clock.now() + min(FIRST_WAIT * 2 ** (mail.attempts - 1), LONGEST_WAIT)
        mail.save(update_fields=["attempts", "not_before"])
    return mail


def _send(mail: NoticeMail) -> bool:
    message = _message(mail)
    if message is None:
        _mark(mail, state=MailState.SENT, sent_at=clock.now())  # all was read meanwhile, or there is no address any more
        return False
    try:
        message.send()
    except (SMTPException, OSError) as error:
        is_over = _is_permanent(error) or mail.attempts >= TRIES
        _mark(mail, state=MailState.PARKED if is_over else MailState.QUEUED, error=_cause(error))
        _LOG.warning("e-mail %s, try %s: %s", mail.pk, mail.attempts, _cause(error))
        return False
    _mark(mail, state=MailState.SENT, sent_at=clock.now(), error="")
    return True


def _mark(mail: NoticeMail, **values: object) -> None:
    NoticeMail.objects.filter(pk=mail.pk).update(**values)


def _message(mail: NoticeMail) -> EmailMessage | None:
    """In Vietnamese, then in English: a program cannot know which one somebody reads at their mail."""
    notices = list(mail.notices.filter(read_at=None).select_related("request__unit", "unit").order_by("-pk"))
    if not notices or not mail.user.email:
        return None
    with translation.override("vi"):
        subject, first = _subject(len(notices)), _body(notices)
    with translation.override("en"):
        second = _body(notices)
    domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].strip("> ") or "localhost"
    headers = {"Message-ID": f"<{mail.pk}@{domain}>", "Auto-Submitted": "auto-generated"}
    return EmailMessage(subject, f"{first}\n\n--\n\n{second}\n", to=[mail.user.email], headers=headers)


def _subject(count: int) -> str:
    return ngettext("Hồ Sơ: %(count)d notice", "Hồ Sơ: %(count)d notices", count) % {"count": count}


def _body(notices: list[Notice]) -> str:
    urgent = [one for one in notices if one.kind in URGENT]
    rest = [one for one in notices if one.kind not in URGENT]
    parts = [_("What waits for you and what became of your requests:")]
    for title, members in ((_("To do"), urgent), (_("For your information"), rest)):
        if members:
            parts.append("\n".join([f"{title}:", *(f"- {text_of(one)}" for one in members[:LINES])]))
            if len(members) > LINES:
                parts[-1] += "\n" + _("and %(count)d more.") % {"count": len(members) - LINES}
    where = settings.PUBLIC_URL or _("the program")
    parts.append(_("Open %(where)s to see more. How you are told is set there, under the bell.") % {"where": where})
    return "\n\n".join(parts)


def _is_permanent(error: Exception) -> bool:
    if isinstance(error, SMTPRecipientsRefused):
        return all(code >= PERMANENT for code, _text in error.recipients.values())
    return isinstance(error, SMTPResponseException | SMTPSenderRefused) and error.smtp_code >= PERMANENT


def _cause(error: Exception) -> str:
    """What went wrong without anybody's address: the kind of error and the server's number."""
    if isinstance(error, SMTPRecipientsRefused):
        return "address refused " + "/".join(sorted({str(code) for code, _text in error.recipients.values()}))
    if isinstance(error, SMTPResponseException):
        return f"{type(error).__name__} {error.smtp_code}"
    return type(error).__name__
