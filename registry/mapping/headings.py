"""Which field a heading names, and which part of it: from the catalogue, from older forms, by likeness."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from functools import cache, lru_cache
from typing import Protocol

from orgtree.text import normalise
from registry.fields import FIELDS, field_of_heading, heading_key
from registry.mapping.words import DATE_PARTS, FAMILY_HEADINGS, MARKED_PARTS, OLDER_HEADINGS, Part, Reason

_SIMILAR_FROM = 0.82
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
    parts = {heading_key(one): ("birth_name", Part.FAMILY) for one in FAMILY_HEADINGS} | {"ten": ("birth_name", Part.GIVEN)}
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
    found = MARKED_PARTS.get(part) if above.name in ("gender", "birth_date") else None
    if above.kind == "date":
        found = found or DATE_PARTS.get(part)
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


def settled_parts(columns: Sequence[Heading], matches: dict[int, Match]) -> dict[int, Match]:
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
