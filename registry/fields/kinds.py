"""What the catalogue says of one field, and of one list of rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from django.utils.functional import Promise

from registry.choices import Editor, Section, Sensitivity
from workflows.choices import RiskClass

Kind = Literal[
    "text", "name", "date", "month", "code", "rank", "unit", "area", "int", "number", "decimal", "citizen_number", "old_card", "phone", "picture"
]
POSTING_TITLE, POSTING_FROM = "posting.title", "posting.valid_from"
POSTING_DECISION = ("posting.decision_number", "posting.decision_date")
SALARY_DECISION = ("salary.decision_number", "salary.decision_date")  # of the step that is held now
FORMER_NUMBER = "former.number"  # of an old identity card: a record of its own, beside the file


@dataclass(frozen=True, kw_only=True)
class ProfileField:
    """One field. `required` is what our own acceptance asks for when a file is made, and what tables and signed documents cannot be without.
    `at_sync` is what is to be there beside that when the file goes to the national database; `unless` names a field that stands in for it.
    The official flags of the 194 fields are not published: what an administrator has set otherwise stands in `FieldDemand`.

    `risk` says how much a wrong change of it can harm, and so which route a change takes; `editor` who may propose the change.
    A field without headings is not a column of a workbook.
    """

    name: str
    item: str
    section: Section
    label: str | Promise
    headings: tuple[str, ...]
    kind: Kind = "text"
    code_list: str = ""
    sensitivity: Sensitivity = Sensitivity.C
    risk: RiskClass = RiskClass.A
    editor: Editor = Editor.AGENCY
    required: bool = False
    at_sync: bool = False
    unless: str = ""
    example: str = ""

    @property
    def heading(self) -> str:
        """The column heading of the template."""
        return self.headings[0]

    @property
    def is_beside(self) -> bool:
        """Not a key of the document: its cells go into a row of it (the open posting, the step held now), or into a record beside it (an old
        identity card)."""
        return "." in self.name


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of a list of rows. A "month" is written mm/yyyy and kept as its first day."""

    name: str
    label: str | Promise
    kind: Kind = "text"
    code_list: str = ""
    required: bool = False
    is_end: bool = False  # of a period: the last day or month is shown and written, the first day after it is kept


@dataclass(frozen=True, kw_only=True)
class ProfileList:
    """One list of rows: `columns` are those of the document, in the order in which the form has them."""

    name: str
    item: str
    section: Section
    label: str | Promise
    columns: tuple[Column, ...]
    sensitivity: Sensitivity = Sensitivity.C
    risk: RiskClass = RiskClass.A
    editor: Editor = Editor.AGENCY
    at_sync: bool = False  # at least one row is to be there when the file goes to the national database


def field(name: str, item: str, section: Section, label: str | Promise, headings: str = "", /, **more: Any) -> ProfileField:
    """A line of the catalogue; `headings` are separated by |, the first is the template's."""
    names = tuple(part.strip() for part in headings.split("|") if part.strip())
    return ProfileField(name=name, item=item, section=section, label=label, headings=names, **more)
