"""All cells of a row at once: values, problems, notices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orgtree.text import normalise
from registry.cleaning.causes import TYPED, Cause
from registry.cleaning.refusals import CellRefused, Problem
from registry.cleaning.repairs import Repair, repair_op
from registry.cleaning.values import CLEANERS, ROW_FIELDS, TODAY_AREA, fits
from registry.encodings import Encoding, decode, decodes, name_case, recognise, same_tone_style
from registry.fields import BY_NAME, ProfileField
from registry.lookups import Lookups
from registry.reading import Raw, show_raw

_DOUBTS = {"CELL_FORMULA": Cause.FORMULA, "CELL_MERGED": Cause.MERGED}
_BIRTH_NAME = "birth_name"


@dataclass(frozen=True)
class Cleaned:
    """The values of a row by field name (empty cells left out), everything that is wrong with its cells, and what else should be shown.

    A notice refuses nothing: it says how a value was read (a name in capitals), or offers a repair of one that may stand.
    """

    values: Mapping[str, Any]
    problems: tuple[Problem, ...]
    notices: tuple[Problem, ...] = ()


Outcome = tuple[Any, Problem | None, tuple[Problem, ...]]


def clean_row(cells: Mapping[str, Raw], lookups: Lookups, *, strict: bool = False) -> Cleaned:
    """`cells` by field name. All problems are collected, never the first only.

    `strict` is for workbooks, where nobody has looked at the single cell: there a date in an unusual shape, a serial number or an amount
    with points is a problem with a repair; what a person types into a form is taken for what it plainly means.
    """
    return _cleaned({name: (BY_NAME[name], raw) for name, raw in cells.items()}, cells, lookups, strict)


def clean_cell(name: str, raw: Raw, lookups: Lookups, cells: Mapping[str, Raw], *, strict: bool) -> Outcome:
    """(value, problem, notices) of one cell of `clean_row`, `cells` being its row: the same wherever cell and `context_of` are the same."""
    return _outcome(name, BY_NAME[name], raw, lookups, cells, strict)


def context_of(name: str, cells: Mapping[str, Raw]) -> tuple[Raw, ...] | None:
    """What else of the row decides on the meaning of a cell of this field; None where nothing does."""
    kind = BY_NAME[name].kind
    if kind == "area":
        return (cells.get(name.removesuffix("_area"), ""),)
    if kind == "citizen_number":
        return cells.get("birth_date", ""), cells.get("gender", "")
    return None


def clean_line(rows: str, cells: Mapping[str, Raw], lookups: Lookups) -> Cleaned:
    """One row of the list `rows`, its cells by column: values and problems stand under the columns' own names."""
    return _cleaned({column: (ROW_FIELDS[f"{rows}.{column}"], raw) for column, raw in cells.items()}, cells, lookups, strict=False)


def doubtful_problem(field: str, doubt: str, *, place: str, raw: Raw | None) -> Problem:
    """What is said of a cell whose value cannot be trusted (SheetRow.doubtful): its value may be taken if a person says so."""
    repair = Repair("trust", {"doubt": doubt}) if doubt in _DOUBTS and raw is not None else None
    params = {"place": place, **({"suggestion": show_raw(raw)} if repair else {})}
    return Problem(field, doubt, "" if raw is None else show_raw(raw)[:500], params, _DOUBTS.get(doubt, Cause.NONE), repair)


def _cleaned(described: Mapping[str, tuple[ProfileField, Raw]], cells: Mapping[str, Raw], lookups: Lookups, strict: bool) -> Cleaned:
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    notices: list[Problem] = []
    for name, (one, raw) in described.items():
        value, problem, noticed = _outcome(name, one, raw, lookups, cells, strict)
        if problem is not None:
            problems.append(problem)
        elif value is not None:
            values[name] = value
        notices += noticed
    return Cleaned(values, tuple(problems), tuple(notices))


def _outcome(name: str, one: ProfileField, raw: Raw, lookups: Lookups, cells: Mapping[str, Raw], strict: bool) -> Outcome:
    try:
        value = _value(one, raw, lookups, cells, strict)
    except CellRefused as refused:
        said = show_raw(raw) if refused.value is None else refused.value
        return None, Problem(name, refused.code, said, refused.params, refused.cause, refused.repair), ()
    return value, None, _notices(name, one, raw, value, lookups)


def _value(one: ProfileField, raw: Raw, lookups: Lookups, cells: Mapping[str, Raw], strict: bool) -> Any:
    if isinstance(raw, str) and (encoding := recognise(raw)):
        repair = Repair("decode", {"encoding": str(encoding)})
        raise CellRefused(
            "OLD_ENCODING", cause=Cause.OLD_ENCODING, repair=repair, suggestion=normalise(decode(raw, encoding)), encoding=encoding.upper()
        )
    try:
        value = CLEANERS[one.kind](one, raw, lookups, cells)
    except CellRefused as refused:
        if strict or refused.cause not in TYPED or refused.repair is None:
            raise
        value = CLEANERS[one.kind](one, refused.repair.apply(raw), lookups, cells)
    return None if value is None else fits(one.name, value)


def _notices(name: str, one: ProfileField, raw: Raw, value: Any, lookups: Lookups) -> tuple[Problem, ...]:
    if not isinstance(value, str) or not isinstance(raw, str) or one.kind not in ("name", "text"):
        return ()
    found = []
    if one.kind == "name" and value != normalise(raw):
        found.append(_notice(name, "NAME_CAPITALS", raw, Cause.NAME_CAPITALS, Repair("name_case"), value))
    elif one.kind == "name" and value == value.lower() and " " in value:
        found.append(_notice(name, "NAME_SMALL", raw, Cause.NAME_SMALL, Repair("name_case"), name_case(value)))
    if (moved := same_tone_style(value)) != value:
        found.append(_notice(name, "TONE_STYLE", raw, Cause.TONE_STYLE, Repair("tone_style"), moved))
    if f"{one.name}_area" == TODAY_AREA and lookups is not None and (today := lookups.areas.address_today(value)):
        found.append(_notice(name, "ADDRESS_FORMER", raw, Cause.ADDRESS_SUCCESSOR, Repair("replace", {"table": {raw.strip(): today}}), today))
    return tuple(found)


def _notice(name: str, code: str, raw: str, cause: Cause, repair: Repair, after: str) -> Problem:
    return Problem(name, code, normalise(raw), {"suggestion": after}, cause, repair)


@repair_op("decode")
def _decode(raw: Raw, *, encoding: str) -> str | None:
    """Text of one old encoding as Unicode; Unicode text, and what does not become Vietnamese, is left alone."""
    known = Encoding(encoding)
    return normalise(decode(raw, known)) if isinstance(raw, str) and decodes(raw, known) else None


@repair_op("name_case")
def _name_case(raw: Raw) -> str | None:
    """A name that stands in capitals or in small letters throughout."""
    if not isinstance(raw, str) or raw not in (raw.upper(), raw.lower()) or raw == name_case(raw):
        return None
    return name_case(normalise(raw))


@repair_op("tone_style")
def _tone_style(raw: Raw) -> str | None:
    return moved if isinstance(raw, str) and (moved := same_tone_style(raw)) != raw else None
