"""From what stands in a cell to a value of the document, kind by kind. What does not fit is refused with its cause and, where there is
one, its repair; see the package for what is accepted as it is. Whether a value is *right* is for the rules.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, time, timedelta
from decimal import Decimal, InvalidOperation
from difflib import SequenceMatcher
from typing import Any

from orgtree.text import normalise, plain
from registry.cleaning.causes import Cause
from registry.cleaning.dates import day_and_month, day_of
from registry.cleaning.refusals import CellRefused, refuse
from registry.cleaning.repairs import Repair, repair_op
from registry.encodings import name_case
from registry.fields import FORMER_NUMBER, LISTS, POSTING_DECISION, POSTING_FROM, POSTING_TITLE, SALARY_DECISION, ProfileField
from registry.lookups import Ambiguous, Lookups, Unknown
from registry.reading import Raw, show_raw
from registry.schema import POSTINGS, STAFF_PROFILE
from registry.schema import former_numbers as former
from workflows.documents import Field

CITIZEN_DIGITS, OLD_CARD_DIGITS, _LEAST_CITIZEN_DIGITS = 12, 9, 10
_PHONE_DIGITS, _AREA_DIGITS = 10, 5
TODAY_AREA = "current_address_area"
_NEAR, _NEARER = 0.8, 0.05  # how like a name must be, and how much more than the next

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
ENDS = frozenset(f"{one.name}.{column.name}" for one in LISTS for column in one.columns if column.is_end)
SCHEMA_FIELDS: Mapping[str, Field] = {
    **{one.name: one for one in STAFF_PROFILE.fields},
    **{f"{rows.name}.{one.name}": one for rows in STAFF_PROFILE.rows for one in rows.fields},
    POSTING_TITLE: next(one for one in POSTINGS.fields if one.name == "title"),
    POSTING_FROM: next(one for one in POSTINGS.fields if one.name == "valid_from"),
    **{name: next(one for one in POSTINGS.fields if name.endswith(one.name)) for name in (*POSTING_DECISION, *SALARY_DECISION)},
    FORMER_NUMBER: next(one for one in former.FORMER_NUMBER.fields if one.name == "number"),
}
_MONTH = re.compile(r"(\d{1,2})\s*[/.\-]\s*(\d{4})")
_THOUSANDS = re.compile(r"[0-9]{1,3}(\.[0-9]{3})+")
_STEP = re.compile(r"(?:bậc\s*)?(\d{1,2})(?:\s*/\s*\d{1,2})?", re.IGNORECASE)
_EXPONENT = re.compile(r"[0-9][.,][0-9]+[eE]\+?[0-9]{1,2}")
_DIGIT_GAPS = re.compile(r"[\s.\-\u2019']")


def fits(name: str, value: Any) -> Any:
    """The value if the document takes it. Raises CellRefused."""
    described = SCHEMA_FIELDS[name]
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
    """A name in capitals, as the form wants it printed, is kept as on the other files: Nguyễn Thị Hoa (told by `notices`)."""
    name = _words(raw)
    return name_case(name) if name is not None and name == name.upper() else name


def _month(one: ProfileField, raw: Raw, lookups: Lookups, cells: Mapping[str, Raw]) -> str | None:
    """A month as mm/yyyy, or a day, of which the month is kept; the end of a period is kept as the first day after it."""
    found = _MONTH.fullmatch(normalise(raw)) if isinstance(raw, str) else None
    try:
        day = day_of(f"1/{found[1]}/{found[2]}" if found else raw)
    except CellRefused as refused:
        raise CellRefused("MONTH_FORM", cause=refused.cause, repair=refused.repair, **refused.params) from None
    if day is None:
        return None
    first = day.replace(day=1)
    return ((first + timedelta(days=32)).replace(day=1) if one.name in ENDS else first).isoformat()


def _date(one: ProfileField, raw: Raw, lookups: Lookups, cells: Mapping[str, Raw]) -> str | None:
    """The end of a period is written as its last day and kept as the first day after it."""
    day = day_of(raw, field=one.name)
    if day is None:
        return None
    return (day + timedelta(days=1) if one.name in ENDS else day).isoformat()


def _code(one: ProfileField, raw: Raw, lookups: Lookups, cells: Mapping[str, Raw]) -> str | None:
    codes = lookups.codes[one.code_list]
    if isinstance(raw, date):
        raise _became_date(one, (raw.day, raw.month), codes.names.values(), shown=show_raw(raw))
    text = _words(raw)
    if text is None:
        return None
    if isinstance(raw, int | float) and text not in codes.names:
        text = text.zfill(codes.width)  # Excel drops the zero of a code; the code is still the same one of the list
    try:
        return codes.find(text)
    except Unknown:
        if (parts := day_and_month(text)) and "/" not in text:
            raise _became_date(one, parts, codes.names.values(), shown=text) from None
        if near := nearest(text, codes.names.values()):
            raise refuse("CODE_NAME_UNKNOWN", Cause.SPELLING, Repair("replace", {"table": {text: near}}), near) from None
        raise CellRefused("CODE_NAME_UNKNOWN", cause=Cause.NOT_IN_LIST, suggestion=codes.examples) from None
    except Ambiguous as error:
        raise CellRefused("CODE_NAME_AMBIGUOUS", cause=Cause.AMBIGUOUS, suggestion=", ".join(error.candidates)) from None


def _became_date(one: ProfileField, parts: tuple[int, int], names: Iterable[str], *, shown: str) -> CellRefused:
    """A spreadsheet program made a date of "12/12" or "3/9", shown in a text file as "12-Dec": what was typed can be told where only one of the
    two orders is in the list."""
    day, month = parts
    fitting = {f"{day}/{month}", f"{month}/{day}"} & set(names)
    if len(fitting) != 1:
        return CellRefused("BECAME_DATE", cause=Cause.BECAME_DATE, suggestion=one.example)
    typed = fitting.pop()
    return refuse("BECAME_DATE", Cause.BECAME_DATE, Repair("replace", {"table": {shown: typed}}), typed)


def nearest(text: str, names: Iterable[str]) -> str:
    """The one name that a slip of the fingers turns into `text`; "" where none is near, or two are."""
    wanted = plain(text)
    scores = sorted(((SequenceMatcher(None, wanted, plain(name), autojunk=False).ratio(), name) for name in names), reverse=True)[:2]
    if not scores or scores[0][0] < _NEAR or (len(scores) > 1 and scores[0][0] - scores[1][0] < _NEARER):
        return ""
    return scores[0][1]


def _rank(one: ProfileField, raw: Raw, lookups: Lookups, cells: Mapping[str, Raw]) -> str | None:
    """A code, "01.003 - Chuyên viên", or a title that only one rank has. An unknown code goes on to the rules."""
    text = _words(raw)
    if text is None:
        return None
    if isinstance(raw, int | float):
        whole, _dot, part = text.partition(".")
        code = f"{whole.zfill(2)}.{part.ljust(3, '0')}" if part else text.zfill(2)
        raise refuse("LOST_ZERO", Cause.NUMBER_ZEROS, Repair("replace", {"table": {text: code}}), code)
    if isinstance(raw, date):
        raise CellRefused("BECAME_DATE", cause=Cause.BECAME_DATE, suggestion=one.example)
    try:
        return lookups.rank(text)
    except Unknown:
        return text
    except Ambiguous as error:
        raise CellRefused("CODE_NAME_AMBIGUOUS", cause=Cause.AMBIGUOUS, suggestion=", ".join(error.candidates)) from None


def _unit(one: ProfileField, raw: Raw, lookups: Lookups, cells: Mapping[str, Raw]) -> str | None:
    text = _words(raw)
    if text is None:
        return None
    try:
        return str(lookups.units.find(text, with_superiors=one.name == "managing_agency"))
    except Ambiguous as error:
        raise CellRefused("UNIT_NAME_AMBIGUOUS", cause=Cause.AMBIGUOUS, suggestion=", ".join(error.candidates)) from None
    except Unknown as error:
        code, place = error.code or "UNIT_NAME_UNKNOWN", lookups.units.unit.name
        near = nearest(text, lookups.units.names) if code == "UNIT_NAME_UNKNOWN" else ""
        if near:
            repair = Repair("replace", {"table": {text: near}})
            raise CellRefused(code, cause=Cause.SPELLING, repair=repair, place=place, suggestion=near) from None
        raise CellRefused(code, cause=Cause.NOT_IN_LIST, place=place) from None


def _area(one: ProfileField, raw: Raw, lookups: Lookups, cells: Mapping[str, Raw]) -> str | None:
    text = _words(raw)
    if text is None:
        return None
    if isinstance(raw, int | float) and len(text) < _AREA_DIGITS:
        raise refuse("LOST_ZERO", Cause.NUMBER_ZEROS, Repair("pad", {"width": _AREA_DIGITS, "least": 4}), text.zfill(_AREA_DIGITS))
    place = cells.get(one.name.removesuffix("_area"), "")
    try:
        key = lookups.areas.find(text, place=str(place), today=one.name == TODAY_AREA)
    except Unknown:
        raise CellRefused("AREA_CODE_UNKNOWN", cause=Cause.NOT_IN_LIST) from None
    except Ambiguous as error:
        raise CellRefused("AREA_CODE_AMBIGUOUS", cause=Cause.AMBIGUOUS, suggestion=" / ".join(error.candidates)) from None
    if one.name == TODAY_AREA:
        _refuse_former(text, key, lookups)
    return key


def _refuse_former(text: str, key: str, lookups: Lookups) -> None:
    """Where somebody lives today must be an area of today: a former commune is repaired if it went whole into one."""
    successors = lookups.areas.successors(key)
    if successors is None:
        return
    if len(successors) == 1:
        (new, name) = successors[0]
        repair = Repair("replace", {"table": {text: new}})
        raise CellRefused("AREA_SUCCEEDED", cause=Cause.AREA_SUCCESSOR, repair=repair, suggestion=f"{new} ({name})")
    raise CellRefused("AREA_SUCCEEDED", cause=Cause.AREA_SPLIT, suggestion=" / ".join(f"{new} ({name})" for new, name in successors))


def _int(one: ProfileField, raw: Raw, lookups: Lookups, cells: Mapping[str, Raw]) -> int | None:
    if isinstance(raw, date):
        raise CellRefused("BECAME_DATE", cause=Cause.BECAME_DATE, suggestion=one.example)
    text = _words(raw)
    if text is None:
        return None
    found = _STEP.fullmatch(text)
    if not found:
        raise CellRefused("BECAME_DATE", cause=Cause.BECAME_DATE, suggestion=one.example) if day_and_month(text) else CellRefused("VALUE_FORM")
    return int(found[1])


def _number(one: ProfileField, raw: Raw, lookups: Lookups, cells: Mapping[str, Raw]) -> int | None:
    """A whole number without a sign: a year, centimetres, a percentage."""
    if isinstance(raw, date):
        raise CellRefused("BECAME_DATE", cause=Cause.BECAME_DATE, suggestion=one.example)
    text = _words(raw)
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,9}", text, re.ASCII):
        raise CellRefused("VALUE_FORM")
    return int(text)


def _decimal(one: ProfileField, raw: Raw, lookups: Lookups, cells: Mapping[str, Raw]) -> str | None:
    if isinstance(raw, date):
        raise CellRefused("BECAME_DATE", cause=Cause.BECAME_DATE, suggestion=one.example)
    text = _words(raw)
    if text is None:
        return None
    described = SCHEMA_FIELDS[one.name]
    if described.scale == 0 and _THOUSANDS.fullmatch(text):
        raise refuse("AMOUNT_POINTS", Cause.AMOUNT_POINTS, Repair("points"), text.replace(".", ""))
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
    if _EXPONENT.fullmatch(text):
        raise CellRefused("NUMBER_EXPONENT", cause=Cause.NUMBER_EXPONENT)
    if digits.isascii() and digits.isdigit() and len(digits) < CITIZEN_DIGITS:
        if len(digits) == OLD_CARD_DIGITS:
            raise CellRefused("OLD_CARD", cause=Cause.OLD_CARD, number=digits)
        if isinstance(raw, int | float) or plausible_citizen_number(digits.zfill(CITIZEN_DIGITS), cells):
            if len(digits) < _LEAST_CITIZEN_DIGITS:  # the code of a province has at most two zeros in front
                raise CellRefused("LOST_ZERO", cause=Cause.NUMBER_ZEROS, suggestion=one.example)
            padded = digits.zfill(CITIZEN_DIGITS)
            repair = Repair("pad", {"width": CITIZEN_DIGITS, "least": _LEAST_CITIZEN_DIGITS})
            raise CellRefused("LOST_ZERO", cause=Cause.NUMBER_ZEROS, repair=repair, suggestion=padded, agrees=plausible_citizen_number(padded, cells))
    return digits


def plausible_citizen_number(number: str, cells: Mapping[str, Raw]) -> bool:
    """Whether century, sex and year of birth in the number (Circular 59/2021/TT-BCA art. 4) agree with what else stands in the row.

    False where the row says neither; it never makes a number right, it only tells a lost zero from a forgotten digit.
    """
    century = 1900 + 100 * (int(number[3]) // 2)
    years = {str(century + int(number[4:6]))}
    born, sex = show_raw(cells.get("birth_date", "")), plain(show_raw(cells.get("gender", "")))
    born_agrees = any(year in born for year in years)
    sex_agrees = {"nam": 0, "nu": 1}.get(sex) in (None, int(number[3]) % 2)
    return born_agrees and sex_agrees


def _old_card(one: ProfileField, raw: Raw, lookups: Lookups, cells: Mapping[str, Raw]) -> str | None:
    """Nine digits as text. Cards of Hà Nội and others begin with a zero, which a number loses: never padded in silence."""
    text = _words(raw)
    if text is None:
        return None
    digits = _DIGIT_GAPS.sub("", text)
    if isinstance(raw, int | float) and len(digits) == OLD_CARD_DIGITS - 1:
        raise refuse("LOST_ZERO", Cause.NUMBER_ZEROS, Repair("pad", {"width": OLD_CARD_DIGITS, "least": OLD_CARD_DIGITS - 1}), "0" + digits)
    if not (digits.isascii() and digits.isdigit() and len(digits) == OLD_CARD_DIGITS):
        raise CellRefused("OLD_CARD_FORM")
    return digits


def _phone(one: ProfileField, raw: Raw, lookups: Lookups, cells: Mapping[str, Raw]) -> str | None:
    text = _words(raw)
    if text is None:
        return None
    digits = re.sub(r"^(\+84|0084)", "0", re.sub(r"[\s.\-()]", "", text))
    if isinstance(raw, int | float) and len(digits) == _PHONE_DIGITS - 1:
        raise refuse("LOST_ZERO", Cause.NUMBER_ZEROS, Repair("pad", {"width": _PHONE_DIGITS, "least": _PHONE_DIGITS - 1}), "0" + digits)
    return digits


@repair_op("pad")
def _pad(raw: Raw, *, width: int, least: int) -> str | None:
    """Digits with the zeros in front that a number cannot have; text of fewer than `least` digits is left alone."""
    digits = _DIGIT_GAPS.sub("", show_raw(raw)) if isinstance(raw, int | float | str) and not isinstance(raw, bool) else ""
    return digits.zfill(int(width)) if digits.isascii() and digits.isdigit() and int(least) <= len(digits) < int(width) else None


@repair_op("points")
def _points(raw: Raw) -> str | None:
    """An amount without the points between its thousands; only for fields that have no fraction."""
    return raw.strip().replace(".", "") if isinstance(raw, str) and _THOUSANDS.fullmatch(raw.strip()) else None


CLEANERS: Mapping[str, Callable[[ProfileField, Raw, Lookups, Mapping[str, Raw]], Any]] = {
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
    "old_card": _old_card,
    "phone": _phone,
}
