"""Findings by cause: what one decision would repair, and what a person has to look at cell by cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count
from django.db.models.fields.json import KeyTextTransform

from registry.cleaning import CERTAIN, Cause, Recipe
from registry.fields import label_of
from registry.messages import message_of
from registry.models import Upload, UploadRepair
from registry.selectors.uploads import UNPAIRED
from workflows.choices import Severity

EXAMPLES, EFFECTS, LABELS = 3, 200, 3


@dataclass(frozen=True)
class CauseLine:
    """A group of findings that the repair `op` would end; `field` is "" where it is one repair for several fields. `examples` are (before, after)."""

    field: str
    label: str
    cause: str
    words: str
    op: str
    cells: int
    certain: bool
    examples: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class OtherLine:
    """Findings of one kind that no repair helps: a sentence with one example, how many, and the cell of the first ("" where it has none)."""

    code: str
    label: str
    message: str
    severity: str
    cells: int
    row: int
    column: str

    @property
    def before(self) -> int:
        """The row after which a page of the grid begins with the first of them."""
        return self.row - 1


@dataclass(frozen=True)
class RepairLine:
    """A repair in force."""

    id: int
    label: str
    words: str
    cells: int
    actor: str
    replayed: bool


def cause_lines(*, upload: Upload) -> list[CauseLine]:
    """Groups that a repair would end, largest first. A repair that loses and guesses nothing is one group whatever the field."""
    found = upload.findings.filter(repair__isnull=False).order_by().annotate(op=KeyTextTransform("op", "repair"))
    groups: dict[tuple[str, str, str], list[tuple[str, int]]] = {}
    for field, cause, op, times in found.values_list("field", "cause", "op").annotate(times=Count("pk")).order_by("-times", "field"):
        groups.setdefault(("" if Cause(cause) in CERTAIN else field, cause, op), []).append((field, times))
    lines = [_line(upload, key, fields) for key, fields in groups.items()]
    return sorted(lines, key=lambda one: -one.cells)


def _line(upload: Upload, key: tuple[str, str, str], fields: Sequence[tuple[str, int]]) -> CauseLine:
    field, cause, op = key
    effects = cause_effects(upload=upload, field=field, cause=cause, op=op, limit=EXAMPLES)
    return CauseLine(
        field=field,
        label=", ".join(label_of(name) for name, _times in fields[:LABELS]) + ("…" if len(fields) > LABELS else ""),
        cause=cause,
        words=str(Cause(cause).label),
        op=op,
        cells=sum(times for _name, times in fields),
        certain=Cause(cause) in CERTAIN,
        examples=[(before, after) for before, after, _times in effects],
    )


def cause_effects(*, upload: Upload, field: str, cause: str, op: str, limit: int = EFFECTS) -> list[tuple[str, str, int]]:
    """What the repair of a group would do: value before, value after, in how many cells; most frequent first. `field` "" is every field."""
    found = upload.findings.filter(cause=cause, repair__op=op, **({"field": field} if field else {}))
    named = found.order_by().annotate(after=KeyTextTransform("suggestion", "params"))
    return list(named.values_list("value", "after").annotate(times=Count("pk")).order_by("-times", "value")[:limit])


def other_lines(*, upload: Upload) -> list[OtherLine]:
    """Groups that have to be corrected one by one, errors first; codes that want a pair are listed by `upload_pairs`."""
    found = upload.findings.filter(repair__isnull=True, sheet_row__gt=0).exclude(severity=Severity.SUGGESTION).exclude(code=UNPAIRED)
    counted = found.order_by().values_list("code", "field", "severity").annotate(times=Count("pk")).order_by("severity", "-times", "code")
    examples: dict[tuple[str, str], Any] = {}
    for one in found.order_by("code", "field", "sheet_row", "id").distinct("code", "field"):
        examples[one.code, one.field] = one
    return [
        OtherLine(code, label_of(field) if field else "", _said(one), severity, times, one.sheet_row, one.column)
        for code, field, severity, times in counted
        for one in (examples[code, field],)
    ]


def repair_lines(*, upload: Upload) -> list[RepairLine]:
    """Repairs in force, newest first; replayed ones that found nothing to do are left out."""
    found = UploadRepair.objects.filter(upload=upload, undone_at=None, cells__gt=0).select_related("actor").order_by("-pk")
    lines = []
    for one in found:
        recipe = Recipe.from_json(one.recipe)
        words = (label_of(recipe.field), str(recipe.cause.label))
        lines.append(RepairLine(one.pk, *words, one.cells, one.actor.display_name, one.replayed))
    return lines


def _said(one: Any) -> str:
    return message_of(one.code, value=one.value, field=one.field, params=one.params)
