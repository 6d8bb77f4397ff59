"""A decision about many people as a form: its common fields once, and a line a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from registry.choices import DecisionKind
from registry.cleaning import ROW_FIELDS
from registry.fields import column_of
from registry.forms.sections import LONG_LIST, PICKED, Input, code_options
from registry.models import DecisionDraft, StaffProfile
from registry.selectors.decisions import LAYOUTS, REQUIRED, Line, column_of_remark
from registry.selectors.judging import Remark
from registry.selectors.picking import rank_labels, unit_labels


@dataclass(frozen=True)
class Person:
    """A line: who, what stands now, the inputs, and what is said of the file as a whole."""

    profile: StaffProfile
    now: str
    inputs: Sequence[Input]
    remarks: Sequence[Remark]


@dataclass(frozen=True)
class DecisionForm:
    common: Sequence[Input]
    people: Sequence[Person]
    wrong: int


def decision_form(*, draft: DecisionDraft, lines: Sequence[Line], refused: Mapping[str, Sequence[Remark]] | None = None) -> DecisionForm:
    """What is said of a common field is said once, there, however many people it concerns; `refused` is what the gate said of people."""
    kind = DecisionKind(draft.kind)
    maker = _Maker(kind, draft, lines)
    shared: dict[str, dict[str, Remark]] = {}
    for remark in (one for line in lines for one in line.remarks):
        if (column := column_of_remark(kind, remark)) in LAYOUTS[kind].common:
            shared.setdefault(column, {})[remark.message] = remark
    common = [maker.input(f"common.{name}", name, draft.common.get(name, ""), list(shared.get(name, {}).values())) for name in LAYOUTS[kind].common]
    people = [maker.person(line, (refused or {}).get(str(line.profile.pk), ())) for line in lines]
    own = sum(one.is_error for line in lines for one in line.remarks if column_of_remark(kind, one) not in shared)
    return DecisionForm(common, people, own + sum(one.is_error for each in shared.values() for one in each.values()))


class _Maker:
    def __init__(self, kind: DecisionKind, draft: DecisionDraft, lines: Sequence[Line]) -> None:
        self.kind, self.layout = kind, LAYOUTS[kind]
        self.untouched = draft.revision == 0
        self.described = {name: ROW_FIELDS[f"{self.layout.rows}.{name}"] for name in (*self.layout.common, *self.layout.own)}
        self.options = code_options(self.described.values())
        texts = {kind: {line.cells.get(name, "") for line in lines for name in self._of_kind(kind)} - {""} for kind in ("unit", "rank")}
        self.labels = {**unit_labels(text for text in texts["unit"] if len(text) == 36), **rank_labels(texts["rank"])}

    def person(self, line: Line, refused: Sequence[Remark]) -> Person:
        remarks = [(column_of_remark(self.kind, one), one) for one in line.remarks]
        inputs = [
            self.input(f"{line.profile.pk}.{name}", name, line.cells.get(name, ""), [one for column, one in remarks if column == name])
            for name in self.layout.own
        ]
        whole = [one for column, one in remarks if column not in (*self.layout.own, *self.layout.common)]
        return Person(line.profile, line.now, inputs, [*refused, *whole])

    def input(self, name: str, column: str, text: str, remarks: Sequence[Remark]) -> Input:
        described = self.described[column]
        items = self.options.get(described.code_list, {}) if described.kind == "code" else {}
        options = [(code, label) for code, (label, is_current) in items.items() if is_current or code == text]
        return Input(
            name=name,
            label=label.label if (label := column_of(f"{self.layout.rows}.{column}")) else described.label,
            kind=described.kind,
            text=text,
            before="",
            shown=self.labels.get(text, text) if described.kind in PICKED else text,
            required=column in REQUIRED[self.kind],
            code_list=described.code_list,
            options=options if len(options) <= LONG_LIST else (),
            # Before anything was typed all is missing: that is counted, and told beside the fields from the first save on.
            remarks=[one for one in remarks if not (self.untouched and one.code == "REQUIRED")],
        )

    def _of_kind(self, kind: str) -> list[str]:
        return [name for name in self.layout.own if self.described[name].kind == kind]
