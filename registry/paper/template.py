"""Finding the template of a printed form, and what it uses.

An agency's own template stands in `PAPER_DIRECTORY` under the name of ours and is taken instead. What a template uses is read from
its text: `f.name` a field, `x.name` what is derived, `t.name` a list, and after it `r.column` its columns up to the next list.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from registry.choices import PaperForm, PaperFormat

OWN = Path(__file__).parent / "forms"
_LIST = re.compile(r"\bt\.([a-z0-9_]+)")


SUFFIX: Mapping[PaperFormat, str] = {PaperFormat.PDF: ".typ", PaperFormat.DOCX: ".docx"}


@dataclass(frozen=True)
class Uses:
    """Names in a template: fields, what is derived, and by list the columns of its rows."""

    fields: frozenset[str]
    derived: frozenset[str]
    columns: Mapping[str, frozenset[str]]


def template_of(form: PaperForm, format_: PaperFormat) -> Path:
    """The agency's own template where there is one, else ours."""
    name = form.value + SUFFIX[format_]
    own = settings.PAPER_DIRECTORY / name if settings.PAPER_DIRECTORY else None
    return own if own is not None and own.is_file() else OWN / name


def uses_of(source: str) -> Uses:
    """What a template's text names."""
    parts = _LIST.split(source)
    columns: dict[str, frozenset[str]] = {}
    for name, text in zip(parts[1::2], parts[2::2], strict=True):
        columns[name] = columns.get(name, frozenset()) | _named("r", text)
    return Uses(_named("f", source), _named("x", source), columns)


def _named(letter: str, text: str) -> frozenset[str]:
    return frozenset(re.findall(rf"\b{letter}\.([a-z0-9_]+)", text))
