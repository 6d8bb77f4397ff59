"""The target of the gate for people: how documents of `staff_profile/1` are read, judged, applied and shown."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.db.models import F, Func, OuterRef, Subquery, TextField, Value
from django.db.models.functions import Cast, Concat
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from orgtree.models import Area, AreaSuccession, OrgUnit
from registry import projection
from registry.fields import BY_NAME, Column, Kind, column_of, label_of, risk_of_field
from registry.masking import CLASS_A, hidden
from registry.models import ROWS, CodeItem, OpenedStaffProfile, RankCode, StaffProfile
from registry.rules import RULES, demands
from registry.schema import STAFF_PROFILE
from workflows.choices import Op, RiskClass
from workflows.documents import Document
from workflows.rules import Rule
from workflows.targets import Target

ISO_DAY = re.compile(r"\A([0-9]{4})-([0-9]{2})-([0-9]{2})\Z")


class StaffProfileTarget(Target):
    kind = "staff_profile"
    label = _("Staff profile")
    order = 20
    schema = STAFF_PROFILE
    live = StaffProfile
    opened = OpenedStaffProfile
    rows = ROWS
    rules = RULES
    optional_rules = demands.RULES
    unit_columns = ("using_unit_id",)
    is_personal = True
    indexed = ("citizen_id", "staff_number")

    def natural_key(self, document: Document) -> str | None:
        return document.get("citizen_id")

    def project(self) -> None:
        projection.write_staff(self)

    def chosen_rules(self) -> tuple[Rule, ...]:
        """What must be filled in, as the administrator has set it."""
        return demands.rules_of(demands.demands())

    def risk_of(self, changed: Sequence[str], op: Op) -> RiskClass:
        """The highest class of the changed fields; a new file founds an identity."""
        return RiskClass.A if op == Op.CREATE else min(map(risk_of_field, changed), default=RiskClass.A)

    def title(self, document: Document) -> str:
        return document.get("birth_name") or ""

    def beside(self, document: Document) -> str:
        """People share names: the day of birth and the staff number."""
        born = document.get("birth_date")
        return " · ".join(part for part in (_plain(born) if born else "", document.get("staff_number") or "") if part)

    def address(self, key: UUID) -> str:
        return reverse("registry:staff_detail", args=[key])

    def label_of(self, field: str) -> str:
        return label_of(field)

    def hidden(self, field: str, text: str) -> str:
        """A class-A value masked; "family.name" is as sensitive as the list it stands in."""
        return hidden(text) if field.partition(".")[0] in CLASS_A else text

    def show(self, field: str, values: Iterable[Any]) -> dict[Any, str]:
        """One query at most. Rows are asked for by their column, as "postings.unit"."""
        return show(field, values)

    def show_together(self, wanted: Mapping[str, Iterable[Any]]) -> dict[str, dict[Any, str]]:
        return show_together(wanted)


def show(field: str, values: Iterable[Any]) -> dict[Any, str]:
    """Readable text of document values: names of codes, units and areas in the reader's language, dates as dd/mm/yyyy."""
    return show_together({field: values})[field]


def show_together(wanted: Mapping[str, Iterable[Any]]) -> dict[str, dict[Any, str]]:
    """The same for many fields and columns at once: one query, whatever they refer to."""
    values = {field: {value for value in each if value is not None} for field, each in wanted.items()}
    names = _names({field: {str(value) for value in each} for field, each in values.items()})
    texts: dict[str, dict[Any, str]] = {}
    for field, each in values.items():
        column = column_of(field)
        plainly = _day_of(column) if column is not None and (column.kind == "month" or column.is_end) else _plain
        described = column or BY_NAME.get(field)
        if described is not None and described.kind == "decimal":
            plainly = _number
        texts[field] = {None: "", **{value: names[field].get(str(value)) or plainly(value) for value in each}}
    return texts


