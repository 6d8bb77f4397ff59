"""Which column of a workbook is which field of the catalogue: suggested with a reason, changed by a person, remembered, sent along.

Pure: headings and samples go in, a `ColumnMapping` comes out; it serialises to JSON and back. A column that no field answers to is
listed as ignored, never dropped. One field may be written in several columns (`Part`): a date as day, month and year, a name as
family and given name, a date of birth below "Nam" and "Nữ".

    mapping = suggest(sheet.columns)                      # or remembered.applied_to(sheet.columns)
    mapping = mapping.chosen(5, "birth_date")             # a person's choice; None ignores the column
    mapping.problems()                                    # what forbids reading: a field twice, nobody's citizen number
    ColumnMapping.from_json(mapping.to_json())            # kept with `signature(sheet.columns)`, which ignores order and spelling

Not here: finding the headings (reading.headings), what a cell means (cleaning).
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from functools import cache, cached_property, lru_cache
from typing import Any, Protocol

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from orgtree.text import normalise
from registry.fields import BY_NAME, FIELDS, ProfileField, field_of_heading, heading_key

VERSION = 1
LIKELY = 0.8  # below it a person should look at the suggestion
_SIMILAR_FROM = 0.82
Join = Callable[[Mapping[int, Any]], dict[str, Any]]


class Reason(TextChoices):
    """Why a column is taken for a field, or is not."""

    EXACT = "exact", _("the template's heading")
    ALIAS = "alias", _("another name of the field")
    OLDER = "older", _("a heading of an older form")
    SIMILAR = "similar", _("a similar heading")
    PART = "part", _("one part of the field")
    REMEMBERED = "remembered", _("as in the last file")
    CHOSEN = "chosen", _("chosen by hand")
    TWICE = "twice", _("another column already holds the field")
    UNKNOWN = "unknown", _("no field has such a heading")


class Part(TextChoices):
    """What a column holds of a field that is spread over several."""

    WHOLE = "", _("the whole value")
    DAY = "day", _("day")
    MONTH = "month", _("month")
    YEAR = "year", _("year")
    FAMILY = "family", _("family and middle name")
    GIVEN = "given", _("given name")
    MALE = "male", _("for men")
    FEMALE = "female", _("for women")


# Headings of forms that were replaced (2C-TCTW/98, 2C-BNV/2008, lists of the districts), by field.
OLDER_HEADINGS: Mapping[str, tuple[str, ...]] = {
    "citizen_id": ("Số CMND", "Số chứng minh nhân dân", "Số CMND/CCCD", "Số CCCD/CMND", "CMND/CCCD", "CCCD/CMND", "CMND", "Số CMT", "Số CMTND"),
    "citizen_id_date": ("Ngày cấp CMND/CCCD", "Ngày cấp CMND", "Ngày cấp chứng minh nhân dân"),
    "birth_date": ("NTNS", "Ngày, tháng, năm, sinh"),
    "general_education": ("Trình độ văn hóa", "Văn hóa", "TĐVH", "Trình độ học vấn phổ thông"),
    "home_town": ("Nguyên quán", "Sinh quán"),
    "staff_number": ("Số hiệu cán bộ", "Số hiệu CBCC", "Mã CBCC", "Mã số cán bộ"),
    "current_address": ("Nơi ĐKHKTT", "Hộ khẩu thường trú", "Nơi đăng ký hộ khẩu thường trú", "Chỗ ở"),
    "first_recruit_date": ("Ngày vào ngành", "Ngày vào biên chế", "Ngày tham gia công tác"),
    "using_unit": ("Phòng ban", "Tên đơn vị", "Cơ quan, đơn vị"),
    "rank_code": ("Ngạch, mã số", "Mã số ngạch lương", "Ngạch lương"),
    "coefficient": ("Hệ số lương cũ", "HS lương", "Hệ số hiện hưởng"),
    "posting.title": ("Chức vụ chính quyền", "Chức vụ, chức danh công tác", "CV hiện tại"),
    "party_join_date": ("Ngày vào Đảng lần đầu", "Ngày vào Đảng dự bị", "Vào Đảng"),
    "social_insurance_no": ("Sổ BHXH", "Số sổ bảo hiểm xã hội"),
    "gender": ("Nữ/Nam", "GT"),
}
_FAMILY_HEADINGS = ("Họ", "Họ đệm", "Họ và đệm", "Họ và tên đệm", "Họ và chữ đệm", "Họ, chữ đệm", "Họ lót", "Họ và tên lót", "Họ và chữ lót")
_MARKED_PARTS = {"nam": Part.MALE, "nữ": Part.FEMALE, "nu": Part.FEMALE}  # with accents: "nam" is a man, "năm" a year
_DATE_PARTS = {"ngày": Part.DAY, "tháng": Part.MONTH, "năm": Part.YEAR}
_MALE, _FEMALE = "Nam", "Nữ"
_MOST_DAYS = 31


class Heading(Protocol):
    """What is asked of a column: reading.Column has it. `lines` are the lines of its heading, the group above first."""

    @property
    def index(self) -> int: ...
    @property
    def heading(self) -> str: ...
    @property
    def lines(self) -> tuple[str, ...]: ...
    @property
    def samples(self) -> tuple[str, ...]: ...


@dataclass(frozen=True)
class Match:
    """The field that a heading names, how sure that is (0 to 1), and why."""

    field: str
    part: Part
    confidence: float
    reason: Reason


@dataclass(frozen=True)
class Assignment:
    """One column: `field` is None when it is ignored; `rival` then names the field it would hold if no other column did."""

    index: int
    heading: str
    field: str | None = None
    part: Part = Part.WHOLE
    confidence: float = 0.0
    reason: Reason = Reason.UNKNOWN
    rival: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "index": self.index,
            "heading": self.heading,
            "field": self.field,
            "part": str(self.part),
            "confidence": round(self.confidence, 2),
            "reason": str(self.reason),
            "rival": self.rival,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Assignment:
        """Raises MappingInvalid for anything but what `to_json` writes; a field that is gone from the catalogue is ignored."""
        try:
            field = value.get("field")
            return cls(
                index=int(value["index"]),
                heading=str(value["heading"])[:400],
                field=field if field in BY_NAME else None,
                part=Part(value.get("part") or ""),
                confidence=min(max(float(value.get("confidence", 1)), 0.0), 1.0),
                reason=Reason(value.get("reason", Reason.REMEMBERED)),
                rival=str(value.get("rival", "")),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise MappingInvalid(str(error)) from error


class MappingInvalid(ValueError):
    """The JSON is not a mapping that `ColumnMapping.to_json` has written."""


@dataclass(frozen=True)
class MappingProblem:
    """Why a workbook cannot be read with this mapping. `code` is one of messages.WORKBOOK; `columns` are the indexes concerned."""

    code: str
    field: str
    columns: tuple[int, ...] = ()


@dataclass(frozen=True)
class ColumnMapping:
    """All columns with a heading, in the order of the sheet, each with its field or ignored."""

    columns: tuple[Assignment, ...]

    @cached_property
    def fields(self) -> dict[str, tuple[Assignment, ...]]:
        """The columns of each field that is read."""
        found: dict[str, list[Assignment]] = defaultdict(list)
        for one in self.columns:
            if one.field:
                found[one.field].append(one)
        return {name: tuple(columns) for name, columns in found.items()}

    @property
    def ignored(self) -> tuple[Assignment, ...]:
        return tuple(one for one in self.columns if one.field is None)

    @property
    def doubtful(self) -> tuple[Assignment, ...]:
        """The columns that a person should look at: assigned, but not with certainty."""
        return tuple(one for one in self.columns if one.field and one.confidence < LIKELY)

    def chosen(self, index: int, field: str | None, part: Part = Part.WHOLE) -> ColumnMapping:
        """The mapping with a person's choice for one column. Raises KeyError for an unknown column or field."""
        if field is not None and field not in BY_NAME:
            raise KeyError(field)
        if index not in {one.index for one in self.columns}:
            raise KeyError(index)
        choice = {"field": field, "part": part, "confidence": 1.0, "reason": Reason.CHOSEN, "rival": ""}
        return ColumnMapping(tuple(replace(one, **choice) if one.index == index else one for one in self.columns))

    def problems(self, *, numberless: bool = False) -> tuple[MappingProblem, ...]:
        """What forbids reading with it: a field in two columns, no citizen number to tell whose row it is.

        With `numberless` a person has said so, and staff numbers or names will do.
        """
        found = []
        for name, columns in self.fields.items():
            rivals = [one for one in self.columns if one.rival == name and one.reason == Reason.TWICE]
            parts = Counter(one.part for one in columns)
            if rivals or max(parts.values()) > 1 or (len(parts) > 1 and Part.WHOLE in parts):
                found.append(MappingProblem("COLUMN_TWICE", name, tuple(sorted(one.index for one in (*columns, *rivals)))))
        if not self.fields.keys() & ({"citizen_id", "staff_number", "birth_name"} if numberless else {"citizen_id"}):
            found.append(MappingProblem("NO_CITIZEN_ID_COLUMN", "citizen_id"))
        return tuple(found)

    def applied_to(self, columns: Sequence[Heading], *, by_place: bool = False) -> ColumnMapping:
        """A remembered mapping on the columns of another file: by heading, wherever it stands now; new headings are suggested anew.

        `by_place` (our own template): a column with another heading is still the one that stood in its place.
        """
        known: dict[str, list[Assignment]] = defaultdict(list)
        for one in self.columns:
            known[heading_key(one.heading)].append(one)
        result = []
        for fresh in suggest(columns).columns:
            if before := known.get(heading_key(fresh.heading)):
                kept = replace(before.pop(0), index=fresh.index, heading=fresh.heading, confidence=1.0, reason=Reason.REMEMBERED, rival="")
                result.append(kept)
            else:
                result.append(fresh)
        return ColumnMapping(tuple(self._by_place(result) if by_place else result))

    def _by_place(self, columns: Sequence[Assignment]) -> Iterator[Assignment]:
        there = {one.index: one for one in self.columns}
        taken = {one.field for one in columns}
        for one in columns:
            old = there.get(one.index)
            renamed = one.field is None and one.reason != Reason.REMEMBERED and old is not None and old.field not in taken
            yield replace(old, heading=one.heading, confidence=0.9, reason=Reason.REMEMBERED) if renamed and old else one

    def values(self, cells: Mapping[int, Any]) -> dict[str, Any]:
        """Cells by field name: `cells` by column index; a field spread over several columns is put together."""
        values = self.joined(cells)
        for index, name in self._single:
            if index in cells:
                values[name] = cells[index]
        return values

    def joined(self, cells: Mapping[int, Any]) -> dict[str, Any]:
        """Only the fields that are spread over several columns, put together; one whose parts are all empty is left out."""
        values: dict[str, Any] = {}
        for join in self._spread:
            values |= join(cells)
        return values

    @cached_property
    def spread_fields(self) -> frozenset[str]:
        return frozenset(name for name, columns in self.fields.items() if len(columns) > 1 or columns[0].part)

    def column_of(self, field: str) -> int | None:
        """The first column in which the field is written."""
        columns = self.fields.get(field)
        return columns[0].index if columns else None

    def to_json(self) -> dict[str, Any]:
        return {"version": VERSION, "columns": [one.to_json() for one in self.columns]}

    @classmethod
    def from_json(cls, value: Any) -> ColumnMapping:
        """Raises MappingInvalid."""
        if not isinstance(value, Mapping) or value.get("version") != VERSION or not isinstance(value.get("columns"), list):
            raise MappingInvalid("version")
        return cls(tuple(Assignment.from_json(one) for one in value["columns"]))

    @cached_property
    def _single(self) -> tuple[tuple[int, str], ...]:
        return tuple((columns[0].index, name) for name, columns in self.fields.items() if name not in self.spread_fields)

    @cached_property
    def _spread(self) -> tuple[Join, ...]:
        return tuple(_joiner(name, columns) for name, columns in self.fields.items() if name in self.spread_fields)


