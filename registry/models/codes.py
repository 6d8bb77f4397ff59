"""Code lists: small lists of code and name, rank codes and the salary scale.

The lists of a release are loaded by `services.codes`. What an agency adds or changes goes through the gate as a `CodeEntry`, from which
the code is projected; a trigger keeps such a code from everybody else, the loader included.
"""

from __future__ import annotations

import uuid
from datetime import date

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from workflows.opened import opened_model


def no_aliases() -> list[str]:
    """A default for a class that has a field called `list`."""
    return []


class CodeItemQuerySet(models.QuerySet["CodeItem"]):
    def on(self, day: date) -> CodeItemQuerySet:
        """The codes that may be used on `day`."""
        return self.filter(Q(valid_from=None) | Q(valid_from__lte=day), Q(valid_to=None) | Q(valid_to__gt=day))


class CodeItem(models.Model):
    """One code of one list. `evidence`: A a system in use, B law or form, C our own code (see the notice of the data).

    It may be used on the days of [valid_from, valid_to); a fact of an earlier day keeps it. `aliases` are other ways of writing it.
    """

    list = models.CharField(_("list"), max_length=30)
    code = models.CharField(_("code"), max_length=20)
    name_vi = models.CharField(_("name in Vietnamese"), max_length=200)
    name_en = models.CharField(_("name in English"), max_length=200, blank=True)
    sort = models.PositiveSmallIntegerField(_("order"), default=0)
    valid_from = models.DateField(_("valid from"), null=True, blank=True)
    valid_to = models.DateField(_("valid to"), null=True, blank=True)
    evidence = models.CharField(_("evidence"), max_length=10, blank=True)
    aliases = ArrayField(models.CharField(max_length=200), verbose_name=_("other names"), default=no_aliases, blank=True)
    source = models.CharField(_("source"), max_length=300, blank=True, default="")

    objects = CodeItemQuerySet.as_manager()

    class Meta:
        verbose_name = _("code")
        verbose_name_plural = _("codes")
        ordering = ["list", "sort", "code"]
        constraints = [
            models.UniqueConstraint(fields=["list", "code"], name="registry_codeitem_code"),
            models.CheckConstraint(
                condition=Q(valid_to=None) | Q(valid_from=None) | Q(valid_from__lt=F("valid_to")), name="registry_codeitem_period"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """The name in the reader's language; Vietnamese where there is no other."""
        return self.name_vi if (get_language() or "vi").startswith("vi") else self.name_en or self.name_vi


class CodeEntry(models.Model):
    """A code that an agency added or changed, document `code_entry/1`: the gate's record behind one `CodeItem`.

    `aliases` are separated by "|". `list` and `code` never change: the key is made of them.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    version = models.PositiveIntegerField(_("version"))
    digest = models.BinaryField(max_length=32)
    list = models.CharField(_("list"), max_length=30)
    code = models.CharField(_("code"), max_length=20)
    name_vi = models.CharField(_("name in Vietnamese"), max_length=200)
    name_en = models.CharField(_("name in English"), max_length=200, null=True)
    sort = models.IntegerField(_("order"), null=True)
    valid_from = models.DateField(_("valid from"), null=True)
    valid_to = models.DateField(_("valid to"), null=True)
    aliases = models.CharField(_("other names"), max_length=1000, null=True)
    source = models.CharField(_("source"), max_length=300)

    class Meta:
        verbose_name = _("code in the ledger")
        verbose_name_plural = _("codes in the ledger")
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["list", "code"], name="registry_codeentry_code"),
            models.CheckConstraint(
                condition=Q(valid_to=None) | Q(valid_from=None) | Q(valid_from__lt=F("valid_to")), name="registry_codeentry_period"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.list} {self.code}"


OpenedCodeEntry = opened_model(CodeEntry, db_table="opened_code_entry")


class RankCode(models.Model):
    """A rank (ngạch) or professional title (chức danh nghề nghiệp). `salary_class` is "" where no source names it."""

    code = models.CharField(_("code"), max_length=20, primary_key=True)
    title = models.CharField(_("title"), max_length=200)
    group = models.CharField(_("group"), max_length=20)
    grade = models.CharField(_("grade"), max_length=5, blank=True)
    salary_class = models.CharField(_("salary class"), max_length=10, blank=True)
    class_evidence = models.CharField(_("evidence of the class"), max_length=100, blank=True)
    old_code = models.CharField(_("former code"), max_length=20, blank=True)
    source = models.CharField(_("source"), max_length=200, blank=True)
    valid_from = models.DateField(_("valid from"), null=True, blank=True)
    valid_to = models.DateField(_("valid to"), null=True, blank=True)

    class Meta:
        verbose_name = _("rank")
        verbose_name_plural = _("ranks")
        ordering = ["code"]

    def __str__(self) -> str:
        return f"{self.code} {self.title}"


class SalaryStep(models.Model):
    """One step of one class of the salary scale in Decree 204/2004/NĐ-CP. `months` is the time to the next step."""

    salary_class = models.CharField(_("salary class"), max_length=10)
    step = models.PositiveSmallIntegerField(_("step"))
    coefficient = models.DecimalField(_("coefficient"), max_digits=4, decimal_places=2)
    months = models.PositiveSmallIntegerField(_("months per step"))
    max_step = models.PositiveSmallIntegerField(_("last step"))
    evidence = models.CharField(_("evidence"), max_length=20, blank=True)
    source = models.CharField(_("source"), max_length=200, blank=True, default="")

    class Meta:
        verbose_name = _("salary step")
        verbose_name_plural = _("salary steps")
        ordering = ["salary_class", "step"]
        constraints = [
            models.UniqueConstraint(fields=["salary_class", "step"], name="registry_salarystep_step"),
            models.CheckConstraint(condition=Q(step__gte=1, step__lte=F("max_step"), coefficient__gt=0), name="registry_salarystep_bounds"),
        ]

    def __str__(self) -> str:
        return f"{self.salary_class}/{self.step}: {self.coefficient}"
