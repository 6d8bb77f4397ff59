"""What the search box and the list stand on besides the files: words of names, former names of units, saved filters."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from orgtree.models.generated import plain_column


class NameWord(models.Model):
    """A word that stands in somebody's name, without accents. Names of a nation are made of a few thousand of them.

    So a mistyped word is mended by trying every text one slip away against this table. It says nothing about anybody; a word
    that nobody bears any longer does no harm. Filled after a request was applied and by the nightly sweep (`services.words`).
    """

    word = models.TextField(primary_key=True, db_collation="C")


class FormerUnitName(models.Model):
    """What a unit was called before it was renamed, from the ledger: old names stay searchable."""

    unit = models.ForeignKey("orgtree.OrgUnit", models.CASCADE, related_name="former_names")
    name = models.CharField(_("former name"), max_length=250)
    version = models.PositiveIntegerField()
    until = models.DateField(_("until"), help_text=_("The day on which another name was recorded."))
    name_search = plain_column("name")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["unit", "version"], name="registry_formerunitname_version")]

    def __str__(self) -> str:
        return self.name


class SavedFilter(models.Model):
    """A filter of the staff list under a name: its owner's, and where `unit` is set everybody's who may view that unit.

    `query` holds what the list's address holds, and so never a class-A value.
    """

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    unit = models.ForeignKey("orgtree.OrgUnit", models.CASCADE, null=True, related_name="+", verbose_name=_("shared within"))
    name = models.CharField(_("name"), max_length=80)
    query = models.JSONField(default=dict)
    created = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "name"], name="registry_savedfilter_name"),
            models.CheckConstraint(condition=~Q(name=""), name="registry_savedfilter_named"),
        ]

    def __str__(self) -> str:
        return self.name
