"""One section of a person's file as a form: its fields and its lists of rows, as far as an act may touch them.

It is not a Django form: what a text means is decided by `cleaning` and what is right by the gate's rules, on the server, on every save.
The form shows texts and takes texts. A masked value stands in the page only once its reader has asked for it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from orgtree import clock
from registry.choices import Section
from registry.cleaning import ROW_FIELDS
from registry.fields import BY_NAME, SECTION_FIELDS, SECTION_LISTS, ProfileField, ProfileList, label_of
from registry.masking import CLASS_A, hidden
from registry.models import CodeItem
from registry.rules.demands import demands
from registry.selectors.acts import cell_is_open, field_is_open, row_rights
from registry.selectors.drafts import GONE, base_texts, cell_may_be_written, section_of
from registry.selectors.judging import Remark
from registry.selectors.picking import area_labels, rank_labels, unit_labels
from workflows.choices import Act
from workflows.documents import Document

LONG_LIST = 25  # of more codes than these one is found by typing, not by scrolling
PICKED = ("area", "unit", "rank")
NUMERIC = ("date", "month", "citizen_number", "phone", "int", "number")


@dataclass
class Input:
    """One cell. `text` is what is kept, `shown` what stands in it where that differs; `options` are given for short code lists."""

    name: str
    label: str | Promise
    kind: str
    text: str
    before: str
    shown: str = ""
    required: bool = False
    placeholder: str = ""
    code_list: str = ""
    options: Sequence[tuple[str, str]] = ()
    remarks: Sequence[Remark] = ()

    @property
    def id(self) -> str:
        """Part of the ids in the page: without dots, which a selector would take for classes."""
        return self.name.replace(".", "-")

    @property
    def is_picked(self) -> bool:
        return self.kind in PICKED or (self.kind == "code" and not self.options)

    @property
    def pick(self) -> str:
        """What the picker asks for; the present address may lie in an area of today alone."""
        if self.kind == "code":
            return f"code-{self.code_list}"
        return "area-today" if self.name == "current_address_area" else self.kind

    @property
    def is_numeric(self) -> bool:
        return self.kind in NUMERIC

    @property
    def is_long(self) -> bool:
        return self.name.endswith(("description", "arrest_statement", "unit_comment"))

    @property
    def is_changed(self) -> bool:
        return self.text != self.before

    @property
    def is_wrong(self) -> bool:
        return any(one.is_error for one in self.remarks)


@dataclass
class Line:
    """One row of a list. A row that the act may not touch has no inputs and is only told."""

    id: str
    summary: str
    inputs: Sequence[Input] = ()
    is_gone: bool = False
    may_go: bool = False
    remarks: Sequence[Remark] = ()

    @property
    def is_new(self) -> bool:
        return self.id.startswith("n")

    @property
    def is_ending(self) -> bool:
        """A row of which only the end can be written: what is written ends it."""
        return bool(self.inputs) and not self.is_new and not self.may_go

    @property
    def is_changed(self) -> bool:
        return self.is_gone or any(one.is_changed for one in self.inputs)

    @property
    def is_open(self) -> bool:
        """Whether the row is unfolded when the page is shown."""
        return self.is_new or self.is_changed or any(one.remarks for one in self.inputs)


@dataclass
class Table:
    name: str
    label: str
    lines: Sequence[Line]
    may_add: bool
    is_masked: bool = False
    remarks: Sequence[Remark] = ()
    required: bool = False  # at least one row


@dataclass
class SectionForm:
    """`inputs` are the fields that the act may change, `told` (label, text) those that it may not. `masked` counts what is hidden."""

    section: Section
    inputs: Sequence[Input]
    told: Sequence[tuple[str | Promise, str]]
    tables: Sequence[Table]
    masked: Sequence[str] = field(default=())

    @property
    def is_empty(self) -> bool:
        return not self.inputs and not any(table.may_add or table.lines for table in self.tables)


def section_form(
    *, section: Section, base: Document, cells: Mapping[str, str], act: Act, revealed: bool, remarks: Sequence[Remark] = ()
) -> SectionForm:
    """The form with what was typed over what is on file."""
    return _Maker(section, base, cells, act, revealed, remarks).form()


def row_form(*, rows: ProfileList, row_id: str, base: Document, act: Act) -> Line:
    """A new, empty row."""
    maker = _Maker(rows.section, base, {}, act, revealed=True, remarks=())
    return maker.line(rows, row_id, {})


def read_cells(*, sent: Mapping[str, str], section: Section, base: Document, act: Act, revealed: bool, kept: Mapping[str, str]) -> dict[str, str]:
    """The cells of one section that differ from the file, out of what a browser sent. What the act may not write is not read.

    An empty text where a masked value was not shown means: as it was. Cells of new rows that the browser did not send stay as `kept`.
    """
    before = base_texts(base, [section])
    cells: dict[str, str] = {name: text for name, text in kept.items() if ".n" in name and section_of(name) == section}
    for name, text in ((name, text.strip()[:4000]) for name, text in sent.items()):
        if section_of(name) != section or not cell_may_be_written(name, act=act, base=base):
            continue
        if _is_masked(name, base, revealed) and not text:
            continue
        if text != before.get(name, ""):
            cells[name] = text
        else:
            cells.pop(name, None)
    return cells


def changes_of(cells: Iterable[str]) -> dict[Section, int]:
    """How many fields and rows of each section a draft changes."""
    found: dict[Section, set[str]] = defaultdict(set)
    for name in cells:
        section = section_of(name)
        if section is not None:
            found[section].add(name.rpartition(".")[0] or name)
    return {section: len(names) for section, names in found.items()}


def _is_masked(name: str, base: Document, revealed: bool) -> bool:
    first = name.partition(".")[0]
    return first in CLASS_A and not revealed and ".n" not in name and bool(base[first])


class _Maker:
    def __init__(self, section: Section, base: Document, cells: Mapping[str, str], act: Act, revealed: bool, remarks: Sequence[Remark]) -> None:
        self.section, self.base, self.cells, self.act, self.revealed = section, base, cells, act, revealed
        self.before = base_texts(base, [section])
        self.remarks: dict[str, list[Remark]] = defaultdict(list)
        for one in remarks:
            self.remarks[one.name].append(one)
        self.lists = SECTION_LISTS[section]
        cells = (ROW_FIELDS[f"{one.name}.{column.name}"] for one in self.lists for column in one.columns)
        self.options = code_options([*(BY_NAME[name] for name in SECTION_FIELDS[section]), *cells])
        self.labels = self._labels()
        self.asked = demands()

    def form(self) -> SectionForm:
        names = [name for name in SECTION_FIELDS[self.section] if BY_NAME[name].kind != "picture"]
        is_open = {name: field_is_open(name, act=self.act, base=self.base) for name in names}
        masked = [name for name in (*names, *(one.name for one in self.lists)) if _is_masked(name, self.base, self.revealed)]
        return SectionForm(
            section=self.section,
            inputs=[self.input(BY_NAME[name], name, BY_NAME[name].label) for name in names if is_open[name]],
            told=[(BY_NAME[name].label, self._told(name)) for name in names if not is_open[name] and self.base[name] is not None]
            if self.act != Act.OWN
            else [],
            tables=[table for one in self.lists if (table := self._table(one)).lines or table.may_add],
            masked=[name for name in masked if self.act != Act.OWN],
        )

    def input(self, described: ProfileField, name: str, label: str | Promise) -> Input:
        is_masked = _is_masked(name, self.base, self.revealed)
        before = "" if is_masked else self.before.get(name, "")
        text = self.cells.get(name, before)
        return Input(
            name=name,
            label=label,
            kind=described.kind,
            text=text,
            before=before,
            shown=self.labels.get((described.kind, described.code_list, text), text),
            required=(described.required or self.asked.has(name)) and not is_masked,
            placeholder=hidden(str(self.base[name])) if is_masked and name in self.base else "",
            code_list=described.code_list,
            options=self._choices(described, text),
            remarks=self.remarks[name],
        )

    def line(self, one: ProfileList, row_id: str, row: Mapping[str, Any]) -> Line:
        inputs = [
            self.input(ROW_FIELDS[f"{one.name}.{column.name}"], f"{one.name}.{row_id}.{column.name}", column.label)
            for column in one.columns
            if cell_is_open(one.name, row_id, column.name, act=self.act, base=self.base)
        ]
        gone = f"{one.name}.{row_id}.{GONE}"
        return Line(
            id=row_id,
            summary=self._summary(one, row_id) if row else "",
            inputs=inputs,
            is_gone=bool(self.cells.get(gone)),
            may_go=row_id.startswith("n") or cell_is_open(one.name, row_id, GONE, act=self.act, base=self.base),
            remarks=self.remarks[f"{one.name}.{row_id}"],
        )

    def _table(self, one: ProfileList) -> Table:
        rights = row_rights(one, act=self.act)
        is_masked = _is_masked(one.name, self.base, self.revealed)
        shown = not is_masked and not (self.act == Act.OWN and not rights.add)
        stored = [(str(place), row) for place, row in enumerate(self.base[one.name])] if shown else []
        latest = sorted(stored, key=lambda each: str(each[1].get("valid_from") or each[1].get("year") or ""), reverse=True)
        new = sorted({name.split(".")[1] for name in self.cells if name.startswith(f"{one.name}.n")}, key=lambda row: int(row[1:]))
        lines = [self.line(one, row_id, row) for row_id, row in latest] + [self.line(one, row_id, {}) for row_id in new]
        return Table(one.name, label_of(one.name), lines, rights.add, is_masked, self.remarks[one.name], self.asked.has(one.name))

    def _summary(self, one: ProfileList, row_id: str) -> str:
        parts: list[str] = []
        for column in one.columns:
            described, text = ROW_FIELDS[f"{one.name}.{column.name}"], self.before.get(f"{one.name}.{row_id}.{column.name}", "")
            parts.append(self.labels.get((described.kind, described.code_list, text), text))
        dates = " – ".join(part for part, column in zip(parts, one.columns, strict=True) if part and column.kind in ("date", "month"))
        rest = [part for part, column in zip(parts, one.columns, strict=True) if part and column.kind not in ("date", "month")]
        row = self.base[one.name][int(row_id)]
        if dates and row.get("valid_to", "") is None and any(column.name == "valid_to" and column.kind == "date" for column in one.columns):
            dates = _("since {day}").format(day=dates)
        return " · ".join([*([dates] if dates else []), *dict.fromkeys(rest)])

    def _told(self, name: str) -> str:
        if _is_masked(name, self.base, self.revealed):
            return hidden(str(self.base[name]))
        described, text = BY_NAME[name], self.before[name]
        return self.labels.get((described.kind, described.code_list, text), text)

    def _choices(self, described: ProfileField, text: str) -> Sequence[tuple[str, str]]:
        items = self.options.get(described.code_list, {}) if described.kind == "code" else {}
        today = [(code, name) for code, (name, is_current) in items.items() if is_current or code == text]
        return today if len(today) <= LONG_LIST else ()

    def _labels(self) -> dict[tuple[str, str, str], str]:
        """What is shown for keys and codes, by (kind, code list, text)."""
        texts: dict[str, set[str]] = defaultdict(set)
        for name, text in {**self.before, **self.cells}.items():
            first, _dot, rest = name.partition(".")
            described = BY_NAME.get(name) or ROW_FIELDS.get(f"{first}.{rest.partition('.')[2]}")
            if described is not None and described.kind in PICKED and text and section_of(name) == self.section:
                texts[described.kind].add(text)
        found: dict[tuple[str, str, str], str] = {}
        for kind, lookup in (("area", area_labels), ("unit", _units), ("rank", rank_labels)):
            if texts[kind]:
                found |= {(kind, "", key): label for key, label in lookup(texts[kind]).items()}
        for code_list, items in self.options.items():
            found |= {("code", code_list, code): name for code, (name, _is_current) in items.items()}
        return found


def _units(texts: Collection[str]) -> Mapping[str, str]:
    """What was typed instead of chosen is no key, and stays as it is."""
    return unit_labels(text for text in texts if len(text) == 36 and text.count("-") == 4)


def code_options(described: Iterable[ProfileField]) -> dict[str, dict[str, tuple[str, bool]]]:
    """By code list: name of each code, and whether it may be used today."""
    today = clock.today()
    found: dict[str, dict[str, tuple[str, bool]]] = defaultdict(dict)
    for item in CodeItem.objects.filter(list__in={one.code_list for one in described if one.code_list}).order_by("list", "sort", "code"):
        current = (item.valid_from is None or item.valid_from <= today) and (item.valid_to is None or item.valid_to > today)
        found[item.list][item.code] = (item.name, current)
    return found
