"""What a printed form really shows: each form is rendered with a mark in place of every value, and the marks are looked for in the result."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping
from functools import cache
from typing import Final

from registry.choices import PaperForm, PaperFormat
from registry.fields import LISTS, SECTION_FIELDS
from registry.paper.content import Content
from registry.paper.render import form_render
from registry.selectors.texts import DocumentTexts

DERIVED: Final = (
    *("birth_name_upper", "birth_day", "birth_month", "birth_year", "record_id", "highest_degree", "current_post", "current_post_from"),
    *("rank_title", "rank_number", "political_theory", "state_management", "languages", "it", "commendation", "discipline"),
    *("post_allowances", "concurrent_allowances", "other_allowances", "version"),
)
_MARK = re.compile(r"⟦([a-z0-9_.]+)⟧")
REPEATED: Mapping[str, str] = {"birth_name_upper": "birth_name", "birth_year": "birth_date", "rank_title": "rank_code"}


def mark(name: str) -> str:
    return f"⟦{name}⟧"


def probe() -> Content:
    """A content whose every value is its own name, marked."""
    names = [name for names in SECTION_FIELDS.values() for name in names]
    rows = {one.name: [{column.name: mark(f"{one.name}.{column.name}") for column in one.columns}] for one in LISTS}
    return Content(DocumentTexts({name: mark(name) for name in names}, rows), {name: mark(name) for name in DERIVED})


def marks_in(text: str) -> frozenset[str]:
    """Names of the values in a text: fields, columns ("degrees.school"), lists of which all columns are there, and what is repeated."""
    found = set(_MARK.findall(text))
    lists = {one.name for one in LISTS if all(f"{one.name}.{column.name}" in found for column in one.columns)}
    return frozenset(found | lists | {REPEATED[name] for name in found if name in REPEATED})


@cache
def printed_names() -> Mapping[str, frozenset[str]]:
    """By form, the names found in the Word document; that the PDF holds the same is a test's business (it needs a reader of PDF)."""
    return {form.value: marks_in(word_text(form_render(form=form, format_=PaperFormat.DOCX, content=probe()))) for form in PaperForm}


def word_text(document: bytes) -> str:
    """The text of a DOCX, runs joined."""
    with zipfile.ZipFile(io.BytesIO(document)) as package:
        return re.sub(r"<[^>]+>", "", package.read("word/document.xml").decode("utf-8"))
