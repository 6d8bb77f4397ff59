"""The person's file as tables: the projection of the ledger. Written by `registry.projection` alone, inside the gate.

A value that is not known is null, never "", as in the document: the same bytes must come out of the tables again.
"""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Deferrable, F, Func, Q
from django.utils.translation import gettext_lazy as _

from orgtree.models.generated import plain_column


class StaffProfile(models.Model):
    """One person's file, document `staff_profile/1` (Circular 06/2023/TT-BNV). `id` is the record's key in ledger and exchange.

    Labels stand in the field catalogue (`registry.fields`). Codes and area keys are plain text, judged by rules against their lists:
    a list may be extended, and old files keep old codes.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    version = models.PositiveIntegerField(_("version"))
    digest = models.BinaryField(max_length=32)

    managing_agency = models.ForeignKey("orgtree.OrgUnit", models.PROTECT, related_name="+", verbose_name=_("managing agency"))
    using_unit = models.ForeignKey("orgtree.OrgUnit", models.PROTECT, related_name="staff", verbose_name=_("using unit"))
    staff_number = models.CharField(_("staff number"), max_length=20, null=True)
    photo = models.CharField(max_length=64, null=True)
    birth_name = models.CharField(_("full name at birth"), max_length=100)
    gender = models.CharField(_("gender"), max_length=2)
    other_names = models.CharField(max_length=200, null=True)
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
    social_insurance_no = models.CharField(max_length=10, null=True)
    health_insurance_no = models.CharField(max_length=15, null=True)
    current_address = models.CharField(_("current address"), max_length=300)
    current_address_area = models.CharField(_("area of the current address"), max_length=12, null=True)
    family_class = models.CharField(max_length=100, null=True)
    marital_status = models.CharField(max_length=4, null=True)
    previous_job = models.CharField(max_length=200, null=True)
    first_recruit_date = models.DateField(_("first recruited on"))
    recruiting_agency = models.CharField(_("recruiting agency"), max_length=250)
    recruit_form = models.CharField(max_length=10, null=True)
    current_agency_date = models.DateField(_("joined the current agency on"))
    personnel_type = models.CharField(_("type of personnel"), max_length=10)
    party_join_date = models.DateField(_("joined the Party on"), null=True)
    party_official_date = models.DateField(null=True)
    first_org_date = models.DateField(null=True)
    enlist_date = models.DateField(null=True)
    discharge_date = models.DateField(null=True)
    military_rank = models.CharField(max_length=10, null=True)
    policy_category = models.CharField(max_length=10, null=True)
    general_education = models.CharField(_("general education"), max_length=4)
    academic_title = models.CharField(max_length=10, null=True)
    academic_title_year = models.IntegerField(null=True)
    state_title = models.CharField(max_length=10, null=True)
    appoint_date = models.DateField(null=True)
    reappoint_date = models.DateField(null=True)
    concurrent_post = models.CharField(max_length=200, null=True)
    party_post = models.CharField(max_length=10, null=True)
    party_concurrent_post = models.CharField(max_length=10, null=True)
    main_duty = models.CharField(max_length=300, null=True)
    strength = models.CharField(max_length=300, null=True)
    longest_job = models.CharField(max_length=300, null=True)
    rank_code = models.CharField(_("rank or professional title"), max_length=20, null=True)
    rank_date = models.DateField(_("appointed to the rank on"), null=True)
    step = models.IntegerField(_("step"), null=True)
    coefficient = models.DecimalField(_("coefficient"), max_digits=4, decimal_places=2, null=True)
    step_date = models.DateField(_("in the step since"), null=True)
    percent = models.DecimalField(_("percentage received"), max_digits=5, decimal_places=2, null=True)
    overframe_percent = models.IntegerField(null=True)
    overframe_date = models.DateField(null=True)
    job_position = models.CharField(max_length=200, null=True)
    job_position_code = models.CharField(max_length=30, null=True)
    job_position_step = models.IntegerField(null=True)
    job_position_amount = models.DecimalField(max_digits=12, decimal_places=0, null=True)
    health = models.CharField(max_length=200, null=True)
    height_cm = models.IntegerField(null=True)
    weight_kg = models.IntegerField(null=True)
    blood_group = models.CharField(max_length=4, null=True)
    arrest_statement = models.CharField(max_length=1000, null=True)
    unit_comment = models.CharField(max_length=2000, null=True)

    name_search = plain_column("birth_name")
    name_words = models.GeneratedField(
        expression=Func(F("birth_name"), function="public.hoso_words"), output_field=ArrayField(models.TextField()), db_persist=True
    )
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
            models.CheckConstraint(condition=Q(photo=None) | Q(photo__regex=r"^[0-9a-f]{64}$"), name="registry_staff_photo_digest"),
            models.CheckConstraint(
                condition=Q(social_insurance_no=None) | Q(social_insurance_no__regex=r"^[0-9]{10}$"), name="registry_staff_social_insurance_form"
            ),
            models.CheckConstraint(
                condition=Q(health_insurance_no=None) | Q(health_insurance_no__regex=r"^([0-9]{10}|[A-Z]{2}[0-9]{13})$"),
                name="registry_staff_health_insurance_form",
            ),
            models.CheckConstraint(
                condition=Q(party_official_date=None) | Q(party_join_date__isnull=False, party_official_date__gte=F("party_join_date")),
                name="registry_staff_party_order",
            ),
            models.CheckConstraint(
                condition=Q(discharge_date=None) | Q(enlist_date__isnull=False, discharge_date__gt=F("enlist_date")),
                name="registry_staff_military_order",
            ),
            models.CheckConstraint(
                condition=Q(overframe_percent=None, overframe_date=None)
                | Q(overframe_percent__isnull=False, overframe_date__isnull=False, rank_code__isnull=False, overframe_percent__range=(5, 60)),
                name="registry_staff_overframe_whole",
            ),
            models.CheckConstraint(
                condition=(Q(height_cm=None) | Q(height_cm__range=(50, 250))) & (Q(weight_kg=None) | Q(weight_kg__range=(20, 300))),
                name="registry_staff_measures",
            ),
            models.CheckConstraint(
                condition=(Q(job_position_amount=None) | Q(job_position_amount__gt=0)) & (Q(job_position_step=None) | Q(job_position_step__gte=1)),
                name="registry_staff_position_pay",
            ),
        ]
        indexes = [
            GinIndex(fields=["name_words"], name="registry_staff_name_words"),
            models.Index(fields=["name_sort", "id"], name="registry_staff_name_sort"),
            # What the list is filtered by, of what is rare enough for an index to help.
            models.Index(fields=["staff_number"], name="registry_staff_by_number"),
            models.Index(fields=["birth_date"], name="registry_staff_by_birth"),
            models.Index(fields=["rank_code"], name="registry_staff_by_rank"),
            models.Index(fields=["step_date"], name="registry_staff_by_step"),
            models.Index(fields=["ethnicity"], name="registry_staff_by_ethnicity"),
            models.Index(fields=["home_town_area"], name="registry_staff_by_home"),
            models.Index(fields=["current_address_area"], name="registry_staff_by_address"),
        ]

    def __str__(self) -> str:
        return self.birth_name