def suggest(columns: Iterable[Heading], known: Iterable[ProfileField] = FIELDS) -> ColumnMapping:
    """The likely field of every column, `known` being the fields that may be chosen; what is unknown is listed as ignored."""
    names = {one.name for one in known}
    found = [(column, match_heading(column.lines)) for column in columns]
    matches = {column.index: match for column, match in found if match and match.field in names}
    matches = _settled_parts([column for column, _match in found], matches)
    taken: dict[tuple[str, Part], int] = {}
    whole: dict[str, int] = {}
    for index, match in sorted(matches.items(), key=lambda item: (-item[1].confidence, item[0])):
        if match.part is Part.WHOLE:
            whole.setdefault(match.field, index)
        taken.setdefault((match.field, match.part), index)
    result = []
    for column, _match in found:
        match = matches.get(column.index)
        if match is None:
            result.append(Assignment(column.index, column.heading))
        elif taken[match.field, match.part] != column.index or (match.part and match.field in whole):
            result.append(Assignment(column.index, column.heading, reason=Reason.TWICE, rival=match.field))
        else:
            result.append(Assignment(column.index, column.heading, match.field, match.part, match.confidence, match.reason))
    return ColumnMapping(tuple(result))


def signature(columns: Iterable[Heading]) -> str:
    """64 hex digits that are equal for the same set of headings, whatever their order, case, accents and punctuation."""
    keys = sorted(key for one in columns if (key := heading_key(one.heading)))
    return hashlib.sha256("\n".join(keys).encode()).hexdigest()


