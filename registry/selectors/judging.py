"""What the gate's rules think of a draft, cell by cell: the same rules, run by the same engine, beside the same live tables."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from orgtree import clock
from orgtree.text import as_written
from registry.choices import Section
from registry.fields import BY_NAME, LIST_BY_NAME, label_of
from registry.masking import CLASS_A, hidden
from registry.messages import message_of, repair_of, severity_of
from registry.models import StaffProfile
from registry.selectors.drafts import Written, cell_parts
from registry.selectors.texts import KIND
from registry.targets import show
from workflows.choices import ItemState, Op, Severity
from workflows.documents import Document, canonical, digest
from workflows.models import ChangeItem, ChangeRequest
from workflows.opening import opened, placed_findings
from workflows.rules import Found

# In a form these are found by typing, and nobody knows their codes.
CHOSEN: Mapping[str, Promise] = {
    **dict.fromkeys(("AREA_CODE_UNKNOWN", "AREA_CODE_AMBIGUOUS"), _("Type part of its name and choose it from the list, or leave the field empty.")),
    **dict.fromkeys(("UNIT_NAME_UNKNOWN", "UNIT_NAME_AMBIGUOUS"), _("Type part of its name and choose it from the list.")),
}
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_GIVEN = (
    "select * from unnest(%s::int[], %s::text[], %s::uuid[], %s::text[], %s::int[], %s::bytea[], %s::bytea[])"
    " as d(leaf_index, kind, key, op, base_version, digest, body)"
)


@dataclass(frozen=True)
class Remark:
    """One finding beside a cell: `name` is the cell ("degrees.n1.school"), the list ("degrees") or the field; "" for the whole file."""

    name: str
    code: str
    severity: Severity
    label: str
    message: str
    repair: str

    @property
    def anchor(self) -> str:
        """The id of the field in the section's page, "f-degrees-n1-school"."""
        return "f-" + self.name.replace(".", "-")

    @property
    def is_error(self) -> bool:
        return self.severity == Severity.ERROR


def draft_remarks(*, profile: StaffProfile, written: Written, masked: Collection[Section] = (), typed: Collection[str] = ()) -> list[Remark]:
    """Everything that is wrong with the draft, or worth a look, errors first: all of it, never the first only.

    Class-A values of the sections `masked` are not repeated in what the rules say of them, but for those that stand in cells `typed` by
    the author of the draft, who knows them.
    """
    (found,) = drafts_remarks([(profile, written)], masked=masked, typed=typed)
    return found


def drafts_remarks(
    drafts: Sequence[tuple[StaffProfile, Written]], *, masked: Collection[Section] = (), typed: Collection[str] = ()
) -> list[list[Remark]]:
    """The same for many files at once, in their order: a person's findings may depend on what another's file is to become."""
    found: list[list[tuple[Found, int | None]]] = [[] for _ in drafts]
    for one, place in rules_on([(profile.pk, profile.version, written.document) for profile, written in drafts]):
        found[one.ref].append((one, place))
    return [_remarks(written, each, masked, typed) for (_profile, written), each in zip(drafts, found, strict=True)]


def rules_on(documents: Sequence[tuple[UUID, int, Document]]) -> Sequence[tuple[Found, int | None]]:
    """The findings of the rules on documents that are not in the ledger (key, base version, document), by their place in the call."""
    bodies = [canonical(document) for _key, _version, document in documents]
    columns = [
        list(range(len(documents))),
        [KIND] * len(documents),
        [key for key, _version, _document in documents],
        [(Op.UPDATE if version else Op.CREATE).value for _key, version, _document in documents],
        [version for _key, version, _document in documents],
        [digest(body) for body in bodies],
        bodies,
    ]
    with transaction.atomic(), opened(_GIVEN, columns) as open_:
        return placed_findings(open_, today=clock.today())


def _remarks(written: Written, found: Sequence[tuple[Found, int | None]], masked: Collection[Section], typed: Collection[str]) -> list[Remark]:
    unread = {problem.field for problem in written.problems}
    follows = {name for name, value in written.document.items() if not isinstance(value, list) and value != written.typed[name]}
    remarks = [remark_make(one.field, one.code, severity_of(one.code), value=one.value, params=one.params) for one in written.problems]
    for one, place in found:
        name = _cell(one.field, place, written.rows)
        if name not in unread:
            known = name in typed and one.value == str(written.document.get(name))
            remarks.append(remark_make(name, one.code, one.severity, value=_shown(name, one.value, () if known else masked)))
    columns = {parts[2] for one in remarks if (parts := cell_parts(one.name))}
    remarks = [one for one in remarks if one.name not in follows & columns]  # the row that it follows from is told already
    return sorted(remarks, key=lambda one: list(Severity).index(one.severity))


def request_in_the_way(*, profile: StaffProfile) -> ChangeRequest | None:
    """The open request that already changes this file: until it has ended, no other one can be submitted."""
    item = ChangeItem.objects.filter(kind=KIND, key=profile.pk, state=ItemState.OPEN).select_related("request").first()
    return item.request if item else None


def _cell(field: str, place: int | None, rows: Mapping[str, Sequence[str]]) -> str:
    """For "degrees.school" of the row in a place of the document is "degrees.n1.school" of the draft. In an untouched list the place is the id."""
    name, dot, column = field.partition(".")
    if not dot or place is None:
        return field
    row_id = rows[name][place] if name in rows else str(place)
    return f"{name}.{row_id}.{column}" if row_id else name


def _shown(name: str, value: str, masked: Collection[Section]) -> str:
    """The offending value as people write it."""
    first = name.partition(".")[0]
    described = BY_NAME.get(first) or LIST_BY_NAME.get(first)
    if described is not None and first in CLASS_A and described.section in masked and ".n" not in name:
        return hidden(value)
    parts = cell_parts(name)
    return show(f"{parts[0]}.{parts[2]}" if parts else name, [value])[value] if _DAY.fullmatch(value) else as_written(value)


def remark_make(name: str, code: str, severity: Severity, *, value: str = "", params: Mapping[str, Any] | None = None) -> Remark:
    """One finding in words."""
    parts = cell_parts(name)
    plain = f"{parts[0]}.{parts[2]}" if parts else name.partition(".")[0]
    text = message_of(code, value=value, field=plain, params=params)
    repair = str(CHOSEN.get(code, "")) or repair_of(code, value=value, field=plain, params=params)
    return Remark(name, code, Severity(severity), label_of(plain) if plain else "", text, repair)
