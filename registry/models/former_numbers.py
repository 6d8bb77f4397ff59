"""Numbers of old identity cards, beside the files of those who had them. Written by `registry.projection` alone, inside the gate."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from registry.models.opened import OpenedStaffProfile
from registry.models.profiles import StaffProfile
from workflows.opened import opened_model


class FormerNumber(models.Model):
    """The number of an old identity card (CMND, 9 digits; Decree 05/1999/NĐ-CP art. 1), document `former_number/1`.

    Two people may have had one number: provinces gave some twice. So a number is looked up, and never taken for a person where two have it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    version = models.PositiveIntegerField(_("version"))
    digest = models.BinaryField(max_length=32)
    staff = models.ForeignKey(StaffProfile, models.PROTECT, related_name="former_numbers", verbose_name=_("staff profile"))
    unit = models.ForeignKey("orgtree.OrgUnit", models.PROTECT, related_name="+", verbose_name=_("unit"))
    number = models.CharField(_("number of the old identity card"), max_length=9)
    issued_on = models.DateField(_("issued on"), null=True)
    issued_by = models.CharField(_("issued by"), max_length=200, null=True)
    source = models.CharField(_("source"), max_length=300)
    withdrawn = models.CharField(_("withdrawn because"), max_length=300, null=True)

    class Meta:
        verbose_name = _("number of an old identity card")
        verbose_name_plural = _("numbers of old identity cards")
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["number", "staff"], name="registry_formernumber_once"),
            models.CheckConstraint(condition=Q(number__regex=r"^[0-9]{9}$"), name="registry_formernumber_form"),
        ]

    def __str__(self) -> str:
        return self.number


OpenedFormerNumber = opened_model(FormerNumber, db_table="opened_former_number", relations={"staff": OpenedStaffProfile})