def match_heading(lines: Sequence[str]) -> Match | None:
    """The field that a heading of one or several lines names: the lowest line together with its group, then alone."""
    return _match(tuple(line for line in lines if line.strip()))


def certain_match(lines: Sequence[str]) -> Match | None:
    """The field that a heading names without guessing; this is what finds the heading row."""
    return _known(tuple(line for line in lines if line.strip()))


@cache
def _older() -> dict[str, str]:
    return {heading_key(heading): name for name, headings in OLDER_HEADINGS.items() for heading in headings}


@cache
def _parts() -> dict[str, tuple[str, Part]]:
    """Headings that name one part of a field: "tháng sinh" is the month of the field that answers to "ngày sinh"."""
    parts = {heading_key(one): ("birth_name", Part.FAMILY) for one in _FAMILY_HEADINGS} | {"ten": ("birth_name", Part.GIVEN)}
    parts |= {"nu": ("gender", Part.FEMALE), "nam gioi": ("gender", Part.MALE), "nu gioi": ("gender", Part.FEMALE)}
    for field in FIELDS:
        if field.kind == "date":
            for heading in field.headings:
                first, _space, rest = heading_key(heading).partition(" ")
                if first == "ngay" and rest and not rest.startswith("thang"):
                    parts |= {f"thang {rest}": (field.name, Part.MONTH), f"nam {rest}": (field.name, Part.YEAR)}
    return parts


