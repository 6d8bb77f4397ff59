"""From what stands in a cell to a value of the document, or to a named problem. Nothing is repaired in silence.

What is only another way of writing the same thing is accepted (31/12/2025 and a date of Excel, "Nữ" and 2, "3,00" and 3.0, a unit's
code and its name); what lost something on the way (leading zeros, a date made of "12/12") is a problem with a suggestion. Whether a
value is *right* is for the rules.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from dataclasses import field as attribute
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from orgtree.text import normalise
from registry.fields import BY_NAME, LISTS, POSTING_FROM, POSTING_TITLE, ProfileField
from registry.lookups import Ambiguous, Lookups, Unknown
from registry.reading import Raw, show_raw
from registry.schema import POSTINGS, STAFF_PROFILE
from workflows.documents import Field

EARLIEST, LATEST = date(1900, 1, 1), date(2100, 1, 1)
EXCEL_EPOCH = date(1899, 12, 30)  # day 0 of the 1900 date system, as seen from 1 March 1900 on

# The cells of rows are described like fields, under "degrees.school"; what was typed by hand stands under these names.
ROW_FIELDS: Mapping[str, ProfileField] = {
    f"{one.name}.{column.name}": ProfileField(
        name=f"{one.name}.{column.name}",
        item=one.item,
        section=one.section,
        label=column.label,
        headings=(),
        kind=column.kind,
        code_list=column.code_list,
        editor=one.editor,
        required=column.required,
    )
    for one in LISTS
    for column in one.columns
}
_ENDS = frozenset(f"{one.name}.{column.name}" for one in LISTS for column in one.columns if column.is_end)
_SCHEMA_FIELDS: Mapping[str, Field] = {
    **{one.name: one for one in STAFF_PROFILE.fields},
    **{f"{rows.name}.{one.name}": one for rows in STAFF_PROFILE.rows for one in rows.fields},
    POSTING_TITLE: next(one for one in POSTINGS.fields if one.name == "title"),
    POSTING_FROM: next(one for one in POSTINGS.fields if one.name == "valid_from"),
}
_DAY_FIRST = re.compile(r"(\d{1,2})\s*[/.\-]\s*(\d{1,2})\s*[/.\-]\s*(\d{4})")
_YEAR_FIRST = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[ T]00:00(?::00)?)?")
_MONTH_FIRST = re.compile(r"(\d{1,2})\s*[/.\-]\s*(\d{4})")
_THOUSANDS = re.compile(r"[0-9]{1,3}(\.[0-9]{3})+")
_STEP = re.compile(r"(?:bậc\s*)?(\d{1,2})(?:\s*/\s*\d{1,2})?", re.IGNORECASE)
_DIGIT_GAPS = re.compile(r"[\s.\-\u2019']")
_CAPITALIZED = re.compile(r"(^|[\s\-'\u2019.])(\w)")


@dataclass(frozen=True)
class Problem:
    """Why a cell gives no value. `code` is one of messages.CELLS."""

    field: str
    code: str
    value: str
    params: Mapping[str, Any] = attribute(default_factory=dict)


class CellRefused(Exception):
    def __init__(self, code: str, value: str | None = None, **params: Any) -> None:
        self.code, self.value, self.params = code, value, params
        super().__init__(code)


@dataclass(frozen=True)
class Cleaned:
    """The values of a row by field name (empty cells left out) and everything that is wrong with its cells."""

    values: Mapping[str, Any]
    problems: tuple[Problem, ...]


def clean_row(cells: Mapping[str, Raw], lookups: Lookups) -> Cleaned:
    """`cells` by field name. All problems are collected, never the first only."""
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, raw in cells.items():
        try:
            value = _CLEANERS[BY_NAME[name].kind](BY_NAME[name], raw, lookups, cells)
            if value is not None:
                values[name] = _fits(name, value)
        except CellRefused as refused:
            problems.append(Problem(name, refused.code, show_raw(raw) if refused.value is None else refused.value, refused.params))
    return Cleaned(values, tuple(problems))


def clean_line(rows: str, cells: Mapping[str, Raw], lookups: Lookups) -> Cleaned:
    """One row of the list `rows`, its cells by column: values and problems stand under the columns' own names."""
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for column, raw in cells.items():
        described = ROW_FIELDS[f"{rows}.{column}"]
        try:
            value = _CLEANERS[described.kind](described, raw, lookups, cells)
            if value is not None:
                values[column] = _fits(described.name, value)
        except CellRefused as refused:
            problems.append(Problem(column, refused.code, show_raw(raw) if refused.value is None else refused.value, refused.params))
    return Cleaned(values, tuple(problems))


def _fits(name: str, value: Any) -> Any:
    described = _SCHEMA_FIELDS[name]
    if described.type == "text" and len(value) > described.max_length:
        raise CellRefused("TOO_LONG", value[:80], limit=described.max_length)
    if described.problem(value) is not None:
        raise CellRefused("VALUE_FORM")
    return value


