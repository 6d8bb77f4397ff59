"""Days as they stand in cells. Day/month/year and ISO are read as they are; every other shape is named, so that a person says yes to it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from orgtree.text import normalise, plain
from registry.cleaning.causes import Cause
from registry.cleaning.refusals import CellRefused, refuse
from registry.cleaning.repairs import Repair, repair_op
from registry.reading import Raw

EARLIEST, LATEST = date(1900, 1, 1), date(2100, 1, 1)
EXCEL_EPOCH = date(1899, 12, 30)  # day 0 of the 1900 date system, as seen from 1 March 1900 on
PIVOT, BIRTH_PIVOT = 30, 10  # a year of two digits up to it belongs to this century; nobody born after 2010 is employed

_D, _M, _Y = r"(?P<d>\d{1,2})", r"(?P<m>\d{1,2})", r"(?P<y>\d{4})"
_MIDNIGHT = r"(?:[ T]00:00(?::00)?)?"
_DAY_FIRST = re.compile(rf"{_D}\s*/\s*{_M}\s*/\s*{_Y}")
_ISO = re.compile(rf"{_Y}-{_M}-{_D}{_MIDNIGHT}")
_MONTH_NAMES = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]


@dataclass(frozen=True)
class Shape:
    """A way of writing a day that is not taken for granted; `name` is what a recipe keeps."""

    name: str
    cause: Cause
    pattern: re.Pattern[str]


SHAPES: Mapping[str, Shape] = {
    shape.name: shape
    for shape in (
        Shape("d.m.yyyy", Cause.DATE_DOTS, re.compile(rf"{_D}\s*\.\s*{_M}\s*\.\s*{_Y}\.?")),
        Shape("d-m-yyyy", Cause.DATE_DASHES, re.compile(rf"{_D}\s*[-–]\s*{_M}\s*[-–]\s*{_Y}")),
        Shape("d m yyyy", Cause.DATE_SPACES, re.compile(rf"{_D}\s+{_M}\s+{_Y}")),
        Shape("yyyy/m/d", Cause.DATE_YEAR_FIRST, re.compile(rf"{_Y}\s*[/.]\s*{_M}\s*[/.]\s*{_D}")),
        Shape("in words", Cause.DATE_WORDS, re.compile(rf"(?:ngay\s*)?{_D}[\s,]*thang\s*{_M}[\s,]*nam\s*{_Y}")),
        Shape("ddmmyyyy", Cause.DATE_DIGITS, re.compile(r"(?P<d>\d\d)(?P<m>\d\d)(?P<y>(?:19|20)\d\d)")),
        Shape("yyyymmdd", Cause.DATE_DIGITS, re.compile(r"(?P<y>(?:19|20)\d\d)(?P<m>\d\d)(?P<d>\d\d)")),
        Shape("d-mmm-yyyy", Cause.DATE_MONTH_NAME, re.compile(rf"{_D}[\s\-/]*(?P<name>{'|'.join(_MONTH_NAMES)})[a-z]*[\s\-/,]*{_Y}")),
        Shape("d/m/yy", Cause.DATE_SHORT_YEAR, re.compile(rf"{_D}\s*[/.\-]\s*{_M}\s*[/.\-]\s*(?P<y>\d\d)")),
        Shape("d/m/yyyy h:m", Cause.DATE_WITH_TIME, re.compile(rf"{_D}[/.\-]{_M}[/.\-]{_Y}\s+\d{{1,2}}:\d\d(?::\d\d)?")),
    )
}
_MONTH_FIRST = Shape("m/d/yyyy", Cause.DATE_MONTH_FIRST, re.compile(rf"{_M}\s*[/.\-]\s*{_D}\s*[/.\-]\s*{_Y}"))
_MONTH_YEAR = re.compile(r"\d{1,2}\s*[/.\-]\s*\d{4}|thang \d{1,2}[\s,/\-]*(?:nam )?\d{4}")
# How spreadsheet programs show a date whose format has no year, or no day; a text file keeps nothing but what was shown.
_NAMED = rf"(?P<name>{'|'.join(_MONTH_NAMES)})[a-z]*|th(?:g|ang)\s*(?P<n>\d{{1,2}})"
_DAY_MONTH = re.compile(rf"(?P<d>\d{{1,2}})[\s\-/]*(?:{_NAMED})|(?P<d2>\d{{1,2}})/(?P<m2>\d{{1,2}})")
_NAMED_MONTH_YEAR = re.compile(rf"(?:{_NAMED})[\s\-/']*(?:\d{{4}}|\d\d)")


def day_of(raw: Raw, *, field: str = "") -> date | None:
    """The day in a cell; None for an empty one. Raises CellRefused, with a repair where the value can be read another way."""
    if isinstance(raw, bool | time | timedelta):
        raise CellRefused("DATE_FORM")
    if isinstance(raw, datetime):
        day = raw.date()
    elif isinstance(raw, date):
        day = raw
    elif isinstance(raw, int | float):
        return _day_of_number(raw, field)
    else:
        text = normalise(raw)
        if not text:
            return None
        day = _day_of_text(text, field)
    return _within(day)


def day_and_month(text: str) -> tuple[int, int] | None:
    """(day, month) of "12-Dec", "12-Thg10" or "12/10": what a spreadsheet program left of a date when it dropped the year, or made of a text."""
    found = _DAY_MONTH.fullmatch(plain(text))
    if found is None:
        return None
    parts = found.groupdict()
    day = int(parts["d"] or parts["d2"])
    month = _MONTH_NAMES.index(parts["name"]) + 1 if parts["name"] else int(parts["n"] or parts["m2"])
    return (day, month) if 1 <= day <= 31 and 1 <= month <= 12 else None


def _year_only(text: str, field: str) -> CellRefused:
    """In the day of birth 1 January stands for a year alone, as in old files, once a person says so; elsewhere the day has to be found out."""
    if field != "birth_date":
        return CellRefused("DATE_YEAR_ONLY", cause=Cause.DATE_YEAR_ONLY)
    return refuse("BIRTH_YEAR_ONLY", Cause.DATE_YEAR_ONLY, Repair("year"), f"01/01/{text}")


def _within(day: date) -> date:
    if not EARLIEST <= day < LATEST:
        raise CellRefused("DATE_CALENDAR")
    return day


def _day_of_number(number: int | float, field: str) -> date:
    """A serial number of Excel is shown as the day it may be, unless it rather is a year or eight digits."""
    if number != int(number):
        raise CellRefused("DATE_FORM")
    if EARLIEST.year <= number < LATEST.year:
        raise _year_only(str(int(number)), field)
    if number > 1_000_000:
        return _day_of_text(str(int(number)).zfill(8), "")
    repair = Repair("date_serial")
    if (day := repair.apply(number)) is None:
        raise CellRefused("DATE_FORM")
    raise refuse("DATE_SHAPE", Cause.DATE_SERIAL, repair, day)


def _day_of_text(text: str, field: str) -> date:
    for pattern in (_DAY_FIRST, _ISO):
        if found := pattern.fullmatch(text):
            return _calendar(found, text)
    if re.fullmatch(r"\d{4}", text):
        raise _year_only(text, field) if EARLIEST.year <= int(text) < LATEST.year else CellRefused("DATE_FORM")
    if _MONTH_YEAR.fullmatch(plain(text)) or _NAMED_MONTH_YEAR.fullmatch(plain(text)):
        raise CellRefused("DATE_DAY_MISSING", cause=Cause.DATE_MONTH_ONLY)
    if day_and_month(text):
        raise CellRefused("DATE_YEAR_MISSING", cause=Cause.DATE_NO_YEAR)
    if re.fullmatch(r"[34]\d{4}", text) and (day := Repair("date_serial").apply(text)):
        raise refuse("DATE_SHAPE", Cause.DATE_SERIAL, Repair("date_serial"), day)
    fitting = [shape for shape in SHAPES.values() if shape.pattern.fullmatch(plain(text))]
    for shape in fitting:
        repair = Repair("date", {"shape": shape.name, **_pivot(shape, field)})
        if (day := repair.apply(text)) is not None:
            raise refuse("DATE_SHAPE", shape.cause, repair, day)
    if fitting:
        raise _no_day(text)
    raise CellRefused("DATE_FORM")


def _calendar(found: re.Match[str], text: str) -> date:
    try:
        return date(int(found["y"]), int(found["m"]), int(found["d"]))
    except ValueError:
        raise _no_day(text) from None


def _no_day(text: str) -> CellRefused:
    """Not a day of the calendar; with month and day exchanged perhaps it is one."""
    repair = Repair("date", {"shape": _MONTH_FIRST.name})
    if (day := repair.apply(text)) is not None:
        return refuse("DATE_CALENDAR", Cause.DATE_MONTH_FIRST, repair, day)
    return CellRefused("DATE_CALENDAR")


def _pivot(shape: Shape, field: str) -> dict[str, int]:
    return {"pivot": BIRTH_PIVOT if field == "birth_date" else PIVOT} if shape.cause is Cause.DATE_SHORT_YEAR else {}


@repair_op("date")
def _read_shape(raw: Raw, *, shape: str, pivot: int = PIVOT) -> date | None:
    """Text (or eight digits as a number) in one shape of SHAPES; a valid day/month/year is never turned round."""
    text = str(int(raw)).zfill(8) if isinstance(raw, int | float) and not isinstance(raw, bool) and raw > 1_000_000 else raw
    described = _MONTH_FIRST if shape == _MONTH_FIRST.name else SHAPES.get(shape)
    if not isinstance(text, str) or described is None or (found := described.pattern.fullmatch(plain(text))) is None:
        return None
    parts = found.groupdict()
    month = _MONTH_NAMES.index(parts["name"]) + 1 if parts.get("name") else int(parts["m"])
    year, day = int(parts["y"]), int(parts["d"])
    if year < 100:
        year += 2000 if year <= pivot else 1900
    if described is _MONTH_FIRST and day <= 12:
        return None
    try:
        return _within(date(year, month, day))
    except (ValueError, CellRefused):
        return None


@repair_op("date_serial")
def _read_serial(raw: Raw) -> date | None:
    """The day that Excel's serial number (1900 system) means, from 1927 to 2099; smaller numbers are none of a person's dates."""
    if isinstance(raw, str) and re.fullmatch(r"[34]\d{4}|[12]\d{4}", raw.strip()):
        raw = int(raw)
    if isinstance(raw, bool) or not isinstance(raw, int | float) or raw != int(raw) or not 61 <= raw < (LATEST - EXCEL_EPOCH).days:
        return None
    return None if EARLIEST.year <= raw < LATEST.year else EXCEL_EPOCH + timedelta(days=int(raw))


@repair_op("year")
def _read_year(raw: Raw) -> date | None:
    """1 January of a year that stands alone."""
    text = str(raw).strip() if isinstance(raw, int | str) and not isinstance(raw, bool) else ""
    return date(int(text), 1, 1) if re.fullmatch(r"(?:19|20)\d\d", text, re.ASCII) else None