@lru_cache(maxsize=4096)
def _match(lines: tuple[str, ...]) -> Match | None:
    return _known(lines) or (_similar(" ".join((*lines[-1:], *lines[:-1]))) if lines else None)


@lru_cache(maxsize=16_384)
def _known(lines: tuple[str, ...]) -> Match | None:
    if not lines:
        return None
    group, lowest = " ".join(lines[:-1]), lines[-1]
    if group and (match := _part_of_group(group, normalise(lowest).lower().strip(" .:"))):
        return match
    texts = (f"{lowest} {group}", f"{group} {lowest}", lowest) if group else (lowest,)
    return next((match for text in texts if (match := _named(text))), None)


def _part_of_group(group: str, part: str) -> Match | None:
    """ "Ngày" below "Ngày, tháng, năm sinh", "Nữ" below "Giới tính"."""
    above = field_of_heading(group)
    if above is None or not (above.kind == "date" or above.name == "gender"):
        return None
    found = _MARKED_PARTS.get(part) if above.name in ("gender", "birth_date") else None
    if above.kind == "date":
        found = found or _DATE_PARTS.get(part)
    return Match(above.name, found, 0.95, Reason.PART) if found else None


def _named(text: str) -> Match | None:
    key = heading_key(text)
    if field := field_of_heading(text):
        if key in _older() and heading_key(field.heading) != key:
            return Match(field.name, Part.WHOLE, 0.9, Reason.OLDER)
        exact = key == heading_key(field.heading)
        return Match(field.name, Part.WHOLE, 1.0 if exact else 0.95, Reason.EXACT if exact else Reason.ALIAS)
    if key in _older():
        return Match(_older()[key], Part.WHOLE, 0.9, Reason.OLDER)
    if key in _parts():
        name, part = _parts()[key]
        return Match(name, part, 0.9, Reason.PART)
    return None


@cache
def _keys() -> tuple[tuple[str, str], ...]:
    return tuple((heading_key(heading), field.name) for field in FIELDS for heading in field.headings) + tuple(_older().items())


def _similar(text: str) -> Match | None:
    """The nearest heading of the catalogue, when one is near and no other field is as near."""
    key = heading_key(text)
    if len(key) < 4:
        return None
    best: dict[str, float] = {}
    matcher = SequenceMatcher(autojunk=False, b=key)
    for other, name in _keys():
        matcher.set_seq1(other)
        if matcher.real_quick_ratio() >= _SIMILAR_FROM and matcher.quick_ratio() >= _SIMILAR_FROM:
            best[name] = max(best.get(name, 0.0), matcher.ratio())
    ranked = sorted(best.items(), key=lambda item: -item[1])
    if not ranked or ranked[0][1] < _SIMILAR_FROM or (len(ranked) > 1 and ranked[0][1] - ranked[1][1] < 0.04):
        return None
    return Match(ranked[0][0], Part.WHOLE, round(ranked[0][1] * 0.9, 2), Reason.SIMILAR)


