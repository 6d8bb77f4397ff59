"""Administrative areas, now and before 1 July 2025, and what became of each.

The codes of Decision 124/2004/QĐ-TTg (province 2 digits, district 3, commune 5) ended on that day; those of Decision
19/2025/QĐ-TTg (province, commune) began. About 2,200 five-digit codes then came to mean another place, so a code alone says
nothing: look it up with a day, `Area.objects.on(day).get(code=...)`, or keep the key, `<year of the decision>-<code>`.
"""

from __future__ import annotations

from datetime import date

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from orgtree.choices import AreaKind, AreaLevel, SuccessionKind
from orgtree.models.generated import plain_column, sort_column


class AreaQuerySet(models.QuerySet["Area"]):
    def on(self, day: date) -> AreaQuerySet:
        """The areas that exist on `day`."""
        return self.filter(Q(valid_to=None) | Q(valid_to__gt=day), valid_from__lte=day)


class Area(models.Model):
    key = models.CharField(_("key"), max_length=12, primary_key=True)
    code = models.CharField(_("code"), max_length=5)
    level = models.CharField(_("level"), max_length=8, choices=AreaLevel)
    name = models.CharField(_("name"), max_length=100)
    full_name = models.CharField(_("full name"), max_length=120)
    kind = models.CharField(_("kind"), max_length=14, choices=AreaKind)
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children", verbose_name=_("belongs to"))
    valid_from = models.DateField(_("valid from"))
    valid_to = models.DateField(_("valid to"), null=True, blank=True)
    name_search = plain_column("full_name")
    sort_key = sort_column("name")

    objects = AreaQuerySet.as_manager()

    class Meta:
        verbose_name = _("area")
        verbose_name_plural = _("areas")
        indexes = [
            models.Index(fields=["code", "valid_from"], name="area_code_valid_from"),
            GinIndex(OpClass(F("name_search"), "gin_trgm_ops"), name="area_name_search"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(key__regex=r"^(2004|2025)-([0-9]{2}|[0-9]{3}|[0-9]{5})$"), name="area_key_form"),
            models.CheckConstraint(condition=Q(valid_to__gt=F("valid_from")), name="area_validity_ordered"),
            # One meaning of a code at a time: the 2004 list has codes in use up to 1 July 2025, the 2025 list from then on.
            models.UniqueConstraint(fields=["level", "code"], condition=Q(valid_to=None), name="area_current_code_unique"),
        ]

    def __str__(self) -> str:
        return self.full_name

    def successor(self) -> Area | None:
        """What this area is called today: itself while it exists, else its main successor; None for a former district."""
        if self.valid_to is None:
            return self
        succession = self.successions.filter(is_default=True).select_related("new").first()
        return succession and succession.new


class AreaSuccession(models.Model):
    """A former area and one of the areas that took over the whole or a part of it."""

    old = models.ForeignKey(Area, models.CASCADE, related_name="successions", verbose_name=_("former area"))
    new = models.ForeignKey(Area, models.CASCADE, related_name="origins", verbose_name=_("present area"))
    kind = models.CharField(_("kind"), max_length=5, choices=SuccessionKind)
    is_default = models.BooleanField(_("main successor"))

    class Meta:
        verbose_name = _("succession of areas")
        verbose_name_plural = _("successions of areas")
        constraints = [
            models.UniqueConstraint(fields=["old", "new"], name="area_succession_unique"),
            models.UniqueConstraint(fields=["old"], condition=Q(is_default=True), name="area_succession_one_default"),
        ]

    def __str__(self) -> str:
        return f"{self.old_id} → {self.new_id}"
