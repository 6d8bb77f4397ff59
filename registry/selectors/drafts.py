"""A draft as a document: what was typed, put over the file as it stood, cell by cell.

Names of cells are those of `Draft.cells`. What a text means is decided by `cleaning`, as for a cell of a workbook; a cell that cannot be
read keeps its former value and comes back as a problem, so that everything else can still be judged.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from orgtree import clock, scope
from orgtree.choices import Action
from orgtree.models import OrgUnit, User
from registry.choices import Section
from registry.cleaning import ROW_FIELDS, Problem, clean_line, clean_row
from registry.fields import BY_NAME, LIST_BY_NAME, SECTION_FIELDS, SECTION_LISTS, column_of
from registry.lookups import Lookups
from registry.models import Draft, StaffProfile
from registry.schema import STAFF_PROFILE
from registry.selectors.acts import cell_is_open, field_is_open
from registry.selectors.consequences import Row, follow
from registry.selectors.texts import KIND
from registry.targets import show, show_together
from workflows.choices import Act
from workflows.documents import Document, canonical, parse
from workflows.models import RecordVersion

GONE = "gone"
_CELL = re.compile(r"([a-z_]+)\.([0-9]{1,4}|n[0-9]{1,4})\.([a-z_0-9]+)")
_SHOWN_IN_WORDS = frozenset(["date", "month"])  # all other kinds are typed as codes, keys and numbers


@dataclass(frozen=True)
class Written:
    """What a draft makes of the file. `rows` has the row ids of each list in the order of the document's rows, "" for one that follows.

    `typed` is the document without what follows from its new rows.
    """

    document: Document
    typed: Document
    rows: Mapping[str, Sequence[str]]
    problems: Sequence[Problem] = field(default=())


def draft_get(*, user: User, profile: StaffProfile, act: Act) -> Draft | None:
    """The user's open draft of this file."""
    return Draft.objects.filter(of_file(profile), user=user, act=act, request=None).first()


def of_file(profile: StaffProfile) -> Q:
    """The drafts of a file, or of one that is only being written and has no version yet."""
    return Q(staff=profile.pk) if profile.version else Q(new_file=profile.pk)


def drafts_open(*, user: User) -> QuerySet[Draft]:
    """What the user has begun and not sent, the latest first: of files that they may still edit, of new ones there, and of their own."""
    editable = scope.scoped(StaffProfile.objects.all(), user, Action.EDIT, "using_unit").order_by().values("pk")
    units = scope.units(user, Action.EDIT).order_by().values("pk")
    allowed = Q(staff__in=editable) | Q(unit__in=units) | Q(act=Act.OWN, staff__citizen_id=user.personal_number)
    found = Draft.objects.filter(allowed, user=user, request=None).exclude(cells={})
    return found.select_related("staff__using_unit", "unit").order_by("-saved_at")


def file_being_written(*, user: User, key: UUID) -> StaffProfile:
    """A file that is not on record yet, of which the user has an open draft: version 0, in the unit where it begins. It is never saved.

    Raises StaffProfile.DoesNotExist without such a draft, and in a unit where the user may no longer edit.
    """
    units = scope.units(user, Action.EDIT).order_by().values("pk")
    draft = Draft.objects.select_related("unit").filter(user=user, new_file=key, request=None, unit__in=units).first()
    if draft is None:
        raise StaffProfile.DoesNotExist
    return StaffProfile(pk=key, version=0, birth_name=draft.name, using_unit=draft.place, managing_agency=managing_agency_of(draft.place, user))


def managing_agency_of(unit: OrgUnit, user: User) -> OrgUnit:
    """Who manages the files of a unit, for one more: whoever does it for its people, else the highest unit above in which the user may edit."""
    colleague = StaffProfile.objects.filter(using_unit=unit).select_related("managing_agency").first()
    if colleague is not None:
        return colleague.managing_agency
    above = scope.units(user, Action.EDIT).filter(tree_id=unit.tree_id, lft__lte=unit.lft, rght__gte=unit.rght)
    return above.order_by("lft").first() or unit


def base_of(profile: StaffProfile, version: int) -> Document:
    """What a draft is written over: the ledger's document of the version, for a new file one with nothing but its units."""
    if version:
        return document_at(key=profile.pk, version=version)
    return STAFF_PROFILE.merge(None, {"managing_agency": str(profile.managing_agency_id), "using_unit": str(profile.using_unit_id)})


