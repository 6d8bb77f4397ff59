"""One form in one format."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from registry.choices import PaperForm, PaperFormat
from registry.paper.content import Content
from registry.paper.pdf import pdf_render
from registry.paper.template import template_of
from registry.paper.word import word_render

RENDERERS: Mapping[PaperFormat, Callable[..., bytes]] = {PaperFormat.PDF: pdf_render, PaperFormat.DOCX: word_render}


def form_render(*, form: PaperForm, format_: PaperFormat, content: Content) -> bytes:
    """The filled form. Raises TemplateBroken when its template cannot be rendered."""
    return RENDERERS[format_](template=template_of(form, format_), content=content)
