"""The field catalogue: one line a field of `staff_profile/1`, the one source for forms, template, import, export and messages.

A line says how the field is called on the screen, in which of the ten sections it stands (Decree 27/2026/NĐ-CP), which item of the
form it is (Circular 06/2023/TT-BNV), which headings of a workbook it answers to, what its cells hold, and how carefully it is shown.
`posting.*`, `salary.*` and `former.number` are columns of a workbook that stand beside the document (`is_beside`): the open posting of the
person, which maps into `postings[]`, the decision on the step held now, which maps into `salary_history[]`, and the number of an old
identity card, a record of its own (`former_number/1`).

Not here: the document's types (schema), what a cell may hold in detail (cleaning), what is judged wrong (rules).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from orgtree.text import plain
from registry.choices import Section
from registry.fields.core import FORM
from registry.fields.kinds import (
    FORMER_NUMBER,
    POSTING_DECISION,
    POSTING_FROM,
    POSTING_TITLE,
    SALARY_DECISION,
    Column,
    Kind,
    ProfileField,
    ProfileList,
)
from registry.fields.lists import LISTS
from registry.fields.more import MORE
from workflows.choices import RiskClass

__all__ = [
    "BY_NAME",
    "FIELDS",
    "FORMER_NUMBER",
    "LISTS",
    "LIST_BY_NAME",
    "POSTING_DECISION",
    "POSTING_FROM",
    "POSTING_TITLE",
    "SALARY_DECISION",
    "SECTION_FIELDS",
    "SECTION_LISTS",
    "Column",
    "Kind",
    "ProfileField",
    "ProfileList",
    "column_of",
    "field_of_heading",
    "heading_key",
    "label_of",
    "risk_of_field",
]

BY_NAME: Mapping[str, ProfileField] = {one.name: one for one in (*FORM, *MORE)}
FIELDS: tuple[ProfileField, ...] = tuple(one for one in BY_NAME.values() if one.headings)  # the columns of a workbook
LIST_BY_NAME: Mapping[str, ProfileList] = {one.name: one for one in LISTS}
SECTION_FIELDS: Mapping[Section, tuple[str, ...]] = {
    section: tuple(one.name for one in BY_NAME.values() if one.section == section and not one.is_beside) for section in Section
}
SECTION_LISTS: Mapping[Section, tuple[ProfileList, ...]] = {section: tuple(one for one in LISTS if one.section == section) for section in Section}

_ITEM_NUMBER = re.compile(r"^\(?[0-9]{1,2}(\.[0-9]{1,2})?[a-z]?[.):]?\s+(?=\D)")
_PARENTHESES = re.compile(r"\([^()]*\)")
_INDEX = re.compile(r"\[[0-9]+\]")
_NOT_WORD = re.compile(r"[^a-z0-9]+")


@lru_cache(maxsize=4096)
def heading_key(text: str) -> str:
    """How headings are compared: without accents, case, punctuation and a leading item number ("8. Số CCCD:" is "so cccd")."""
    return " ".join(_NOT_WORD.sub(" ", _ITEM_NUMBER.sub("", plain(text).replace("%", " phan tram ")).strip()).split())


def _answers() -> dict[str, ProfileField]:
    answers: dict[str, ProfileField] = {}
    for field in FIELDS:
        for heading in (*field.headings, field.name):
            if (other := answers.setdefault(heading_key(heading), field)) is not field:
                raise ValueError(f"{heading!r} names both {other.name} and {field.name}")
    return answers


_ANSWERS = _answers()


def field_of_heading(text: str) -> ProfileField | None:
    """The field that a column heading names, with or without what stands in parentheses; None for an unknown heading."""
    return _ANSWERS.get(heading_key(text)) or _ANSWERS.get(heading_key(_PARENTHESES.sub(" ", text)))


def risk_of_field(name: str) -> RiskClass:
    """The class of a document key; a key that is not in the catalogue has the highest."""
    described = BY_NAME.get(name) or LIST_BY_NAME.get(name)
    return described.risk if described else RiskClass.A


def column_of(name: str) -> Column | None:
    """The column that "degrees.school" or "degrees[0].school" names; None for anything else."""
    rows, _dot, column = _INDEX.sub("", name).partition(".")
    return next((one for one in LIST_BY_NAME[rows].columns if one.name == column), None) if rows in LIST_BY_NAME else None


def label_of(name: str) -> str:
    """The label of a field in the reader's language; "postings", "postings[0].title" and "posting.title" are understood too."""
    if name in BY_NAME:
        return str(BY_NAME[name].label)
    rows, dot, column = _INDEX.sub("", name).partition(".")
    if rows not in LIST_BY_NAME:
        return name
    described = column_of(name)
    return f"{LIST_BY_NAME[rows].label}: {described.label if described else column}" if dot else str(LIST_BY_NAME[rows].label)