def _day_of(column: Column) -> Callable[[Any], str]:
    """A month as mm/yyyy, a day as dd/mm/yyyy. The end of a period is kept as the first day after it and shown as its last one."""
    shape = "%m/%Y" if column.kind == "month" else "%d/%m/%Y"

    def text(value: Any) -> str:
        day = value if isinstance(value, date) else date.fromisoformat(str(value))
        return (day - timedelta(days=1) if column.is_end else day).strftime(shape)

    return text


def _names(wanted: Mapping[str, set[str]]) -> dict[str, dict[str, str]]:
    """By field, the names of its values, for fields whose values stand for something. One query, whatever they stand for."""
    described = {field: BY_NAME.get(field) or column_of(field) for field in wanted}

    def of_kind(kind: Kind) -> set[str]:
        return set().union(*(wanted[field] for field, one in described.items() if one is not None and one.kind == kind))

    lists = {one.code_list for one in described.values() if one is not None and one.kind == "code"}
    names = _look_up(of_kind("rank"), of_kind("area"), [key for text in of_kind("unit") if (key := _uuid(text)) is not None], lists, of_kind("code"))
    return {field: names.get((one.code_list if one.kind == "code" else one.kind) if one else "", {}) for field, one in described.items()}


def _look_up(ranks: set[str], areas: set[str], units: Sequence[UUID], lists: set[str], codes: set[str]) -> dict[str, dict[str, str]]:
    """Names by what they name ("rank", "area", "unit" or a code list) and by key, in the reader's language where there are two."""
    empty, text = Value(""), TextField()
    parts = [
        RankCode.objects.filter(code__in=ranks).values_list(Value("rank"), F("code"), Concat("code", Value(" "), "title"), empty),
        Area.objects.filter(key__in=areas).values_list(Value("area"), F("key"), _area_in_words(), empty),
        OrgUnit.objects.filter(pk__in=units).values_list(Value("unit"), Cast("pk", text), Cast("name", text), empty),
        CodeItem.objects.filter(list__in=lists, code__in=codes).values_list(F("list"), F("code"), F("name_vi"), F("name_en")),
    ]
    asked = [part.order_by() for part, keys in zip(parts, (ranks, areas, units, codes), strict=True) if keys]
    names: dict[str, dict[str, str]] = defaultdict(dict)
    if asked:
        english = not (get_language() or "vi").startswith("vi")
        for what, key, name, name_en in asked[0].union(*asked[1:], all=True) if len(asked) > 1 else asked[0]:
            names[what][key] = (english and name_en) or name
    return names


def _area_in_words() -> Concat:
    """An area with those it belongs to and its code, a former one with what became of it:
    "Phường 1, Quận 3, Thành phố Hồ Chí Minh (27160; nay là Phường Bàn Cờ)".
    """
    text = TextField()
    path = Func(Value(", "), F("full_name"), F("parent__full_name"), F("parent__parent__full_name"), function="concat_ws", output_field=text)
    became = AreaSuccession.objects.filter(old=OuterRef("pk"), is_default=True).order_by("new_id").values("new__full_name")[:1]
    # Nothing, where nothing became of it: what is joined to null is null, and Concat takes that for an empty text.
    today = Func(Value(f"; {_('today')} "), Subquery(became), template="(%(expressions)s)", arg_joiner=" || ", output_field=text)
    return Concat(path, Value(" ("), "code", today, Value(")"), output_field=text)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _number(value: Any) -> str:
    """2,34 and 9.500.000: a comma before the fraction, points between thousands."""
    whole, dot, fraction = str(value).partition(".")
    return f"{int(whole):,}".replace(",", ".") + (f",{fraction}" if dot else "")


def _plain(value: Any) -> str:
    """A date as dd/mm/yyyy, all else as it is: the telephone number 0905111009 is one of the shapes that `fromisoformat` takes for a day."""
    text = str(value)
    return ISO_DAY.sub(r"\3/\2/\1", text)