def _words(raw: Raw) -> str | None:
    if isinstance(raw, bool | time | timedelta):
        raise CellRefused("VALUE_FORM")
    return normalise(show_raw(raw)) or None


def _text(one: ProfileField, raw: Raw, lookups: Lookups, cells: Mapping[str, Raw]) -> str | None:
    return _words(raw)


def _name(one: ProfileField, raw: Raw, lookups: Lookups, cells: Mapping[str, Raw]) -> str | None:
    """A name in capitals, as the form wants it printed, is kept as on the other files: Nguyễn Thị Hoa."""
    name = _words(raw)
    if name is None or name != name.upper():
        return name
    return _CAPITALIZED.sub(lambda found: found[1] + found[2].upper(), name.lower())


def _month(one: ProfileField, raw: Raw, lookups: Lookups, cells: Mapping[str, Raw]) -> str | None:
    """A month as mm/yyyy, or a day, of which the month is kept; the end of a period is kept as the first day after it."""
    found = _MONTH_FIRST.fullmatch(normalise(raw)) if isinstance(raw, str) else None
    try:
        day = _day(f"1/{found[1]}/{found[2]}" if found else raw)
    except CellRefused:
        raise CellRefused("MONTH_FORM") from None
    if day is None:
        return None
    first = day.replace(day=1)
    return ((first + timedelta(days=32)).replace(day=1) if one.name in _ENDS else first).isoformat()


def _date(one: ProfileField, raw: Raw, lookups: Lookups, cells: Mapping[str, Raw]) -> str | None:
    """The end of a period is written as its last day and kept as the first day after it."""
    day = _day(raw)
    if day is None:
        return None
    return (day + timedelta(days=1) if one.name in _ENDS else day).isoformat()


def _day(raw: Raw) -> date | None:
    if isinstance(raw, bool | time | timedelta):
        raise CellRefused("DATE_FORM")
    if isinstance(raw, date):  # a datetime is one too
        day = raw.date() if isinstance(raw, datetime) else raw
    elif isinstance(raw, int | float):
        day = _date_of_number(raw)
    else:
        text = normalise(raw)
        if not text:
            return None
        day = _date_of_text(text)
    if not EARLIEST <= day < LATEST:
        raise CellRefused("DATE_CALENDAR")
    return day


def _date_of_number(number: int | float) -> date:
    """A serial number of Excel, unless it rather is a year."""
    if number != int(number):
        raise CellRefused("DATE_FORM")
    if EARLIEST.year <= number < LATEST.year:
        raise CellRefused("DATE_YEAR_ONLY")
    if not 61 <= number < (LATEST - EXCEL_EPOCH).days:
        raise CellRefused("DATE_FORM")
    return EXCEL_EPOCH + timedelta(days=int(number))


def _date_of_text(text: str) -> date:
    if re.fullmatch(r"\d{4}", text):
        raise CellRefused("DATE_YEAR_ONLY")
    if found := _DAY_FIRST.fullmatch(text):
        day, month, year = (int(part) for part in found.groups())
    elif found := _YEAR_FIRST.fullmatch(text):
        year, month, day = (int(part) for part in found.groups())
    else:
        raise CellRefused("DATE_FORM")
    try:
        return date(year, month, day)
    except ValueError:
        raise CellRefused("DATE_CALENDAR") from None


def _code(one: ProfileField, raw: Raw, lookups: Lookups, cells: Mapping[str, Raw]) -> str | None:
    codes = lookups.codes[one.code_list]
    if isinstance(raw, date):
        raise CellRefused("BECAME_DATE", suggestion=one.example)
    text = _words(raw)
    if text is None:
        return None
    if isinstance(raw, int | float) and text not in codes.names:
        text = text.zfill(codes.width)  # Excel drops the zero of a code; the code is still the same one of the list
    try:
        return codes.find(text)
    except Unknown:
        raise CellRefused("CODE_NAME_UNKNOWN", suggestion=codes.examples) from None
    except Ambiguous as error:
        raise CellRefused("CODE_NAME_AMBIGUOUS", suggestion=", ".join(error.candidates)) from None


def _rank(one: ProfileField, raw: Raw, lookups: Lookups, cells: Mapping[str, Raw]) -> str | None:
    """A code, "01.003 - Chuyên viên", or a title that only one rank has. An unknown code goes on to the rules."""
    text = _words(raw)
    if text is None:
        return None
    if isinstance(raw, int | float):
        whole, _dot, part = text.partition(".")
        raise CellRefused("LOST_ZERO", suggestion=f"{whole.zfill(2)}.{part.ljust(3, '0')}" if part else text.zfill(2))
    if isinstance(raw, date):
        raise CellRefused("BECAME_DATE", suggestion=one.example)
    try:
        return lookups.rank(text)
    except Unknown:
        return text
    except Ambiguous as error:
        raise CellRefused("CODE_NAME_AMBIGUOUS", suggestion=", ".join(error.candidates)) from None


