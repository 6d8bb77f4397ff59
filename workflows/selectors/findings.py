"""Findings as sentences: what is wrong, and what to do. A stored finding holds only the rule's code, so the language is the reader's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from orgtree.text import as_written
from workflows.choices import Severity
from workflows.rules import Rule
from workflows.targets import Target, targets

Sentence = str | Promise


@dataclass(frozen=True)
class FindingLine:
    """One finding for the screen. `label` names the field, "" where the whole record is meant."""

    severity: Severity
    code: str
    label: str
    message: str
    repair: str
    source: str = ""


# What the gate itself finds, whatever the kind of record: (message, repair). Every other code is a rule's.
GATE_FINDINGS: Mapping[str, tuple[Sentence, Sentence]] = {
    "VALUE_FORM": (_("“{value}” cannot be read as a value of this field."), _("Correct the value and send the record again.")),
    "STALE_BASE": (_("The record has changed since you opened it."), _("Open it again, look at what is new, and repeat your change.")),
    "TWICE_IN_REQUEST": (_("{value} stands in this request twice."), _("Keep one of the two rows.")),
    "RECORD_BUSY": (_("Another open request already changes this record: {value}."), _("Wait until it has ended, or ask its author to withdraw it.")),
    "RECORD_HELD": (_("The record cannot be changed here: {value}."), _("Open the person’s page: it says what happens next and who can act.")),
    "CHANGED_OFTEN": (_("This is change number {value} of the record this month."), _("Look whether the changes belong together.")),
    "RARE_IN_BATCH": (_("Few other records of the request change this field."), _("Look whether it was meant.")),
    "OVERWRITE_REASON": (
        _("A value that was verified, or changed meanwhile, is overwritten. The reason given: {value}"),
        _("Compare it with the documents."),
    ),
    "OUT_OF_SCOPE": (_("The record belongs to a unit in which you may not edit."), _("Check the unit, or ask for the right to edit there.")),
}


def finding_line(one: Target, *, code: str, severity: str, field: str, value: str) -> FindingLine:
    """The sentence of a finding on a record of `one`'s kind."""
    message, repair, source = _texts(one, code)
    words = _Words(value=as_written(value))
    label = one.label_of(field) if field else ""
    return FindingLine(Severity(severity), code, label, message.format_map(words), repair.format_map(words), source)


def finding_lines(one: Target, remarks: Iterable[Mapping[str, str]], *, masked: bool = False) -> list[FindingLine]:
    """The sentences of findings (code, severity, field, value) on a record of `one`'s kind; `masked`, as a mere reader sees them."""
    return [finding_line(one, **{**each, "value": one.hidden(each["field"], each["value"])} if masked else each) for each in remarks]


class _Words(dict[str, str]):
    """The value for {value}, nothing for a parameter that is only known where the finding was made."""

    def __missing__(self, key: str) -> str:
        return ""


def _texts(one: Target, code: str) -> tuple[str, str, str]:
    rule = _rule(one, code)
    if rule is not None:
        return str(rule.message), str(rule.repair), rule.source
    message, repair = GATE_FINDINGS.get(code, (code, ""))
    return str(message), str(repair), ""


def _rule(one: Target, code: str) -> Rule | None:
    """The rule with this code; a rule that an older version of the program had is looked for among all kinds, then unknown."""
    candidates = [rule for each in (one, *targets()) for rule in (*each.rules, *each.optional_rules) if rule.code == code]
    return candidates[0] if candidates else None
