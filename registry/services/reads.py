"""Opening a person's file and showing its masked values: each leaves a line in the read log before it is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from orgtree import scope
from orgtree.choices import Action
from orgtree.models import OrgUnit, User
from registry.fields import FORMER_NUMBER, LIST_BY_NAME, label_of
from registry.masking import CLASS_A
from registry.models import StaffProfile
from registry.selectors.former_numbers import former_numbers
from registry.selectors.standing import rows_table
from registry.selectors.texts import KIND, document_get, document_texts
from workflows.choices import ReadAction
from workflows.errors import NotAllowed
from workflows.services.reads import read_record, reason_check


@dataclass(frozen=True)
class Revealed:
    """One class-A value in the clear: a text, or for a list its table of rows."""

    name: str
    label: str
    text: str = ""
    headings: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()


def may_reveal(user: User, unit: OrgUnit) -> bool:
    """Masked values are shown, with a reason, to who prepares changes of the unit's files or decides on them; to nobody else."""
    return scope.can(user, Action.EDIT, unit) or scope.can(user, Action.APPROVE, unit)


def file_open(*, actor: User, profile: StaffProfile, what: str = "", address: str | None = None) -> None:
    """A page that shows the file is about to be sent; `what` names the page where it is not the file's own."""
    read_record(actor=actor, action=ReadAction.OPEN, kind=KIND, records=[(profile.pk, profile.using_unit_id)], what=what, address=address)


def files_export(*, actor: User, records: Sequence[tuple[UUID, UUID | None]], what: str, address: str | None = None) -> None:
    """One line a person in a list that leaves the program; `what` names the run, under which the audit trail has the rest."""
    read_record(actor=actor, action=ReadAction.EXPORT, kind=KIND, records=records, what=what, address=address)


def value_reveal(*, actor: User, profile: StaffProfile, name: str, reason: str, note: str = "", address: str | None = None) -> Revealed:
    """The value of one class-A field or list. Raises NotAllowed without the right, PurposeMissing without a reason."""
    if name not in CLASS_A or not may_reveal(actor, profile.using_unit):
        raise NotAllowed
    reason_check(reason, note)
    read_record(
        actor=actor,
        action=ReadAction.REVEAL,
        kind=KIND,
        records=[(profile.pk, profile.using_unit_id)],
        what=name,
        reason=reason,
        note=note,
        address=address,
    )
    if name == FORMER_NUMBER:
        return Revealed(name, label_of(name), ", ".join(one.number for one in former_numbers(profile)))
    document = document_get(profile=profile)
    texts = document_texts(document)
    if name in texts.fields:
        return Revealed(name, label_of(name), texts.fields[name])
    headings, lines = rows_table(LIST_BY_NAME[name], document, texts)
    return Revealed(name, label_of(name), "", headings, lines)