def _unit(one: ProfileField, raw: Raw, lookups: Lookups, cells: Mapping[str, Raw]) -> str | None:
    text = _words(raw)
    if text is None:
        return None
    try:
        return str(lookups.units.find(text, with_superiors=one.name == "managing_agency"))
    except Ambiguous as error:
        raise CellRefused("UNIT_NAME_AMBIGUOUS", suggestion=", ".join(error.candidates)) from None
    except Unknown as error:
        raise CellRefused(error.code or "UNIT_NAME_UNKNOWN", place=lookups.units.unit.name) from None


def _area(one: ProfileField, raw: Raw, lookups: Lookups, cells: Mapping[str, Raw]) -> str | None:
    text = _words(raw)
    if text is None:
        return None
    if isinstance(raw, int | float) and len(text) < 5:
        raise CellRefused("LOST_ZERO", suggestion=text.zfill(5))
    place = cells.get(one.name.removesuffix("_area"), "")
    try:
        return lookups.areas.find(text, place=str(place), today=one.name == "current_address_area")
    except Unknown:
        raise CellRefused("AREA_CODE_UNKNOWN") from None
    except Ambiguous as error:
        raise CellRefused("AREA_CODE_AMBIGUOUS", suggestion=" / ".join(error.candidates)) from None


def _int(one: ProfileField, raw: Raw, lookups: Lookups, cells: Mapping[str, Raw]) -> int | None:
    if isinstance(raw, date):
        raise CellRefused("BECAME_DATE", suggestion=one.example)
    text = _words(raw)
    if text is None:
        return None
    found = _STEP.fullmatch(text)
    if not found:
        raise CellRefused("VALUE_FORM")
    return int(found[1])


def _number(one: ProfileField, raw: Raw, lookups: Lookups, cells: Mapping[str, Raw]) -> int | None:
    """A whole number without a sign: a year, centimetres, a percentage."""
    if isinstance(raw, date):
        raise CellRefused("BECAME_DATE", suggestion=one.example)
    text = _words(raw)
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,9}", text, re.ASCII):
        raise CellRefused("VALUE_FORM")
    return int(text)


def _decimal(one: ProfileField, raw: Raw, lookups: Lookups, cells: Mapping[str, Raw]) -> str | None:
    if isinstance(raw, date):
        raise CellRefused("BECAME_DATE", suggestion=one.example)
    text = _words(raw)
    if text is None:
        return None
    described = _SCHEMA_FIELDS[one.name]
    if described.scale == 0 and _THOUSANDS.fullmatch(text):
        text = text.replace(".", "")  # 9.500.000 dong: where no fraction may stand, the points can only be thousands
    try:
        number = Decimal(text.removesuffix("%").strip().replace(",", "."))
    except InvalidOperation:
        raise CellRefused("VALUE_FORM") from None
    if one.name == "percent" and isinstance(raw, int | float) and 0 < number <= 1:
        number *= 100  # a cell formatted as a percentage: 100% is stored as 1
    if not number.is_finite() or abs(number) >= 10 ** (described.precision - described.scale) or number != round(number, described.scale):
        raise CellRefused("VALUE_FORM")
    return f"{number:.{described.scale}f}"


def _citizen_number(one: ProfileField, raw: Raw, lookups: Lookups, cells: Mapping[str, Raw]) -> str | None:
    """Twelve digits as text. A number is never padded in silence: eleven digits may also be a digit forgotten."""
    text = _words(raw)
    if text is None:
        return None
    digits = _DIGIT_GAPS.sub("", text)
    if isinstance(raw, int | float) and len(digits) < 12 and digits.isdigit():
        raise CellRefused("LOST_ZERO", suggestion=digits.zfill(12))
    return digits


def _phone(one: ProfileField, raw: Raw, lookups: Lookups, cells: Mapping[str, Raw]) -> str | None:
    text = _words(raw)
    if text is None:
        return None
    digits = re.sub(r"^(\+84|0084)", "0", re.sub(r"[\s.\-()]", "", text))
    if isinstance(raw, int | float) and len(digits) == 9:
        raise CellRefused("LOST_ZERO", suggestion="0" + digits)
    return digits


_CLEANERS: Mapping[str, Callable[[ProfileField, Raw, Lookups, Mapping[str, Raw]], Any]] = {
    "text": _text,
    "name": _name,
    "date": _date,
    "month": _month,
    "code": _code,
    "rank": _rank,
    "unit": _unit,
    "area": _area,
    "int": _int,
    "number": _number,
    "decimal": _decimal,
    "citizen_number": _citizen_number,
    "phone": _phone,
}
