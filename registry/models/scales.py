"""Ranks and salary steps that an agency added or changed: the gate's records behind `RankCode` and `SalaryStep`."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from workflows.opened import opened_model


class RankEntry(models.Model):
    """A rank, document `rank_entry/1`. Its code never changes: the key is made of it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    version = models.PositiveIntegerField(_("version"))
    digest = models.BinaryField(max_length=32)
    code = models.CharField(_("code"), max_length=20, unique=True)
    title = models.CharField(_("title"), max_length=200)
    category = models.CharField(_("group"), max_length=20)
    grade = models.CharField(_("grade"), max_length=5, null=True)
    salary_class = models.CharField(_("salary class"), max_length=10, null=True)
    old_code = models.CharField(_("former code"), max_length=20, null=True)
    valid_from = models.DateField(_("valid from"), null=True)
    valid_to = models.DateField(_("valid to"), null=True)
    source = models.CharField(_("source"), max_length=200)

    class Meta:
        verbose_name = _("rank in the ledger")
        verbose_name_plural = _("ranks in the ledger")
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_to=None) | Q(valid_from=None) | Q(valid_from__lt=F("valid_to")), name="registry_rankentry_period"
            )
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.title}"


class StepEntry(models.Model):
    """A step of a salary class, document `step_entry/1`. Class and step never change: the key is made of them."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    version = models.PositiveIntegerField(_("version"))
    digest = models.BinaryField(max_length=32)
    salary_class = models.CharField(_("salary class"), max_length=10)
    step = models.IntegerField(_("step"))
    coefficient = models.DecimalField(_("coefficient"), max_digits=4, decimal_places=2)
    months = models.IntegerField(_("months per step"))
    max_step = models.IntegerField(_("last step"))
    source = models.CharField(_("source"), max_length=200)

    class Meta:
        verbose_name = _("salary step in the ledger")
        verbose_name_plural = _("salary steps in the ledger")
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["salary_class", "step"], name="registry_stepentry_step"),
            models.CheckConstraint(
                condition=Q(step__gte=1, step__lte=F("max_step"), coefficient__gt=0, months__gte=1), name="registry_stepentry_bounds"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.salary_class}/{self.step}: {self.coefficient}"


OpenedRankEntry = opened_model(RankEntry, db_table="opened_rank_entry")
OpenedStepEntry = opened_model(StepEntry, db_table="opened_step_entry")
