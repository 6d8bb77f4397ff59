"""What a quality rule is. A rule is a queryset over its *subject*, and never names a table.

The same definition serves the form, the upload, the hub's API and the nightly sweep: at the gate the subject is the
opened (temporary) rows and the *others* are the remaining opened rows and the live rows that are not being changed; in
the sweep the subject is the live rows themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from dataclasses import field as made_by
from datetime import date
from typing import Any

from django.db.models import Exists, F, Model, OuterRef, Q, QuerySet
from django.utils.functional import Promise

from workflows.choices import Severity


@dataclass(frozen=True)
class Subject:
    """The records under judgement and their rows: querysets of one shape, whether opened or live."""

    records: QuerySet[Any]
    rows: Mapping[str, QuerySet[Any]]


@dataclass(frozen=True)
class Others:
    """Where else to look: each queryset has the shape of `Subject.records`."""

    records: tuple[QuerySet[Any], ...]

    def share(self, field_name: str) -> Q:
        """True for a subject whose value of `field_name` stands on another record, opened or live."""
        condition = Q()
        for queryset in self.records:
            condition |= Q(Exists(queryset.filter(**{field_name: OuterRef(field_name)}).exclude(pk=OuterRef("pk"))))
        return condition


@dataclass(frozen=True, kw_only=True)
class Check:
    """All that a rule is given. `today` is the day in Viet Nam (orgtree.clock), never the database's."""

    subject: Subject
    others: Others
    today: date


@dataclass(frozen=True, kw_only=True, eq=False)
class Rule:
    """One rule: `find` returns the offending records, or the offending rows when `rows` names a list.

    `value` is the expression shown as the offending value (by default the field's column). `message` may hold {value}.
    `source` is the decree and article, or the list, that the rule stands on. `repair` says what to do, in one sentence.
    A rule is equal to itself only: what is compiled from it is kept under it.
    """

    code: str
    severity: Severity
    field: str
    message: str | Promise
    source: str
    find: Callable[[Check], QuerySet[Any]]
    rows: str = ""
    value: Any = None
    repair: str | Promise = ""

    def value_expression(self, column: str) -> Any:
        return self.value if self.value is not None else F(column)


NO_PARAMS: Mapping[str, Any] = {}


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A finding not yet stored: `ref` is the caller's own number for the record (a sheet row, say). A workbook may have a million of them."""

    ref: int
    code: str
    severity: Severity
    field: str
    value: str = ""
    params: Mapping[str, Any] = made_by(default_factory=lambda: NO_PARAMS)


def live_subject(records: type[Model], rows: Mapping[str, type[Model]]) -> Subject:
    return Subject(records._default_manager.all(), {name: model._default_manager.all() for name, model in rows.items()})
