"""Pairs of a code of ours and a code of another side, and the codes that still want one."""

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from registry.models import StaffProfile


class MapWay(models.TextChoices):
    """In which direction a pair is used."""

    BOTH = "both", _("Both ways")
    OUT = "out", _("Outwards only")
    IN = "in", _("Inwards only")


def _one_of(column: str, way: MapWay) -> ExclusionConstraint:
    """On no day two present pairs of a side and list that agree in `column` and are used in this direction."""
    period = Func(F("valid_from"), F("valid_to"), function="daterange", output_field=DateRangeField())
    equal = ((name, RangeOperators.EQUAL) for name in ("side", "list", column))
    return ExclusionConstraint(
        name=f"code_pair_{way}_once",
        expressions=[*equal, (period, RangeOperators.OVERLAPS)],
        condition=Q(ended_at=None, way__in=[MapWay.BOTH.value, way.value]),
    )


class CodePair(models.Model):
    """`code` of our list is `theirs` at `side`, on the days of [valid_from, valid_to). Never altered: another pair takes its place (`ended_at`).

    `side` names a channel ("channel.<code>"), a program that files are shared with ("program.<code>"), or one that workbooks come from
    ("upload.<code>").
    """

    side = models.CharField(_("other side"), max_length=110)
    list = models.CharField(_("list"), max_length=30)
    code = models.CharField(_("our code"), max_length=100)
    theirs = models.CharField(_("their code"), max_length=60)
    way = models.CharField(_("direction"), max_length=4, choices=MapWay, default=MapWay.BOTH)
    valid_from = models.DateField(_("valid from"), null=True)
    valid_to = models.DateField(_("valid to"), null=True)
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    added_at = models.DateTimeField(db_default=Now())
    ended_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("pair of codes")
        verbose_name_plural = _("pairs of codes")
        default_permissions = ()
        constraints = [
            _one_of("code", MapWay.OUT),
            _one_of("theirs", MapWay.IN),
            models.CheckConstraint(condition=Q(valid_to=None) | Q(valid_from=None) | Q(valid_from__lt=F("valid_to")), name="code_pair_period"),
            models.CheckConstraint(condition=~Q(code="") & ~Q(theirs=""), name="code_pair_says_both"),
            models.CheckConstraint(
                condition=Q(ended_at=None, ended_by=None) | Q(ended_at__isnull=False, ended_by__isnull=False), name="code_pair_end"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.list}: {self.code} = {self.theirs}"


class CodeGap(models.Model):
    """A code in one person's file, or in what was told of them, that has no pair: what would have crossed waits for it."""

    side = models.CharField(max_length=110)
    way = models.CharField(max_length=4, choices=MapWay)
    list = models.CharField(max_length=30)
    code = models.CharField(max_length=60)
    staff = models.ForeignKey(StaffProfile, models.CASCADE, related_name="+")
    place = models.CharField(max_length=80)
    noticed_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["side", "way", "list", "code", "staff"], name="code_gap_once")]
