"""PDF by typst: a compiler in a wheel, with no programs beside it. Values reach the template as data and are never read as markup."""

from __future__ import annotations

import json
from pathlib import Path

import typst
from django.conf import settings

from registry.paper.content import Content
from registry.paper.errors import TemplateBroken
from registry.paper.template import OWN, uses_of


def pdf_render(*, template: Path, content: Content) -> bytes:
    """Raises TemplateBroken naming file, line and cause. A template reads files of its own folder only."""
    try:
        source = template.read_text(encoding="utf-8")
        values = content.to_fill(uses_of(source)) | {"photo": list(content.photo)}
        data = json.dumps(values, ensure_ascii=False)
        made = typst.compile(str(template), root=str(template.parent), font_paths=_font_folders(), sys_inputs={"data": data}, format="pdf")
    except (OSError, UnicodeDecodeError) as error:
        raise TemplateBroken(template.name, str(error)) from error
    except typst.TypstError as error:
        raise TemplateBroken(template.name, f"{error.message} {error.diagnostic}".strip()[:600]) from error
    assert isinstance(made, bytes)
    return made


def picture_is_sound(body: bytes) -> bool:
    """Whether the compiler can put the picture on paper: what is cut off or only looks like a picture cannot be printed later."""
    try:
        typst.compile(b'#image(bytes(json(bytes(sys.inputs.at("data")))))', sys_inputs={"data": json.dumps(list(body))}, format="pdf")
    except typst.TypstError:
        return False
    return True


def _font_folders() -> list[str | Path | bytes]:
    """Folders with fonts beside those of the machine and those inside the compiler."""
    folders = [settings.PAPER_DIRECTORY / "fonts"] if settings.PAPER_DIRECTORY else []
    return [str(folder) for folder in [*folders, OWN / "fonts"] if folder.is_dir()]