def document_at(*, key: UUID, version: int) -> Document:
    """The ledger's document of one version."""
    body = RecordVersion.objects.select_related("document").get(kind=KIND, key=key, version=version).document.body
    return parse(bytes(body))


def cell_parts(name: str) -> tuple[str, str, str] | None:
    """("degrees", "n1", "school") of "degrees.n1.school"; None for a field, or for what is no cell at all."""
    found = _CELL.fullmatch(name)
    if found is None or found[1] not in LIST_BY_NAME:
        return None
    return (found[1], found[2], found[3]) if found[3] == GONE or column_of(f"{found[1]}.{found[3]}") else None


def section_of(name: str) -> Section | None:
    """The section in which a cell stands."""
    parts = cell_parts(name)
    described = LIST_BY_NAME[parts[0]] if parts else BY_NAME.get(name)
    return described.section if described else None


def cell_may_be_written(name: str, *, act: Act, base: Document) -> bool:
    parts = cell_parts(name)
    return cell_is_open(*parts, act=act, base=base) if parts else name in BY_NAME and field_is_open(name, act=act, base=base)


def base_texts(base: Document, sections: Iterable[Section] = tuple(Section)) -> dict[str, str]:
    """The values of a document as a person types them, by cell: dates as 31/12/2025, codes and keys as they are, 2,34 and 9.500.000."""
    chosen = set(sections)
    fields = [name for section in chosen for name in SECTION_FIELDS[section]]
    lists = [one for section in chosen for one in SECTION_LISTS[section]]
    wanted: dict[str, set[Any]] = {name: {base[name]} for name in fields if BY_NAME[name].kind in _SHOWN_IN_WORDS}
    columns = {one.name: [column.name for column in one.columns] for one in lists}
    for one in lists:
        for column in one.columns:
            if column.kind in _SHOWN_IN_WORDS:
                wanted[f"{one.name}.{column.name}"] = {row[column.name] for row in base[one.name]}
    words = show_together(wanted)
    texts = {name: _text(name, base[name], words) for name in fields}
    for rows, names in columns.items():
        for place, row in enumerate(base[rows]):
            texts |= {f"{rows}.{place}.{column}": _text(f"{rows}.{column}", row[column], words) for column in names}
    return texts


def draft_write(*, base: Document, cells: Mapping[str, str], act: Act, actor: User, profile: StaffProfile, lookups: Lookups | None = None) -> Written:
    """The document as the draft would have it. Cells that the act may not write are passed over, whoever sent them.

    Who writes many files hands in the `lookups` that they share.
    """
    allowed = {name: text for name, text in cells.items() if cell_may_be_written(name, act=act, base=base)}
    writer = _Writer(base, lookups or Lookups(unit=profile.managing_agency, actor=actor, day=clock.today()), actor)
    values = writer.fields({name: text for name, text in allowed.items() if cell_parts(name) is None})
    lists = writer.lists({name: text for name, text in allowed.items() if cell_parts(name)})
    plain = {**base, **values, **{rows: [row for _id, row in kept] for rows, kept in lists.items()}}
    new = {rows: [row for row_id, row in kept if row_id.startswith("n")] for rows, kept in lists.items()}
    after = follow(base, plain, new=new, written=values.keys(), within=_within) if act == Act.RECORD and any(new.values()) else plain
    ids, document = _in_order(after, lists, writer)
    return Written(document, STAFF_PROFILE.merge(None, _distinct(plain)), ids, tuple(writer.problems))


