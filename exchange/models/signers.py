"""On the hub: of which agency a certificate is that names none."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from workflows.choices import GrantState


class AgencySigner(models.Model):
    """That signatures by this certificate, which names no agency, are those of `agency`: said by one operator, confirmed by another.

    `source` is where the agency itself says so. It counts from `decided_at` until `ended_at`; what was taken until then stays taken. That the
    key is in the agency's hands shows each signature, over a manifest that names the agency.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    agency = models.ForeignKey("exchange.Agency", models.PROTECT, related_name="signers")
    fingerprint = models.CharField(max_length=64)
    subject = models.CharField(max_length=500)
    certificate = models.BinaryField()
    valid_until = models.DateTimeField()
    source = models.CharField(max_length=300)
    proposer = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField(db_default=Now())
    state = models.CharField(_("state"), max_length=9, choices=GrantState, default=GrantState.PROPOSED)
    decider = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=300, blank=True, default="")
    ended_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    ended_at = models.DateTimeField(null=True)
    end_reason = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        verbose_name = _("certificate of an agency")
        verbose_name_plural = _("certificates of agencies")
        constraints = [
            models.UniqueConstraint(
                fields=["fingerprint"], condition=Q(state__in=["proposed", "confirmed"], ended_at=None), name="agency_signer_of_one_agency"
            ),
            models.CheckConstraint(
                condition=~Q(state=GrantState.CONFIRMED) | Q(decider__isnull=False) & ~Q(decider=F("proposer")), name="agency_signer_by_two"
            ),
            models.CheckConstraint(condition=Q(ended_at=None) | Q(state=GrantState.CONFIRMED), name="agency_signer_ended"),
        ]

    def __str__(self) -> str:
        return self.subject
