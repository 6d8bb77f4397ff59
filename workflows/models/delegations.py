from __future__ import annotations

from datetime import date

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from workflows.choices import RiskClass


class DelegationQuerySet(models.QuerySet):
    def on(self, day: date) -> DelegationQuerySet:
        """The delegations in force on `day`."""
        return self.filter(revoked_at=None, valid_from__lte=day, valid_to__gt=day)

    def overlapping(self, valid_from: date, valid_to: date) -> DelegationQuerySet:
        return self.filter(revoked_at=None, valid_from__lt=valid_to, valid_to__gt=valid_from)


class Delegation(models.Model):
    """While the giver is away the receiver decides in the giver's place: in a unit and below, on some risk classes, for a period.

    The period is half open, [valid_from, valid_to). `decision_number` is that of the written decision, which the law asks for
    (Decree 30/2020/NĐ-CP, signing in another's place). Append-only, but that it can be revoked. `deputy` is set where nobody was named
    and the order of deputies of the office was followed. The database allows chains of two
    at most and no circle (guards.DELEGATION_FUNCTION).
    """

    giver = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="delegations_given", verbose_name=_("giver"))
    receiver = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="delegations_received", verbose_name=_("receiver"))
    unit = models.ForeignKey("orgtree.OrgUnit", models.PROTECT, related_name="+", verbose_name=_("unit and below"))
    risks = ArrayField(models.CharField(max_length=1, choices=RiskClass), verbose_name=_("risk classes"))
    valid_from = models.DateField(_("valid from"))
    valid_to = models.DateField(_("valid to"), help_text=_("The first day on which the delegation is no longer in force."))
    decision_number = models.CharField(_("decision number"), max_length=60)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("recorded by"))
    made_at = models.DateTimeField(_("recorded at"), db_default=Now())
    revoked_at = models.DateTimeField(_("revoked at"), null=True)
    deputy = models.ForeignKey("workflows.Deputy", models.PROTECT, null=True, related_name="delegations", verbose_name=_("as deputy of the office"))

    objects = DelegationQuerySet.as_manager()

    class Meta:
        verbose_name = _("delegation")
        verbose_name_plural = _("delegations")
        constraints = [
            models.CheckConstraint(condition=~Q(giver=F("receiver")), name="delegation_to_somebody_else"),
            models.CheckConstraint(condition=Q(valid_to__gt=F("valid_from")), name="delegation_period_ordered"),
            models.CheckConstraint(condition=Q(risks__len__gt=0, risks__contained_by=RiskClass.values), name="delegation_risks_known"),
            models.CheckConstraint(condition=~Q(decision_number=""), name="delegation_by_decision"),
        ]
        indexes = [models.Index(fields=["receiver", "valid_to"])]

    def __str__(self) -> str:
        return f"{self.giver} → {self.receiver}"