def _settled_parts(columns: Sequence[Heading], matches: dict[int, Match]) -> dict[int, Match]:
    """What a part means depends on the columns beside it: "Năm sinh" alone is the whole date, "Tên" alone the whole name."""
    settled = dict(matches)
    samples = {column.index: column.samples for column in columns}
    by_field: dict[str, dict[Part, list[int]]] = defaultdict(lambda: defaultdict(list))
    for index, match in matches.items():
        by_field[match.field][match.part].append(index)
    for parts in by_field.values():
        whole = parts.get(Part.WHOLE, [])
        if len(whole) == 2 and matches[whole[0]].field == "birth_name" and _merged_name(columns, whole):
            settled |= {whole[0]: _as_part(matches[whole[0]], Part.FAMILY), whole[1]: _as_part(matches[whole[1]], Part.GIVEN)}
        elif whole and Part.MONTH in parts and Part.YEAR in parts and all(_is_day(text) for text in samples[whole[0]]):
            settled[whole[0]] = _as_part(matches[whole[0]], Part.DAY)
        elif len(parts) == 1 and (alone := next(iter(parts))) in (Part.YEAR, Part.GIVEN):
            settled[parts[alone][0]] = replace(matches[parts[alone][0]], part=Part.WHOLE, reason=Reason.OLDER)
    return settled


def _as_part(match: Match, part: Part) -> Match:
    return replace(match, part=part, confidence=min(match.confidence, 0.9), reason=Reason.PART)


def _is_day(text: str) -> bool:
    return text.isdigit() and 1 <= int(text) <= _MOST_DAYS


def _merged_name(columns: Sequence[Heading], pair: Sequence[int]) -> bool:
    """Two neighbouring columns under one heading: family name on the left, given name on the right."""
    lines = {column.index: column.lines for column in columns if column.index in pair}
    return pair[1] == pair[0] + 1 and lines[pair[0]] == lines[pair[1]]


def _joiner(name: str, columns: Sequence[Assignment]) -> Join:
    index_of = {one.part: one.index for one in columns}
    if index_of.keys() & {Part.MALE, Part.FEMALE}:
        return _marked(name, index_of)
    if name == "birth_name":
        return lambda cells: _filled(name, " ".join(str(cells[one.index]).strip() for one in _in_order(columns) if one.index in cells))
    return lambda cells: _filled(name, _date_of_parts([cells.get(index_of.get(part, 0)) for part in (Part.DAY, Part.MONTH, Part.YEAR)]))


def _in_order(columns: Sequence[Assignment]) -> list[Assignment]:
    return sorted(columns, key=lambda one: (one.part != Part.FAMILY, one.index))


def _filled(name: str, value: Any) -> dict[str, Any]:
    return {} if value in ("", None) else {name: value}


def _date_of_parts(parts: Sequence[Any]) -> Any:
    """Text as a clerk would write the date; a year alone stays one, and what is missing stays missing."""
    words = [str(int(one)) if isinstance(one, float) and one.is_integer() else str(one).strip() for one in parts if one is not None]
    return "/".join(words)


def _marked(name: str, index_of: Mapping[Part, int]) -> Join:
    """Two columns "Nam" and "Nữ": that one is filled says which; for a date of birth its cell is the date as well.

    A single column "Nữ" speaks of every row: a mark is a woman, none is a man.
    """
    male, female = index_of.get(Part.MALE), index_of.get(Part.FEMALE)

    def join(cells: Mapping[int, Any]) -> dict[str, Any]:
        filled = [(index, word) for index, word in ((male, _MALE), (female, _FEMALE)) if index in cells]
        if name != "gender":
            return {name: cells[filled[0][0]], "gender": filled[0][1]} if len(filled) == 1 else {}
        if len(filled) == 1:
            return {name: filled[0][1]}
        if not filled and (male is None or female is None):
            return {name: _MALE if male is None else _FEMALE}
        return _filled(name, " / ".join(word for _index, word in filled))

    return join
