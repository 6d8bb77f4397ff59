"""DOCX by docxtpl: an ordinary Word file with marks in it, which an agency can edit in Word."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from docx.opc.exceptions import PackageNotFoundError
from docx.shared import Cm
from docxtpl import DocxTemplate, InlineImage
from jinja2 import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from lxml.etree import XMLSyntaxError

from registry.paper.content import Content
from registry.paper.errors import TemplateBroken
from registry.paper.template import uses_of

# What XML 1.0 has no way to write; a file holds none, but a value may come from an older installation.
_NOT_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")

# A template is a program of somebody else: what it does wrong can be any of these.
THEIR_ERRORS = (
    *(TemplateError, XMLSyntaxError, PackageNotFoundError, BadZipFile, OSError),
    *(LookupError, ValueError, TypeError, AttributeError, ArithmeticError, RecursionError),
)


def word_render(*, template: Path, content: Content) -> bytes:
    """Raises TemplateBroken naming file and cause. A template is Jinja in a sandbox; values are escaped."""
    try:
        document = DocxTemplate(str(template))
        document.init_docx()
        values = content.to_fill(uses_of(document.patch_xml(document.get_xml())))
        picture = InlineImage(document, io.BytesIO(content.photo), width=Cm(3.7), height=Cm(5.6)) if content.photo else ""
        document.render(_clean(values) | {"photo": picture}, ImmutableSandboxedEnvironment(autoescape=True), autoescape=True)
        file = io.BytesIO()
        document.save(file)
    except THEIR_ERRORS as error:
        raise TemplateBroken(template.name, f"{type(error).__name__}: {error}"[:600]) from error
    return file.getvalue()


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return _NOT_XML.sub("", value)
    if isinstance(value, dict):
        return {name: _clean(one) for name, one in value.items()}
    return [_clean(one) for one in value] if isinstance(value, list | tuple) else value
