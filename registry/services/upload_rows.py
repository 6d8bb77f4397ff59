"""From the values of a row to a proposal for the gate: what it changes in a file on hand, or a new file.

Not here: what a cell means (cleaning), whose row it is (upload_matching), whether a person is right (rules, in the gate).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from django.db import connection

from orgtree.text import plain
from registry.cleaning import Problem
from registry.fields import POSTING_FROM, POSTING_TITLE
from registry.models import Posting, StaffProfile, Upload
from registry.schema import POSTINGS
from registry.services.upload_cleaning import new_key
from workflows.documents import Document, parse, plain_value
from workflows.models import RecordVersion
from workflows.services.staging import Proposal

KIND = "staff_profile"
_object = msgspec.json.decode


@dataclass(frozen=True)
class OnFile:
    """What is known of a person with a file: enough to propose a change to it."""

    key: UUID
    version: int
    unit: UUID
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
    """A row as it goes to the gate, and what was found to be wrong with its post."""

    proposal: Proposal
    problem: Problem | None


def rows_propose(*, upload: Upload, rows: Sequence[CleanRow], versions: Mapping[int, int] | None = None) -> Iterator[RowProposal]:
    """Proposals of rows, in their order; a few queries however many rows.

    `versions` are the versions that the rows were checked against, by row; without them whatever is there now.
    """
    known = on_file(row.key for row in rows if row.key)
    read = {one["field"] for one in upload.mapping if one.get("field")}
    written = _written_from(rows, known) if upload.from_template else {}
    for row in rows:
        file, problem = known.get(row.key) if row.key else None, None
        if file:
            patch, problem = _change(file, _touched(row.values, written.get(row.sheet_row)))
        else:
            patch = _new(upload, read, row.values)
        version = versions.get(row.sheet_row) if versions is not None else file.version if file else None
        proposal = Proposal(
            kind=KIND,
            key=file.key if file else row.key or new_key(upload, row.sheet_row),
            patch=patch,
            base_version=version or None,
            ref=row.sheet_row,
            blocked=bool(row.failed) or problem is not None,
        )
        yield RowProposal(proposal, problem)


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
    shown = {**written, POSTING_TITLE: current.get("title"), POSTING_FROM: current.get("valid_from")}
    return {name: value for name, value in values.items() if value != shown.get(name)}


def on_file(keys: Iterable[UUID]) -> dict[UUID, OnFile]:
    """Files by key, with their postings as in the document; two queries."""
    people = {row[0]: row for row in StaffProfile.objects.filter(pk__in=set(keys)).values_list("pk", "version", "using_unit_id")}
    postings: dict[UUID, list[Document]] = defaultdict(list)
    columns = [(one.name, one.column) for one in POSTINGS.fields]
    rows = Posting.objects.filter(staff_id__in=people.keys()).values_list("staff_id", *(column for _name, column in columns))
    for staff, *values in rows:
        postings[staff].append({name: plain_value(value) for (name, _column), value in zip(columns, values, strict=True)})
    return {key: OnFile(key, version, unit, postings[key]) for key, version, unit in people.values()}


def _new(upload: Upload, read: Collection[str], values: Mapping[str, Any]) -> Document:
    """A new file. A sheet without a column for the agency or the unit speaks of the unit for which it was sent."""
    here = str(upload.unit_id)
    defaults = {name: here for name in ("managing_agency", "using_unit") if name not in read}
    patch = {**defaults, **{name: value for name, value in values.items() if "." not in name}}
    if POSTING_TITLE in values or POSTING_FROM in values:
        row = {"title": values.get(POSTING_TITLE), "unit": patch.get("using_unit"), "valid_from": values.get(POSTING_FROM)}
        patch["postings"] = [{**POSTINGS.blank(), **row}]
    return patch


def _change(known: OnFile, values: Mapping[str, Any]) -> tuple[Document, Problem | None]:
    """What the row changes in a file on hand. An empty cell changes nothing."""
    patch = {name: value for name, value in values.items() if "." not in name}
    unit = values.get("using_unit", str(known.unit))
    current = next((row for row in known.postings if row["valid_to"] is None), None)
    title = values.get(POSTING_TITLE) or (current or {}).get("title")
    since = values.get(POSTING_FROM)
    if title is None or (current and plain(current["title"]) == plain(title) and current["unit"] == unit and since in (None, current["valid_from"])):
        return patch, None
    if problem := _post_problem(current, title, unit, since):
        return patch, problem
    patch["postings"] = _postings_after(known.postings, current, {**POSTINGS.blank(), "title": title, "unit": unit, "valid_from": since})
    return patch, None


def _post_problem(current: Document | None, title: str, unit: str, since: str | None) -> Problem | None:
    """Why a post that differs from the one on file cannot follow it."""
    if since is None:
        return Problem(POSTING_FROM, "POST_DATE_MISSING", "")
    same = current and plain(current["title"]) == plain(title) and current["unit"] == unit
    if current and not same and since <= current["valid_from"]:
        return Problem(POSTING_FROM, "POST_DATE_EARLY", f"{since[8:]}/{since[5:7]}/{since[:4]}")
    return None


def _postings_after(postings: Sequence[Document], current: Document | None, new: Document) -> list[Document]:
    """The same post with another beginning is a correction; another post ends the one on file on the day on which it begins."""
    rest = [row for row in postings if row is not current]
    if current is None:
        return [*rest, new]
    if plain(current["title"]) == plain(new["title"]) and current["unit"] == new["unit"]:
        return [*rest, {**current, "valid_from": new["valid_from"]}]
    return [*rest, {**current, "valid_to": new["valid_from"]}, new]


def checked_rows(*, after: int, limit: int) -> list[CleanRow]:
    """Rows of `checked_row` that go to the gate, a chunk beyond row `after`."""
    with connection.cursor() as cursor:
        cursor.execute(
            'select sheet_row, key, "values", failed, seen_version from checked_row where proposed and sheet_row > %s order by sheet_row limit %s',
            [after, limit],
        )
        return [CleanRow(row, key, _object(values), failed, seen) for row, key, values, failed, seen in cursor.fetchall()]
