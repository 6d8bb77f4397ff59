"""Who holds which role where, and the rows that the scope reads.

`Grant` is the truth: a person was given a role on a unit, by somebody, for a period. `UnitPermission` is what the grants
of one person on one unit come to: per permission the union of the periods, so that it may carry an exclusion constraint
(guardian's own uniqueness would refuse a second period). Only services/grants.py writes either. All periods are half open,
[valid_from, valid_to): a grant ends at the beginning of its last day. guardian's backend is off; everything asks `orgtree.scope`.
"""

from __future__ import annotations

from datetime import date

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from guardian.models import UserObjectPermissionBase

from orgtree.choices import Role
from orgtree.models.units import VALIDITY, OrgUnit


class PeriodQuerySet(models.QuerySet):
    def on(self, day: date) -> PeriodQuerySet:
        """The rows in force on `day`."""
        return self.filter(valid_from__lte=day, valid_to__gt=day)


class Grant(models.Model):
    """A role on a unit and all below it. It always ends; one taken back before it began has an empty period.

    `ender` and `ended_at` tell who ended it earlier than it was given for, and when.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="grants", verbose_name=_("user"))
    role = models.CharField(_("role"), max_length=20, choices=Role)
    unit = models.ForeignKey(OrgUnit, models.PROTECT, related_name="grants", verbose_name=_("unit"))
    valid_from = models.DateField(_("valid from"))
    valid_to = models.DateField(_("valid to"), help_text=_("The first day on which the grant is no longer in force."))
    giver = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="grants_given", verbose_name=_("given by"))
    given_at = models.DateTimeField(_("given at"), auto_now_add=True)
    ender = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="grants_ended", verbose_name=_("ended by")
    )
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)

    objects = PeriodQuerySet.as_manager()

    class Meta:
        verbose_name = _("grant")
        verbose_name_plural = _("grants")
        constraints = [
            models.CheckConstraint(condition=Q(valid_to__gte=F("valid_from")), name="grant_period_ordered"),
            ExclusionConstraint(
                name="grant_no_overlap",
                expressions=[
                    ("user", RangeOperators.EQUAL),
                    ("role", RangeOperators.EQUAL),
                    ("unit", RangeOperators.EQUAL),
                    (VALIDITY, RangeOperators.OVERLAPS),
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.get_role_display()}, {self.unit}"


class UnitPermission(UserObjectPermissionBase):
    """guardian's direct-foreign-key permission on a unit, with its period."""

    content_object = models.ForeignKey(OrgUnit, models.CASCADE, related_name="permissions_held", verbose_name=_("unit"))
    valid_from = models.DateField(_("valid from"))
    valid_to = models.DateField(_("valid to"))

    class Meta:
        verbose_name = _("permission on a unit")
        verbose_name_plural = _("permissions on units")
        default_permissions = ()
        indexes = [models.Index(fields=["user", "permission"], name="unitpermission_user_permission")]
        constraints = [
            models.CheckConstraint(condition=Q(valid_to__gt=F("valid_from")), name="unitpermission_period_ordered"),
            ExclusionConstraint(
                name="unitpermission_no_overlap",
                expressions=[
                    ("user", RangeOperators.EQUAL),
                    ("permission", RangeOperators.EQUAL),
                    ("content_object", RangeOperators.EQUAL),
                    (VALIDITY, RangeOperators.OVERLAPS),
                ],
            ),
        ]
