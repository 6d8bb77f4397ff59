"""The simple form that proposes a change to one person's file: the plain fields of the catalogue, as people write them.

It is not a Django form: what a text means is decided by `cleaning`, the same as for a cell of a workbook, and what is right by
the gate's rules. The form shows the present values as text and makes a patch of those that were changed. Postings have their own
rows and are not edited here. A class-A value is never put into the page: an empty input leaves it as it is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.utils.functional import Promise

from orgtree import clock
from orgtree.models import OrgUnit, User
from registry.choices import Section
from registry.cleaning import clean_row
from registry.fields import BY_NAME, SECTION_FIELDS, label_of
from registry.lookups import Lookups
from registry.masking import CLASS_A, hidden
from registry.messages import message_of, repair_of
from registry.models import CodeItem, StaffProfile
from registry.targets import show
from workflows.choices import Severity
from workflows.documents import Document
from workflows.rules import Found

# A picture is not typed in, and a field of the posting has its own row.
SHOWN: Mapping[Section, Sequence[str]] = {
    section: [name for name in names if BY_NAME[name].kind != "picture"] for section, names in SECTION_FIELDS.items()
}


@dataclass(frozen=True)
class Remark:
    """What is said beside a field."""

    severity: str
    message: str
    repair: str


@dataclass
class Input:
    """One field of the form. `text` is what stands in it, `options` the codes to choose from, for a code list."""

    name: str
    label: str
    kind: str
    text: str
    required: bool
    placeholder: str = ""
    options: Sequence[tuple[str, str]] = ()
    remarks: list[Remark] = field(default_factory=list)

    @property
    def is_wrong(self) -> bool:
        return any(one.severity == Severity.ERROR for one in self.remarks)


class ProfileForm:
    """`sent` is what the reader typed, by field name; without it the form shows what is on file.

    After `patch()` and `remark()` the inputs carry what was found; `other` holds findings that belong to no input.
    """

    def __init__(self, *, user: User, profile: StaffProfile, document: Document, sent: Mapping[str, str] | None = None) -> None:
        self.user, self.profile, self.document = user, profile, document
        self.before = _texts(document)
        self.sent = None if sent is None else {name: sent.get(name, "").strip() for name in self.before}
        options = _options()
        self.inputs = {name: self._input(name, options) for name in self.before}
        self.other: list[Remark] = []

    @property
    def sections(self) -> list[tuple[str | Promise, list[Input]]]:
        return [(section.label, [self.inputs[name] for name in SHOWN[section]]) for section in Section if SHOWN[section]]

    def patch(self) -> dict[str, Any]:
        """The changed values as they stand in a document; what cannot be read becomes a remark beside its input."""
        assert self.sent is not None, "nothing was sent"
        changed = {name: text for name, text in self.sent.items() if text != self.before[name]}
        filled = {name: text for name, text in changed.items() if text}
        lookups = Lookups(unit=self.profile.managing_agency, actor=self.user, day=clock.today())
        lookups.areas.load(text for name, text in filled.items() if BY_NAME[name].kind == "area")
        cleaned = clean_row(filled, lookups)
        for problem in cleaned.problems:
            words = {"value": problem.value, "field": problem.field, "params": problem.params}
            self._say(problem.field, Remark(Severity.ERROR, message_of(problem.code, **words), repair_of(problem.code, **words)))
        emptied = {name: None for name, text in changed.items() if not text and name not in CLASS_A}
        return {**emptied, **cleaned.values}

    def remark(self, found: Iterable[Found]) -> None:
        """Put what the gate found beside the inputs it is about."""
        for one in found:
            words = {"value": one.value, "field": one.field, "params": one.params}
            self._say(one.field, Remark(one.severity, message_of(one.code, **words), repair_of(one.code, **words)))

    @property
    def is_wrong(self) -> bool:
        return any(one.is_wrong for one in self.inputs.values()) or any(one.severity == Severity.ERROR for one in self.other)

    def _say(self, name: str, remark: Remark) -> None:
        self.inputs[name].remarks.append(remark) if name in self.inputs else self.other.append(remark)

    def _input(self, name: str, options: Mapping[str, Sequence[tuple[str, str]]]) -> Input:
        described = BY_NAME[name]
        is_hidden = name in CLASS_A
        return Input(
            name=name,
            label=label_of(name),
            kind=described.kind,
            text=self.before[name] if self.sent is None else self.sent[name],
            required=described.required and not is_hidden,
            placeholder=hidden(str(self.document[name] or "")) if is_hidden else "",
            options=options.get(described.code_list, ()),
        )


def _texts(document: Document) -> dict[str, str]:
    """The present values as a person would type them: codes and keys as codes, dates as 31/12/2025; class A empty."""
    names = [name for names in SHOWN.values() for name in names]
    units = _unit_codes(document[name] for name in names if BY_NAME[name].kind == "unit")
    return {name: "" if name in CLASS_A else _text(name, document[name], units) for name in names}


def _text(name: str, value: Any, units: Mapping[str, str]) -> str:
    if value is None:
        return ""
    kind = BY_NAME[name].kind
    if kind == "unit":
        return units[value]
    if kind == "decimal":
        return str(value).replace(".", ",")
    return show(name, [value])[value] if kind == "date" else str(value)


def _unit_codes(keys: Iterable[str | None]) -> dict[str, str]:
    found = OrgUnit.objects.filter(pk__in=[UUID(key) for key in keys if key])
    return {str(unit.pk): unit.code for unit in found}


def _options() -> dict[str, list[tuple[str, str]]]:
    """The codes of today for each code list that a field of the form refers to."""
    options: dict[str, list[tuple[str, str]]] = defaultdict(list)
    lists = {one.code_list for one in BY_NAME.values() if one.code_list}
    for item in CodeItem.objects.on(clock.today()).filter(list__in=lists).order_by("list", "sort", "code"):
        options[item.list].append((item.code, item.name))
    return options
