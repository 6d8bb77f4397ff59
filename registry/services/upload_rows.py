"""From the values of a row to a proposal for the gate: what it changes in a file on hand, or a new file.

Not here: what a cell means (cleaning), whose row it is (upload_matching), whether a person is right (rules, in the gate).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from django.db import connection

from orgtree.models import OrgUnit
from registry.cleaning import Problem
from registry.fields import POSTING_DECISION, POSTING_FROM, POSTING_TITLE, SALARY_DECISION
from registry.models import Posting, StaffProfile, Upload
from registry.schema import POSTINGS
from registry.services.upload_cleaning import new_key
from registry.services.upload_facts import PRESENT, Recorded, first_pay, first_post, pay_record, post_record, touches_pay
from workflows.documents import Document, parse, plain_value
from workflows.models import RecordVersion
from workflows.selectors.live import live_documents
from workflows.services.staging import Proposal

KIND = "staff_profile"
_object = msgspec.json.decode
_NOTHING = Recorded()


@dataclass(frozen=True)
class OnFile:
    """What is known of a person with a file: enough to propose a change to it. `present` is what they are paid now."""

    key: UUID
    version: int
    unit: UUID
    present: Mapping[str, Any]
    postings: Sequence[Document]


class CleanRow(NamedTuple):
    """A row after cleaning and matching: its file (None for a new one), what of it failed, the version that it was first compared with."""

    sheet_row: int
    key: UUID | None
    values: Mapping[str, Any]
    failed: Collection[str] = ()
    seen_version: int | None = None


@dataclass(frozen=True)
class RowProposal:
    """A row as it goes to the gate, and what was found to be wrong with the facts that it states."""

    proposal: Proposal
    problems: Sequence[Problem] = ()


def rows_propose(*, upload: Upload, rows: Sequence[CleanRow], versions: Mapping[int, int] | None = None) -> Iterator[RowProposal]:
    """Proposals of rows, in their order; a few queries however many rows.

    `versions` are the versions that the rows were checked against, by row; without them whatever is there now.
    """
    known = on_file(row.key for row in rows if row.key)
    read = {one["field"] for one in upload.mapping if one.get("field")}
    written = _written_from(rows, known) if upload.from_template else {}
    said = {row.sheet_row: _touched(row.values, written.get(row.sheet_row)) if row.key in known else row.values for row in rows}
    recorded = _recorded(rows, known, said)
    for row in rows:
        file = known.get(row.key) if row.key else None
        facts = recorded.get(row.sheet_row, _NOTHING)
        patch = {**_cells(said[row.sheet_row]), **facts.patch} if file else _new(upload, read, row.values)
        version = versions.get(row.sheet_row) if versions is not None else file.version if file else None
        proposal = Proposal(
            kind=KIND,
            key=file.key if file else row.key or new_key(upload, row.sheet_row),
            patch=patch,
            base_version=version or None,
            ref=row.sheet_row,
            blocked=bool(row.failed) or bool(facts.problems),
        )
        yield RowProposal(proposal, facts.problems)


def _recorded(rows: Sequence[CleanRow], known: Mapping[UUID, OnFile], said: Mapping[int, Mapping[str, Any]]) -> dict[int, Recorded]:
    """By row what it records in the histories of its file; documents are fetched for those alone whose pay it changes."""
    files = {row.sheet_row: known[row.key] for row in rows if row.key and row.key in known}
    within = units_within({(said[number].get("using_unit"), file.unit) for number, file in files.items()})
    paid = {number: file.key for number, file in files.items() if touches_pay(file.present, said[number])}
    documents = live_documents((KIND, key) for key in set(paid.values())) if paid else {}
    recorded = {}
    for number, file in files.items():
        post = post_record(file.postings, str(file.unit), said[number], within)
        head = documents.get((KIND, paid[number])) if number in paid else None
        pay = pay_record(head[1], said[number]) if head else _NOTHING
        if post.patch or post.problems or pay.patch or pay.problems:
            recorded[number] = Recorded({**post.patch, **pay.patch}, (*post.problems, *pay.problems))
    return recorded


def units_within(pairs: Collection[tuple[Any, UUID]]) -> Callable[[str, str], bool]:
    """Whether the first unit is the second or stands below it, for these pairs (keys or their text); one query, none where nobody moves."""
    moved = {(str(unit), str(other)) for unit, other in pairs if unit is not None and str(unit) != str(other)}
    keys = {key for pair in moved for key in pair}
    places = {str(one.pk): one for one in OrgUnit.objects.filter(pk__in=keys)} if keys else {}
    inside = {pair for pair in moved if pair[0] in places and pair[1] in places and _below(places[pair[0]], places[pair[1]])}
    return lambda unit, other: unit == other or (unit, other) in inside


def _below(unit: OrgUnit, other: OrgUnit) -> bool:
    return unit.tree_id == other.tree_id and other.lft <= unit.lft <= other.rght


def _cells(values: Mapping[str, Any]) -> Document:
    return {name: value for name, value in values.items() if "." not in name}


def _written_from(rows: Sequence[CleanRow], known: Mapping[UUID, OnFile]) -> dict[int, Document]:
    """By row the document that our template showed of a file that has moved on since; one query."""
    stale = {row.sheet_row: (row.key, row.seen_version) for row in rows if row.key in known and row.seen_version}
    stale = {number: (key, version) for number, (key, version) in stale.items() if key and version and version < known[key].version}
    if not stale:
        return {}
    kept = RecordVersion.objects.filter(kind=KIND, key__in={key for key, _version in stale.values()})
    kept = kept.filter(version__in={version for _key, version in stale.values()})
    bodies = {(key, version): body for key, version, body in kept.values_list("key", "version", "document__body")}
    return {number: parse(bytes(bodies[place])) for number, place in stale.items() if place in bodies}


def _touched(values: Mapping[str, Any], written: Document | None) -> Mapping[str, Any]:
    """Without the cells that still hold what the template was written with: nobody touched them, so they change nothing."""
    if written is None:
        return values
    current: Document = next((row for row in written["postings"] if row["valid_to"] is None), {})
    pay: Document = next((row for row in written["salary_history"] if row["valid_to"] is None), {})
    shown = {**written, POSTING_TITLE: current.get("title"), POSTING_FROM: current.get("valid_from")}
    shown |= {name: current.get(name.partition(".")[2]) for name in POSTING_DECISION}
    shown |= {name: pay.get(name.partition(".")[2]) for name in SALARY_DECISION}
    return {name: value for name, value in values.items() if value != shown.get(name)}


def on_file(keys: Iterable[UUID]) -> dict[UUID, OnFile]:
    """Files by key, with their postings as in the document; two queries."""
    named = ("pk", "version", "using_unit_id", *PRESENT)
    people = {row[0]: row for row in StaffProfile.objects.filter(pk__in=set(keys)).values_list(*named)}
    postings: dict[UUID, list[Document]] = defaultdict(list)
    columns = [(one.name, one.column) for one in POSTINGS.fields]
    rows = Posting.objects.filter(staff_id__in=people.keys()).values_list("staff_id", *(column for _name, column in columns))
    for staff, *values in rows:
        postings[staff].append({name: plain_value(value) for (name, _column), value in zip(columns, values, strict=True)})
    return {
        key: OnFile(key, version, unit, dict(zip(PRESENT, map(_plain, present), strict=True)), postings[key])
        for key, version, unit, *present in people.values()
    }


def _plain(value: Any) -> Any:
    """A value of pay as it stands in the document: two places behind the point, a day as text."""
    return f"{value:.2f}" if isinstance(value, Decimal) else plain_value(value)


def _new(upload: Upload, read: Collection[str], values: Mapping[str, Any]) -> Document:
    """A new file. A sheet without a column for the agency or the unit speaks of the unit for which it was sent."""
    here = str(upload.unit_id)
    defaults = {name: here for name in ("managing_agency", "using_unit") if name not in read}
    patch = {**defaults, **_cells(values)}
    return {**patch, **first_pay(values), **first_post(values, patch.get("using_unit"))}


def checked_rows(*, after: int, limit: int) -> list[CleanRow]:
    """Rows of `checked_row` that go to the gate, a chunk beyond row `after`."""
    with connection.cursor() as cursor:
        cursor.execute(
            'select sheet_row, key, "values", failed, seen_version from checked_row where proposed and sheet_row > %s order by sheet_row limit %s',
            [after, limit],
        )
        return [CleanRow(row, key, _object(values), failed, seen) for row, key, values, failed, seen in cursor.fetchall()]
