"""What must be filled in: the catalogue's defaults, and what an administrator has set otherwise (`FieldDemand`).

Fields that the tables cannot be without have their rule in `identity`. Here are the others: asked for when a file is made (an error for a new
file; of files on hand nothing can be held up by a demand that came later), and asked for when the file is sent (a warning). Lists of rows are
asked for by the nightly sweep alone: a workbook has no place for them, so that every new row of an upload would be told what nobody can write
into it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, Value
from django.utils.translation import gettext_lazy as _

from orgtree import scope
from registry.fields import BY_NAME, LIST_BY_NAME, ProfileField, ProfileList
from registry.models.demands import FieldDemand
from registry.rules.expressions import FORM, records
from workflows.choices import Op, Severity
from workflows.rules import Check, Rule

REQUIRED, REQUIRED_AT_SYNC = "REQUIRED", "REQUIRED_AT_SYNC"
FIXED = frozenset(one.name for one in BY_NAME.values() if one.required)  # the tables and what was signed cannot be without them
OPTIONAL: Mapping[str, ProfileField] = {one.name: one for one in BY_NAME.values() if not one.is_beside and not one.required}
DEFAULT_AT_SYNC = frozenset(one.name for one in (*BY_NAME.values(), *LIST_BY_NAME.values()) if one.at_sync)


@dataclass(frozen=True)
class Demands:
    """Names of what is asked for now: fields when a file is made, fields and lists when it is sent. The second holds all of the first."""

    at_draft: frozenset[str]
    at_sync: frozenset[str]

    def has(self, name: str) -> bool:
        """Whether the field or list is to be filled in at all."""
        return name in self.at_sync


DEFAULTS = Demands(FIXED, FIXED | DEFAULT_AT_SYNC)


def demands() -> Demands:
    """What is asked for now. One query; one for a whole page."""
    return scope.once("registry.demands", lambda: demands_with(FieldDemand.objects.values_list("name", "at_draft", "at_sync")))


def demands_with(departures: Any) -> Demands:
    """The defaults with departures (name, at_draft, at_sync); those of fields that the catalogue has no more are passed over."""
    at_draft, at_sync = set(DEFAULTS.at_draft), set(DEFAULTS.at_sync)
    for name, draft, sync in departures:
        if name in OPTIONAL or name in LIST_BY_NAME:
            (at_draft.add if draft else at_draft.discard)(name)
            (at_sync.add if sync else at_sync.discard)(name)
    return Demands(frozenset(at_draft), frozenset(at_sync))


def _missing(field: ProfileField) -> Q:
    condition = Q(**{f"{field.name}__isnull": True})
    return condition & Q(**{f"{field.unless}__isnull": True}) if field.unless else condition


def _at_draft(field: ProfileField) -> Rule:
    return Rule(
        code=REQUIRED,
        severity=Severity.ERROR,
        field=field.name,
        message=_("This field must be filled in."),
        source=FORM.format(field.item),
        find=records(_missing(field) & Q(op=Op.CREATE)),
        repair=_("Enter the value from the person's papers."),
    )


def _at_sync(one: ProfileField | ProfileList, find: Any) -> Rule:
    return Rule(
        code=REQUIRED_AT_SYNC,
        severity=Severity.WARNING,
        field=one.name,
        message=_("Missing when the file is sent to the national database."),
        source=FORM.format(one.item),
        find=find,
        value=Value(""),
        repair=_("Enter the value from the person's papers."),
    )


def _without_rows(name: str) -> Any:
    def find(check: Check) -> QuerySet[Any]:
        return check.subject.records.filter(~Exists(check.subject.rows[name].filter(staff=OuterRef("pk"))))

    return find


# By name, each made once: what is compiled from a rule is kept under the rule.
_NEW: Mapping[str, Rule] = MappingProxyType({name: _at_draft(one) for name, one in OPTIONAL.items()})
_SENT: Mapping[str, Rule] = MappingProxyType({name: _at_sync(one, records(_missing(one))) for name, one in OPTIONAL.items()})
_SENT_LATER: Mapping[str, Rule] = MappingProxyType({name: _at_sync(one, records(_missing(one) & ~Q(op=Op.CREATE))) for name, one in OPTIONAL.items()})
_LISTS: Mapping[str, Rule] = MappingProxyType({name: _at_sync(one, _without_rows(name)) for name, one in LIST_BY_NAME.items()})
RULES: tuple[Rule, ...] = (*_NEW.values(), *_SENT.values(), *_SENT_LATER.values(), *_LISTS.values())


@lru_cache(maxsize=16)
def rules_of(asked: Demands) -> tuple[Rule, ...]:
    """The rules of the gate for these demands: on fields, and one finding for each that is missing."""
    return tuple(
        rule
        for name in OPTIONAL
        for rule in ((_NEW[name], _SENT_LATER[name]) if name in asked.at_draft else (_SENT[name],) if name in asked.at_sync else ())
    )


@lru_cache(maxsize=16)
def sweep_rules(asked: Demands) -> tuple[Rule, ...]:
    """The rules of the sweep: files on hand are about to be sent, so that fields and lists are asked for alike."""
    return tuple(rule for name, rule in (*_SENT.items(), *_LISTS.items()) if name in asked.at_sync)
