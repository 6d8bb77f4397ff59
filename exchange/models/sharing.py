"""Files shared with programs of other agencies: who may ask for what, on which ground, with whose consent, and what was told to them."""

import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from exchange.choices import HookState


class SharingClient(models.Model):
    """A program that may ask. `account` is nobody's login: the read log names it. Its secret is a hash in the OAuth application."""

    code = models.SlugField(_("code"), max_length=60, unique=True)
    name = models.CharField(_("agency or program"), max_length=250)
    application = models.OneToOneField(settings.OAUTH2_PROVIDER_APPLICATION_MODEL, models.PROTECT, related_name="sharing_client")
    account = models.OneToOneField(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    active = models.BooleanField(_("active"), default=True)
    calls_a_minute = models.PositiveIntegerField(_("calls a minute"), default=120)
    records_a_day = models.PositiveIntegerField(_("people a day"), default=10_000)
    last_call = models.DateTimeField(_("last call"), null=True, editable=False)

    class Meta:
        verbose_name = _("program that asks for files")
        verbose_name_plural = _("programs that ask for files")
        ordering = ("code",)

    def __str__(self) -> str:
        return self.name


class SharingAgreement(models.Model):
    """What one client may read for one purpose: the people of `unit` and below, these fields and no other, from and until a day.

    `basis` is the law, or the agreement between the agencies, on which it stands. With `needs_consent` only people who consented are there.
    """

    client = models.ForeignKey(SharingClient, models.PROTECT, related_name="agreements", verbose_name=_("program"))
    purpose = models.SlugField(_("purpose (short name)"), max_length=60)
    title = models.CharField(_("purpose"), max_length=250)
    basis = models.CharField(_("legal basis"), max_length=300)
    unit = models.ForeignKey("orgtree.OrgUnit", models.PROTECT, related_name="+", verbose_name=_("people of"))
    fields = ArrayField(models.CharField(max_length=60), verbose_name=_("fields"), help_text=_("Names of staff_profile/1, separated by commas."))
    needs_consent = models.BooleanField(_("needs the person’s consent"), default=True)
    valid_from = models.DateField(_("from"))
    valid_to = models.DateField(_("until before"))

    class Meta:
        verbose_name = _("agreement about sharing")
        verbose_name_plural = _("agreements about sharing")
        constraints = [
            models.UniqueConstraint(fields=["client", "purpose"], name="sharing_purpose_once"),
            models.CheckConstraint(condition=Q(valid_from__lt=models.F("valid_to")), name="sharing_period"),
            models.CheckConstraint(condition=~Q(fields=[]), name="sharing_names_fields"),
        ]

    def __str__(self) -> str:
        return f"{self.client}: {self.title}"


class Consent(models.Model):
    """A person agreed that their file is read under an agreement; taken back it stays written down, and counts no more."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    agreement = models.ForeignKey(SharingAgreement, models.PROTECT, related_name="consents", verbose_name=_("agreement about sharing"))
    person = models.UUIDField()
    paper = models.CharField(_("on which paper"), max_length=300)
    given_on = models.DateField(_("given on"))
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField(db_default=Now())
    withdrawn_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        constraints = [
            models.UniqueConstraint(fields=["agreement", "person"], condition=Q(withdrawn_at=None), name="consent_once"),
            models.CheckConstraint(
                condition=Q(withdrawn_at=None, withdrawn_by=None) | Q(withdrawn_at__isnull=False, withdrawn_by__isnull=False), name="consent_back_by"
            ),
        ]
        indexes = [models.Index(fields=["person"], name="consent_of_person")]


class SharingDay(models.Model):
    """How many people's files a client was given on a day: what its daily limit is counted by."""

    client = models.ForeignKey(SharingClient, models.PROTECT, related_name="days")
    day = models.DateField()
    records = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["client", "day"], name="sharing_day_once")]


class Webhook(models.Model):
    """Where a client wants to be told that files under an agreement changed. A message names key and version, nothing of the file.

    Messages carry an HMAC by `secret`, and for a week after a rotation one by `former_secret` too; both are stored encrypted.
    `after` is the outbox message up to which messages were made.
    """

    agreement = models.OneToOneField(SharingAgreement, models.PROTECT, related_name="webhook", verbose_name=_("agreement about sharing"))
    url = models.URLField(_("address"), max_length=500, validators=[RegexValidator(r"^https?://", _("An address begins with https://."))])
    secret = models.TextField(editable=False)
    former_secret = models.TextField(blank=True, default="", editable=False)
    former_until = models.DateTimeField(null=True, editable=False)
    active = models.BooleanField(_("active"), default=True)
    after = models.BigIntegerField(default=0, editable=False)
    failures = models.PositiveIntegerField(default=0, editable=False)
    last_success = models.DateTimeField(_("last success"), null=True, editable=False)
    last_error = models.CharField(_("last error"), max_length=500, blank=True, default="", editable=False)

    class Meta:
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")

    def __str__(self) -> str:
        return f"{self.agreement} → {self.url}"


class HookMessage(models.Model):
    """One thing to tell one webhook: that a file has a new version. Tried until it is taken, or parked for a person after many tries."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    webhook = models.ForeignKey(Webhook, models.PROTECT, related_name="messages")
    message = models.ForeignKey("workflows.OutboxMessage", models.PROTECT, related_name="+")
    state = models.CharField(_("state"), max_length=7, choices=HookState, default=HookState.WAITING, db_default=HookState.WAITING.value)
    tries = models.PositiveSmallIntegerField(_("tries"), default=0, db_default=0)
    not_before = models.DateTimeField(db_default=Now())
    error = models.CharField(_("last error"), max_length=500, blank=True, default="", db_default="")
    made_at = models.DateTimeField(_("made"), db_default=Now())
    ended_at = models.DateTimeField(_("ended"), null=True)

    class Meta:
        verbose_name = _("message to a webhook")
        verbose_name_plural = _("messages to webhooks")
        constraints = [models.UniqueConstraint(fields=["webhook", "message"], name="hook_message_once")]
        indexes = [models.Index(fields=["not_before"], condition=Q(state="waiting"), name="hook_message_due")]
