from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from exchange.choices import ChannelKind, Transport
from exchange.contract import MAX_ITEMS, ErrorKind
from exchange.ways import OptionsInvalid, options_check

# A bare host name is a good address inside a ministry's network, so Django's own URL validator is too strict.
ADDRESS = RegexValidator(r"^https?://[^\s/?#]+/?$", _("The address begins with https:// (or http:// on this machine) and has no path."))


class Channel(models.Model):
    """A configured destination. Its client secret is not here but in the environment (`HOSO_CHANNEL_SECRETS`).

    The circuit breaker lives in `failures` (calls failed in a row), `failing_since` and `paused_until`. Every outbox message with an id of at
    most `fanned_below` has its delivery already, so that the fan-out looks at the recent end of the outbox only. Receipts up to `receipts_after`
    have been read; null: nobody knows yet how far the other side has come.
    """

    code = models.SlugField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=200)
    kind = models.CharField(_("kind"), max_length=20, choices=ChannelKind, default=ChannelKind.NATIONAL_HUB)
    base_url = models.CharField(_("address"), max_length=300, validators=[ADDRESS], help_text=_("Without a path, for example https://hub.example.vn"))
    client_id = models.CharField(_("client id"), max_length=100)
    transport = models.CharField(_("transport"), max_length=10, choices=Transport, default=Transport.DIRECT, db_default=Transport.DIRECT.value)
    transport_options = models.JSONField(
        _("what the transport needs"), default=dict, blank=True, db_default={}, help_text=_("As JSON; see the handbook for operators.")
    )
    active = models.BooleanField(_("active"), default=True)
    timeout_seconds = models.PositiveSmallIntegerField(
        _("time limit of a call, in seconds"), default=30, validators=[MinValueValidator(1), MaxValueValidator(300)]
    )
    batch_size = models.PositiveSmallIntegerField(
        _("people in one call"), default=200, validators=[MinValueValidator(1), MaxValueValidator(MAX_ITEMS)], help_text=_("Fewer on a weak line.")
    )
    failures = models.PositiveIntegerField(default=0, editable=False)
    paused_until = models.DateTimeField(_("paused until"), null=True, editable=False)
    failing_since = models.DateTimeField(_("in trouble since"), null=True, editable=False)
    last_contact = models.DateTimeField(_("last contact"), null=True, editable=False)
    last_error = models.CharField(_("last error"), max_length=500, blank=True, default="", editable=False)
    last_error_kind = models.CharField(
        max_length=10, blank=True, default="", editable=False, choices=[(kind.value, kind.value) for kind in ErrorKind]
    )
    fanned_below = models.BigIntegerField(default=0, editable=False)
    receipts_after = models.BigIntegerField(null=True, editable=False)

    class Meta:
        verbose_name = _("channel")
        verbose_name_plural = _("channels")

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        try:
            options_check(self.transport, self.transport_options)
        except OptionsInvalid as error:
            raise ValidationError({"transport_options": str(error)}) from error
