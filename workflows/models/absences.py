"""Who is away without having named anybody, and who are the deputies of an office."""

from __future__ import annotations

from datetime import date

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from workflows.choices import RiskClass


class AbsenceQuerySet(models.QuerySet):
    def on(self, day: date) -> AbsenceQuerySet:
        """Those that last on `day`."""
        return self.filter(ended_at=None, valid_from__lte=day, valid_to__gt=day)


class Absence(models.Model):
    """Somebody is away for [valid_from, valid_to) and named nobody: the deputies of the office decide meanwhile."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="absences", verbose_name=_("user"))
    valid_from = models.DateField(_("valid from"))
    valid_to = models.DateField(_("valid to"))
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("recorded by"))
    made_at = models.DateTimeField(_("recorded at"), db_default=Now())
    ended_at = models.DateTimeField(_("ended at"), null=True)

    objects = AbsenceQuerySet.as_manager()

    class Meta:
        verbose_name = _("absence")
        verbose_name_plural = _("absences")
        constraints = [models.CheckConstraint(condition=Q(valid_to__gt=F("valid_from")), name="absence_period_ordered")]
        indexes = [models.Index(fields=["user", "valid_to"])]

    def __str__(self) -> str:
        return f"{self.user}: {self.valid_from:%d/%m/%Y}"


class DeputyQuerySet(models.QuerySet):
    def on(self, day: date) -> DeputyQuerySet:
        """The deputies in office on `day`."""
        return self.filter(revoked_at=None, valid_from__lte=day, valid_to__gt=day)


class Deputy(models.Model):
    """A deputy of the office of `unit`, in order of `rank`, by a written decision (Decree 30/2020/NĐ-CP art. 13: signing for the head).

    A deputy decides only while whoever holds the right is away and named nobody; `services.standing_in` then records a Delegation.
    """

    unit = models.ForeignKey("orgtree.OrgUnit", models.PROTECT, related_name="deputies", verbose_name=_("office"))
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="deputy_of", verbose_name=_("deputy"))
    rank = models.PositiveSmallIntegerField(_("order"), default=1)
    risks = ArrayField(models.CharField(max_length=1, choices=RiskClass), verbose_name=_("risk classes"))
    valid_from = models.DateField(_("valid from"))
    valid_to = models.DateField(_("valid to"))
    decision_number = models.CharField(_("decision number"), max_length=60)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("recorded by"))
    made_at = models.DateTimeField(_("recorded at"), db_default=Now())
    revoked_at = models.DateTimeField(_("revoked at"), null=True)

    objects = DeputyQuerySet.as_manager()

    class Meta:
        verbose_name = _("deputy of an office")
        verbose_name_plural = _("deputies of offices")
        constraints = [
            models.CheckConstraint(condition=Q(valid_to__gt=F("valid_from")), name="deputy_period_ordered"),
            models.CheckConstraint(condition=Q(risks__len__gt=0, risks__contained_by=RiskClass.values), name="deputy_risks_known"),
            models.CheckConstraint(condition=~Q(decision_number=""), name="deputy_by_decision"),
        ]
        indexes = [models.Index(fields=["unit", "valid_to"])]

    def __str__(self) -> str:
        return f"{self.unit}: {self.user}"


class StageTerm(models.Model):
    """When a stage opened, and the days on which it is recalled to mind: half time, the deadline, and twice the term.

    Days are counted in working days (services.deadlines); a stage without a term has none of them.
    """

    stage = models.OneToOneField("workflows.Stage", models.PROTECT, primary_key=True, related_name="term")
    opened_at = models.DateTimeField()
    half_on = models.DateField(null=True)
    due_on = models.DateField(null=True)
    above_on = models.DateField(null=True)

    class Meta:
        indexes = [models.Index(fields=["due_on"])]
