"""On the hub: an agency's keys (client credentials) through their life. One is active; a rotated one still works for a while."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from exchange.choices import KeyState
from exchange.models.inbound import Agency


class AgencyKey(models.Model):
    """One pair of client id and secret. The secret is a hash in the OAuth application, which a retired key no longer has rights through.

    requested -> active -> rotated -> retired; requested and active ones may be retired at once.
    """

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="keys")
    application = models.OneToOneField(settings.OAUTH2_PROVIDER_APPLICATION_MODEL, models.PROTECT, related_name="key")
    state = models.CharField(_("state"), max_length=9, choices=KeyState, default=KeyState.REQUESTED)
    requested_at = models.DateTimeField(_("requested"), db_default=Now())
    activated_at = models.DateTimeField(_("activated"), null=True)
    usable_until = models.DateTimeField(_("usable until"), null=True, help_text=_("Of a rotated key: until when it still works."))
    retired_at = models.DateTimeField(_("retired"), null=True)

    class Meta:
        verbose_name = _("key of an agency")
        verbose_name_plural = _("keys of agencies")
        ordering = ("-requested_at",)
        constraints = [models.UniqueConstraint(fields=["agency"], condition=models.Q(state="active"), name="key_active_once")]

    def __str__(self) -> str:
        return f"{self.agency.code} {self.application.client_id}"
