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
from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

OWN = Path(__file__).parent / "forms"
_LIST = re.compile(r"\bt\.([a-z0-9_]+)")


class Form(TextChoices):
    """The forms that are printed; the value is the name of the file."""

    CV_2023 = "so-yeu-ly-lich-06-2023", _("Curriculum vitae (Circular 06/2023/TT-BNV)")
    CV_2008 = "2c-bnv-2008", _("Curriculum vitae 2C-BNV/2008")


class Format(TextChoices):
    PDF = "pdf", "PDF"
    DOCX = "docx", "Word (DOCX)"


SUFFIX: Mapping[Format, str] = {Format.PDF: ".typ", Format.DOCX: ".docx"}


@dataclass(frozen=True)
class Uses:
    """Names in a template: fields, what is derived, and by list the columns of its rows."""

    fields: frozenset[str]
    derived: frozenset[str]
    columns: Mapping[str, frozenset[str]]


def template_of(form: Form, format_: Format) -> Path:
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
