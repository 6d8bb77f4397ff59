"""The columns of people as a spreadsheet, declared once (import-export) for template, import and export.

What a Resource may not do here is save: people become true through the gate alone, so importing is an upload (services.uploads),
and every way in which import-export would write an instance refuses. An exported file can be sent back as a workbook: its headings
are those of the template, and its cells are read as the values they came from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import islice
from types import MappingProxyType
from typing import Any, NoReturn
from uuid import UUID

from django.db.models import F, QuerySet
from import_export import fields, resources

from orgtree import scope
from orgtree.choices import Action
from orgtree.models import OrgUnit, User
from registry.choices import Sensitivity
from registry.fields import BY_NAME, FIELDS, FORMER_NUMBER, LIST_BY_NAME, POSTING_DECISION, POSTING_FROM, POSTING_TITLE, SALARY_DECISION, ProfileField
from registry.masking import hidden
from registry.models import LIVE_ROWS, FormerNumber, Posting, StaffProfile
from registry.targets import show, show_together

CHUNK = 2_000
_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")
Line = Mapping[str, str]
_NO_POST: Line = dict.fromkeys((POSTING_TITLE, POSTING_FROM, *POSTING_DECISION, *SALARY_DECISION), "")


class WritesThroughTheGate(Exception):
    """import-export was about to write people; send a workbook instead (services.uploads)."""


def neutral(text: str) -> str:
    """The text as a cell that no spreadsheet program takes for a formula (OWASP, CSV injection)."""
    return f"'{text}" if text.startswith(_FORMULA_SIGNS) else text


class StaffProfileResource(resources.Resource):
    """People as rows, in the order of the form. Class-A values are masked, but for `whole` and where `user` may edit."""

    def __init__(self, *, user: User | None = None, whole: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._user, self._whole = user, whole
        self.fields = {one.name: fields.Field(column_name=one.heading, attribute=one.name) for one in FIELDS}

    @classmethod
    def get_display_name(cls) -> str:
        return str(StaffProfile._meta.verbose_name_plural)

    def get_export_order(self) -> list[str]:
        return [one.name for one in FIELDS]

    get_import_order = get_export_order

    def get_queryset(self) -> QuerySet[StaffProfile]:
        """Everybody, as `manage.py export` asks; without a user class-A values are masked."""
        return StaffProfile.objects.all()

    def iter_queryset(self, queryset: QuerySet[StaffProfile]) -> Iterator[Line]:
        """Lines of readable text, some thousand people at a time: codes, units and posts are looked up once for all of them."""
        people = queryset.order_by("name_sort", "id").iterator(chunk_size=CHUNK)
        while chunk := list(islice(people, CHUNK)):
            yield from self.lines(chunk)

    def lines(self, people: Sequence[StaffProfile], withheld: Mapping[UUID, frozenset[str]] = MappingProxyType({})) -> Iterator[Line]:
        """One line a person, fields that are withheld (by the person's key) left empty."""
        for person, line in zip(people, _lines(people, self.open_units(people)), strict=True):
            yield {**line, **dict.fromkeys(withheld.get(person.pk, ()), "")}

    def export_field(self, field: fields.Field, instance: Line, **kwargs: Any) -> str:
        return neutral(instance[field.attribute])  # get_field_name() walks through all fields for each cell

    def open_units(self, people: Iterable[StaffProfile]) -> set[UUID]:
        """Units in which the reader may edit, and so sees what is masked elsewhere."""
        units = {one.using_unit_id for one in people}
        return set() if self._user is None or not self._whole else units - scope.outside(self._user, Action.EDIT, units)

    def _refuse(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise WritesThroughTheGate

    import_data = import_row = save_instance = do_instance_save = delete_instance = bulk_create = bulk_update = bulk_delete = _refuse


class ProfileListResource(resources.Resource):
    """The rows of one list of people's files ("degrees"), each with the person's name and staff number before it."""

    PERSON = ("birth_name", "staff_number")

    def __init__(self, name: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.name = name
        self._columns = LIST_BY_NAME[name].columns
        headings = {**{one: str(BY_NAME[one].label) for one in self.PERSON}, **{one.name: str(one.label) for one in self._columns}}
        self.fields = {one: fields.Field(column_name=heading, attribute=one) for one, heading in headings.items()}

    def get_export_order(self) -> list[str]:
        return list(self.fields)

    def lines(self, people: Sequence[StaffProfile]) -> Iterator[Line]:
        """Lines of readable text in the order of the people; some queries for all of them together."""
        by_key = {one.pk: one for one in people}
        rows = list(LIVE_ROWS[self.name].objects.filter(staff__in=by_key).order_by("id"))
        attributes = {one.name: f"{one.name}_id" if one.kind == "unit" else one.name for one in self._columns}
        texts = show_together({f"{self.name}.{one}": {getattr(row, attribute) for row in rows} for one, attribute in attributes.items()})
        in_order = sorted(rows, key=lambda row: (by_key[row.staff_id].name_sort, row.staff_id, row.pk))
        for row in in_order:
            person = by_key[row.staff_id]
            said = {one: texts[f"{self.name}.{one}"][getattr(row, attribute)] for one, attribute in attributes.items()}
            yield {"birth_name": person.birth_name, "staff_number": person.staff_number or "", **said}

    def export_field(self, field: fields.Field, instance: Line, **kwargs: Any) -> str:
        return neutral(instance[field.attribute])  # get_field_name() walks through all fields for each cell


def _lines(people: Sequence[StaffProfile], open_units: set[UUID]) -> Iterator[Line]:
    """One line a person, by field name."""
    posts, pay, cards = _current_posts(people), _pay_decisions(people), _old_cards(people)
    columns = [(one, _texts(one, people)) for one in FIELDS if not one.is_beside]
    for person in people:
        line = {one.name: texts[_value(one, person)] for one, texts in columns} | {FORMER_NUMBER: cards.get(person.pk, "")}
        if person.using_unit_id not in open_units:
            line |= {one.name: hidden(line[one.name]) for one in FIELDS if one.sensitivity == Sensitivity.A}
        yield {**_NO_POST, **line, **posts.get(person.pk, {}), **pay.get(person.pk, {})}


def _value(one: ProfileField, person: StaffProfile) -> Any:
    return getattr(person, f"{one.name}_id" if one.kind == "unit" else one.name)


def _texts(one: ProfileField, people: Iterable[StaffProfile]) -> dict[Any, str]:
    """How each value of a field is written in a cell, so that the upload reads it back."""
    values = {_value(one, person) for person in people}
    if one.kind == "unit":
        return dict(OrgUnit.objects.filter(pk__in=values).values_list("pk", "code"))
    if one.kind in ("rank", "area"):
        return {value: value or "" for value in values}
    if one.kind == "date":
        return {value: _day(value) for value in values}
    return show(one.name, values)


def _current_posts(people: Iterable[StaffProfile]) -> dict[UUID, Line]:
    rows = Posting.objects.filter(staff__in=[one.pk for one in people], valid_to=None)
    said = rows.values_list("staff", "title", "valid_from", "decision_number", "decision_date")
    return {
        staff: {POSTING_TITLE: title, POSTING_FROM: _day(since), **dict(zip(POSTING_DECISION, (number or "", _day(day)), strict=True))}
        for staff, title, since, number, day in said
    }


def _pay_decisions(people: Iterable[StaffProfile]) -> dict[UUID, Line]:
    """By person the decision on the step held now."""
    rows = LIVE_ROWS["salary_history"].objects.filter(staff__in=[one.pk for one in people], valid_to=None)
    said = rows.values_list("staff", "decision_number", "decision_date")
    return {staff: dict(zip(SALARY_DECISION, (number or "", _day(day)), strict=True)) for staff, number, day in said}


def _day(day: date | None) -> str:
    return f"{day:%d/%m/%Y}" if day else ""


def _old_cards(people: Iterable[StaffProfile]) -> dict[UUID, str]:
    """By person the number of the old identity card, the latest where there were several: one cell, which an upload reads back."""
    holding = FormerNumber.objects.filter(staff__in=[one.pk for one in people], withdrawn=None)
    return dict(holding.order_by(F("issued_on").asc(nulls_first=True)).values_list("staff", "number"))