class _Writer:
    """Reads typed text; gathers what cannot be read."""

    def __init__(self, base: Document, lookups: Lookups, actor: User) -> None:
        self.base, self.lookups, self.actor = base, lookups, actor
        self.problems: list[Problem] = []

    def fields(self, cells: Mapping[str, str]) -> dict[str, Any]:
        units = {name: key for name, text in cells.items() if BY_NAME[name].kind == "unit" and (key := self._unit(text))}
        rest = {name: text for name, text in cells.items() if text and name not in units}
        self.lookups.areas.load(text for name, text in rest.items() if BY_NAME[name].kind == "area")
        cleaned = clean_row(rest, self.lookups)
        self.problems += cleaned.problems
        return {**{name: None for name, text in cells.items() if not text}, **units, **cleaned.values}

    def lists(self, cells: Mapping[str, str]) -> dict[str, list[tuple[str, Row]]]:
        """(row id, row) of every list of which a cell was written."""
        by_row: dict[str, dict[str, dict[str, str]]] = defaultdict(lambda: defaultdict(dict))
        for name, text in cells.items():
            parts = cell_parts(name)
            if parts is not None:
                by_row[parts[0]][parts[1]][parts[2]] = text
        return {rows: list(self._list(rows, written)) for rows, written in by_row.items()}

    def _list(self, rows: str, written: Mapping[str, Mapping[str, str]]) -> Iterator[tuple[str, Row]]:
        for place, row in enumerate(self.base[rows]):
            cells = written.get(str(place), {})
            if not cells.get(GONE):
                yield str(place), {**row, **self._line(rows, str(place), cells)}
        blank = next(one for one in STAFF_PROFILE.rows if one.name == rows).blank()
        for row_id in sorted((one for one in written if one.startswith("n")), key=lambda one: int(one[1:])):
            cells = written[row_id]
            if not cells.get(GONE) and any(text.strip() for text in cells.values()):
                yield row_id, {**blank, **self._line(rows, row_id, cells)}

    def _line(self, rows: str, row_id: str, cells: Mapping[str, str]) -> Row:
        texts = {column: text for column, text in cells.items() if column != GONE}
        units = {column: key for column, text in texts.items() if ROW_FIELDS[f"{rows}.{column}"].kind == "unit" and (key := self._unit(text))}
        cleaned = clean_line(rows, {column: text for column, text in texts.items() if text.strip() and column not in units}, self.lookups)
        self.problems += [Problem(f"{rows}.{row_id}.{one.field}", one.code, one.value, one.params) for one in cleaned.problems]
        return {**{column: None for column, text in texts.items() if not text.strip()}, **units, **cleaned.values}

    def _unit(self, text: str) -> str | None:
        """The key of a unit that the picker gave, if it may be named: one in sight, or one that the file names already."""
        try:
            key = UUID(text)
        except ValueError:
            return None
        known = {self.base["using_unit"], self.base["managing_agency"], *(row["unit"] for row in self.base["postings"])}
        seen = str(key) in known or scope.units(self.actor, Action.VIEW).filter(pk=key).exists()
        return str(key) if seen else None


def _text(name: str, value: Any, words: Mapping[str, Mapping[Any, str]]) -> str:
    if value is None:
        return ""
    if name in words:
        return words[name][value]
    described = BY_NAME.get(name) or ROW_FIELDS[name]
    return show(name, [value])[value] if described.kind == "decimal" else str(value)


def _within(unit: str, other: str) -> bool:
    places = {str(one.pk): one for one in OrgUnit.objects.filter(pk__in=[unit, other])}
    below, above = places.get(unit), places.get(other)
    return bool(below and above and below.tree_id == above.tree_id and above.lft <= below.lft <= above.rght)


def _in_order(after: Document, lists: Mapping[str, Sequence[tuple[str, Row]]], writer: _Writer) -> tuple[dict[str, list[str]], Document]:
    """Row ids in the order of the document that is made; a row that stands twice is a problem of the second one."""
    ids: dict[str, list[str]] = {}
    for rows, kept in lists.items():
        names = [row_id for row_id, _row in kept]
        extra = len(after[rows]) - len(names)  # what follows stands before what was written
        lines = sorted(zip([""] * extra + names, after[rows], strict=True), key=lambda one: canonical(one[1]))
        seen: set[bytes] = set()
        ids[rows] = []
        for row_id, row in lines:
            body = canonical(row)
            if body in seen:
                writer.problems.append(Problem(f"{rows}.{row_id}", "ROW_STANDS_TWICE", ""))
            else:
                seen.add(body)
                ids[rows].append(row_id)
    return ids, STAFF_PROFILE.merge(None, _distinct(after))


def _distinct(document: Document) -> Document:
    """The same without rows that stand twice."""
    return {name: list({canonical(row): row for row in value}.values()) if isinstance(value, list) else value for name, value in document.items()}
