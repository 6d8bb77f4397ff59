"""The Party database: the shapes that go over the line, and the field policy: what it does not name does not cross.

The policy is a table (`data/party_policy.csv`, or the agency's own in PARTY_POLICY_FILE): a name of the document `staff_profile/1` or of one
column of a list ("degrees.degree"), and for each direction 1 or 0. A table that names what there is not is refused as a whole, so that a
slip of the pen opens nothing. Pure: no tables, no network.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import msgspec
from django.conf import settings
from msgspec import Meta

from registry.schema import STAFF_PROFILE
from workflows.documents import Document, canonical

POLICY = Path(__file__).with_name("data") / "party_policy.csv"
KEY = "citizen_id"  # by which both sides know a person
COLUMNS = ("field", "out", "in", "why")

_FIELDS = frozenset(one.name for one in STAFF_PROFILE.fields)
_LISTS = {one.name: frozenset(column.name for column in one.fields) for one in STAFF_PROFILE.rows}


class Fact(msgspec.Struct, kw_only=True):
    """What the Party database tells of one person. `sequence` counts up and is the cursor."""

    sequence: Annotated[int, Meta(ge=1, lt=2**62)]
    citizen_id: Annotated[str, Meta(pattern="^[0-9]{12}$")]
    fields: dict[str, Any]


class Facts(msgspec.Struct, kw_only=True):
    """One page of facts in the order of their sequence; `next` is the cursor of the next page, null on the last."""

    facts: Annotated[list[Fact], Meta(max_length=1_000)]
    next: Annotated[int, Meta(ge=0)] | None


class Member(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One person as the Party database is told: the fields that the policy lets out, no others."""

    ref: UUID
    citizen_id: Annotated[str, Meta(pattern="^[0-9]{12}$")]
    version: Annotated[int, Meta(ge=1)]
    fields: dict[str, Any]


class MembersCall(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    members: Annotated[list[Member], Meta(min_length=1, max_length=500)]


class MemberAnswer(msgspec.Struct, kw_only=True):
    """`code` is OK, or why the person was not taken. `digest` is SHA-256 over the canonical JSON of the fields as the database holds them now."""

    ref: UUID
    code: Annotated[str, Meta(min_length=1, max_length=60)]
    digest: str = ""
    message: Annotated[str, Meta(max_length=1_000)] = ""


class PolicyInvalid(Exception):
    """The table cannot be used; the message names the line and what is wrong with it."""


@dataclass(frozen=True)
class Line:
    """One line of the policy. `why` says on what it stands, for whoever asks."""

    field: str
    outward: bool
    inward: bool
    why: str


@dataclass(frozen=True)
class Policy:
    lines: tuple[Line, ...]

    @property
    def outward(self) -> frozenset[str]:
        return frozenset(one.field for one in self.lines if one.outward)

    @property
    def inward(self) -> frozenset[str]:
        return frozenset(one.field for one in self.lines if one.inward)


def policy_in_force() -> Policy:
    """The agency's own table where there is one, else ours. Raises PolicyInvalid."""
    return _loaded(settings.PARTY_POLICY_FILE or POLICY)


def policy_read(text: Iterable[str]) -> Policy:
    """A policy of the lines of a CSV with the columns field, out, in, why. Raises PolicyInvalid."""
    rows = csv.DictReader(text)
    if tuple(rows.fieldnames or ()) != COLUMNS:
        raise PolicyInvalid(f"the first line must be {','.join(COLUMNS)}")
    lines: dict[str, Line] = {}
    for number, row in enumerate(rows, start=2):
        line = _line(number, row)
        if line.field in lines:
            raise PolicyInvalid(f"line {number}: {line.field} stands twice")
        lines[line.field] = line
    return Policy(tuple(lines.values()))


def cut(document: Mapping[str, Any], *, policy: Policy, withheld: Collection[str] = ()) -> Document:
    """What of a document goes out: the fields that the policy names, less those that are marked "does not leave"; nulls left out.

    Of a list named by columns each row has these columns; rows that say nothing, and rows that become the same, are left out.
    """
    out = policy.outward - {KEY}
    stays = {name.partition(".")[0] for name in withheld}
    found: Document = {}
    for name, value in document.items():
        if name in stays or value is None:
            continue
        if name in _FIELDS and name in out:
            found[name] = value
        elif name in _LISTS and (rows := _rows(name, value, out)):
            found[name] = rows
    return found


def let_in(fields: Mapping[str, Any], *, policy: Policy) -> tuple[dict[str, Any], list[str]]:
    """(what the policy lets in, names of what it does not) of a fact that the Party database told."""
    allowed = policy.inward
    return {name: value for name, value in fields.items() if name in allowed}, sorted(str(name)[:60] for name in fields if name not in allowed)


def _rows(name: str, rows: Iterable[Mapping[str, Any]], out: Collection[str]) -> list[dict[str, Any]]:
    columns = [column for column in _LISTS[name] if f"{name}.{column}" in out]
    cut_rows = [{column: row[column] for column in columns if row.get(column) is not None} for row in rows] if columns else []
    distinct = {canonical(row): row for row in cut_rows if row}
    return [distinct[body] for body in sorted(distinct)]


def _line(number: int, row: Mapping[str, str | None]) -> Line:
    name = (row["field"] or "").strip()
    rows, dot, column = name.partition(".")
    is_column = bool(dot) and column in _LISTS.get(rows, ())
    if name not in _FIELDS and not is_column:
        raise PolicyInvalid(f"line {number}: there is no field {name!r}; a list is named by its columns, as degrees.degree")
    flags = [(row[direction] or "").strip() for direction in ("out", "in")]
    if any(flag not in ("0", "1") for flag in flags):
        raise PolicyInvalid(f"line {number}: out and in of {name} must be 1 or 0")
    if flags[1] == "1" and (is_column or name == KEY):
        raise PolicyInvalid(f"line {number}: {name} cannot come in; only single fields, and never the key of a person")
    return Line(name, flags[0] == "1", flags[1] == "1", (row["why"] or "").strip())


@lru_cache(maxsize=4)
def _loaded(path: Path) -> Policy:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return policy_read(file)
    except OSError as error:
        raise PolicyInvalid(f"{path}: {error.strerror}") from error
