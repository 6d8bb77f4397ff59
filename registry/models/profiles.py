"""The person's file as tables: the projection of the ledger. Written by `registry.projection` alone, inside the gate.

A value that is not known is null, never "", as in the document: the same bytes must come out of the tables again.
"""

from __future__ import annotations

import uuid

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Deferrable, F, Func, Q
from django.utils.translation import gettext_lazy as _

from orgtree.models.generated import plain_column
from workflows.opened import opened_model


class StaffProfile(models.Model):
    """One person's file, document `staff_profile/1` (Circular 06/2023/TT-BNV). `id` is the record's key in ledger and exchange.

    Codes and area keys are plain text, judged by rules against their lists: a list may be extended, and old files keep old codes.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    version = models.PositiveIntegerField(_("version"))
    digest = models.BinaryField(max_length=32)

    managing_agency = models.ForeignKey("orgtree.OrgUnit", models.PROTECT, related_name="+", verbose_name=_("managing agency"))
    using_unit = models.ForeignKey("orgtree.OrgUnit", models.PROTECT, related_name="staff", verbose_name=_("using unit"))
    staff_number = models.CharField(_("staff number"), max_length=20, null=True)
    birth_name = models.CharField(_("full name at birth"), max_length=100)
    gender = models.CharField(_("gender"), max_length=2)
    birth_date = models.DateField(_("date of birth"))
    birth_place = models.CharField(_("place of birth"), max_length=300)
    birth_place_area = models.CharField(_("area of the place of birth"), max_length=12, null=True)
    home_town = models.CharField(_("home town"), max_length=300)
    home_town_area = models.CharField(_("area of the home town"), max_length=12, null=True)
    ethnicity = models.CharField(_("ethnicity"), max_length=4)
    religion = models.CharField(_("religion"), max_length=4)
    citizen_id = models.CharField(_("personal identification number"), max_length=12)
    citizen_id_date = models.DateField(_("identity card issued on"))
    phone = models.CharField(_("telephone"), max_length=15, null=True)
    current_address = models.CharField(_("current address"), max_length=300)
    current_address_area = models.CharField(_("area of the current address"), max_length=12, null=True)
    first_recruit_date = models.DateField(_("first recruited on"))
    recruiting_agency = models.CharField(_("recruiting agency"), max_length=250)
    current_agency_date = models.DateField(_("joined the current agency on"))
    personnel_type = models.CharField(_("type of personnel"), max_length=10)
    party_join_date = models.DateField(_("joined the Party on"), null=True)
    general_education = models.CharField(_("general education"), max_length=4)
    rank_code = models.CharField(_("rank or professional title"), max_length=20, null=True)
    rank_date = models.DateField(_("appointed to the rank on"), null=True)
    step = models.IntegerField(_("step"), null=True)
    coefficient = models.DecimalField(_("coefficient"), max_digits=4, decimal_places=2, null=True)
    step_date = models.DateField(_("in the step since"), null=True)
    percent = models.DecimalField(_("percentage received"), max_digits=5, decimal_places=2, null=True)

    name_search = plain_column("birth_name")
    name_sort = models.GeneratedField(
        expression=Func(F("birth_name"), function="public.hoso_person_sort_key"), output_field=models.TextField(db_collation="C"), db_persist=True
    )

    class Meta:
        verbose_name = _("staff profile")
        verbose_name_plural = _("staff profiles")
        default_permissions = ()
        constraints = [
            # Deferred: one request may pass a corrected number from one person to another.
            models.UniqueConstraint(fields=["citizen_id"], name="registry_staff_citizen_id", deferrable=Deferrable.DEFERRED),
            models.UniqueConstraint(fields=["managing_agency", "staff_number"], name="registry_staff_number", deferrable=Deferrable.DEFERRED),
            models.CheckConstraint(condition=Q(citizen_id__regex=r"^[0-9]{12}$"), name="registry_staff_citizen_id_form"),
            models.CheckConstraint(condition=Q(phone=None) | Q(phone__regex=r"^0[0-9]{9}$"), name="registry_staff_phone_form"),
            models.CheckConstraint(
                condition=Q(citizen_id_date__gt=F("birth_date"), first_recruit_date__gt=F("birth_date")), name="registry_staff_after_birth"
            ),
            models.CheckConstraint(condition=Q(current_agency_date__gte=F("first_recruit_date")), name="registry_staff_recruited_first"),
            models.CheckConstraint(
                condition=Q(rank_code=None, rank_date=None, step=None, coefficient=None, step_date=None, percent=None)
                # Each is named not null: a comparison with null is unknown, and a check lets the unknown pass.
                | Q(**{f"{column}__isnull": False for column in ("rank_code", "rank_date", "step", "coefficient", "step_date", "percent")})
                & Q(step__gte=1, coefficient__gt=0, percent__gt=0, percent__lte=100),
                name="registry_staff_rank_whole",
            ),
        ]
        indexes = [
            GinIndex(fields=["name_search"], opclasses=["gin_trgm_ops"], name="registry_staff_name_search"),
            models.Index(fields=["name_sort", "id"], name="registry_staff_name_sort"),
        ]

    def __str__(self) -> str:
        return self.birth_name


class Posting(models.Model):
    """One row of item 33: a post held in [valid_from, valid_to). The open one is the current post; no two overlap.

    `unit` is null for a unit that this installation does not keep; `unit_name` then says where, as declared.
    """

    id = models.BigAutoField(primary_key=True)
    staff = models.ForeignKey(StaffProfile, models.PROTECT, related_name="postings")
    title = models.CharField(_("post"), max_length=200)
    unit = models.ForeignKey("orgtree.OrgUnit", models.PROTECT, null=True, related_name="+", verbose_name=_("unit"))
    unit_name = models.CharField(_("unit (as written)"), max_length=250, null=True)
    valid_from = models.DateField(_("from"))
    valid_to = models.DateField(_("to"), null=True)

    class Meta:
        verbose_name = _("posting")
        verbose_name_plural = _("postings")
        default_permissions = ()
        constraints = [
            models.CheckConstraint(condition=Q(valid_to=None) | Q(valid_from__lt=F("valid_to")), name="registry_posting_period"),
            models.CheckConstraint(condition=Q(unit__isnull=False) | Q(unit_name__isnull=False), name="registry_posting_place"),
            ExclusionConstraint(
                name="registry_posting_overlap",
                expressions=[
                    ("staff", RangeOperators.EQUAL),
                    (Func(F("valid_from"), F("valid_to"), function="daterange", output_field=DateRangeField()), RangeOperators.OVERLAPS),
                ],
            ),
        ]

    def __str__(self) -> str:
        return self.title


OpenedStaffProfile = opened_model(StaffProfile, db_table="opened_staff_profile")
OpenedPosting = opened_model(Posting, db_table="opened_posting", relations={"staff": OpenedStaffProfile})
