"""The adapter that lets the gate read, check and apply one kind of record, and the registry of these adapters.

The gate knows changes and evidence, not what a staff record is: it asks `target(kind)`. Apps above register theirs in
`AppConfig.ready()`. A target's live tables are written by its app's `projection.py`, which only the target may import.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Model
from django.utils.functional import Promise

from workflows.choices import Op, RiskClass
from workflows.documents import Document, Schema
from workflows.rules import Rule


@dataclass(frozen=True)
class RowsBinding:
    """Where a list of rows of the document lives: its live model, its opened twin, and the column that names the record."""

    live: type[Model]
    opened: type[Model]
    parent: str


class Target(ABC):
    """One kind of record. Its live table has `id uuid` (the record's key), `version int`, `digest bytea`, and the
    schema's columns; its opened twin (`workflows.opened.opened_model`) the same, with `leaf_index`, `op`, `base_version`.
    """

    kind: str
    label: str | Promise
    order: int  # units are applied and delivered before people
    schema: Schema
    live: type[Model]
    opened: type[Model]
    rows: Mapping[str, RowsBinding] = {}
    rules: Sequence[Rule] = ()
    optional_rules: Sequence[Rule] = ()  # of which those hold that `chosen_rules` names
    unit_columns: Sequence[str] = ()  # live columns that name the units a record belongs to, for rights and locks
    indexed: Sequence[str] = ()  # opened columns that rules join on, indexed when a request is opened
    is_personal: bool = False  # who looks at its documents is written into the read log
    stays_here: bool = False  # no version of it is ever sent to the national platform
    depended_on: bool = False  # other records of the same request may stand on this one (a unit), so an error here spreads

    @abstractmethod
    def natural_key(self, document: Document) -> str | None:
        """What two open requests must not both claim (a citizen number, a unit code), or None."""

    @abstractmethod
    def project(self) -> None:
        """Write the live tables from the opened ones. Called inside the applying transaction, after locks and checks."""

    def chosen_rules(self) -> tuple[Rule, ...]:
        """Those of `optional_rules` that hold now, beside `rules`: a kind whose rules depend on what an administrator has set asks for it
        here, with one query at most. The same objects each time, since they are compiled once."""
        return ()

    def units_of(self, key: UUID, before: Document | None, after: Document) -> set[UUID]:
        """Every unit whose right the change needs: for a transfer, both."""
        names = [f.name for f in self.schema.fields if f.column in self.unit_columns]
        return {UUID(doc[name]) for doc in (before, after) if doc for name in names if doc.get(name)}

    def risk_of(self, changed: Sequence[str], op: Op) -> RiskClass:
        """How much the change of these fields can harm; the highest class unless the kind knows better."""
        return RiskClass.A

    @abstractmethod
    def title(self, document: Document) -> str:
        """How a list names this record: a person's or a unit's name."""

    def beside(self, document: Document) -> str:
        """What stands beside the title in a list, so that two records of one title can be told apart; "" where the title does."""
        return ""

    def address(self, key: UUID) -> str:
        """Where a page shows the record as it is on file; "" for a kind that has no page of its own."""
        return ""

    def label_of(self, field: str) -> str:
        """The field's name on the screen, in the reader's language."""
        return field

    def show(self, field: str, values: Iterable[Any]) -> dict[Any, str]:
        """Readable text for each value of `field` (codes and units resolved, dates dd/mm/yyyy), in bulk."""
        return {value: "" if value is None else str(value) for value in values}

    def show_together(self, wanted: Mapping[str, Iterable[Any]]) -> dict[str, dict[Any, str]]:
        """The same for many fields at once; a kind whose fields share look-ups does better than field by field."""
        return {field: self.show(field, values) for field, values in wanted.items()}

    def hidden(self, field: str, text: str) -> str:
        """`text`, a value of `field`, as a reader sees it who may neither propose nor approve changes; itself unless the kind masks it."""
        return text


_targets: dict[str, Target] = {}


def register(target: Target) -> None:
    _targets[target.kind] = target


def target(kind: str) -> Target:
    """Raises LookupError for a kind nobody registered."""
    try:
        return _targets[kind]
    except KeyError:
        raise LookupError(f"no target is registered for {kind!r}") from None


def targets() -> list[Target]:
    """All targets in the order in which they are applied."""
    return sorted(_targets.values(), key=lambda one: one.order)
