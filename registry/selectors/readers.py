"""Lines of the read log in words, and who has read one person's file.

The person's own page asks `readers_of` and includes `registry/parts/readers.html`; who may ask is that page's question.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from registry.choices import PaperForm
from registry.fields import label_of
from registry.selectors.texts import KIND
from workflows.choices import ReadAction, ReadReason
from workflows.models import ReadEvent
from workflows.selectors.trails import reads_of


@dataclass(frozen=True)
class ReadLine:
    """Who did what with the file, when, why; `unit` is where the file stood then."""

    at: datetime
    who: str
    action: str | Promise
    what: str
    reason: str
    unit: str
    address: str


def readers_of(*, key: UUID, limit: int = 100) -> Sequence[ReadLine]:
    """The latest readings of one person's file, newest first. One query."""
    return [read_line(one) for one in reads_of(kind=KIND, key=key)[:limit]]


def read_line(one: ReadEvent) -> ReadLine:
    """One line of the log, its actor and unit fetched before."""
    reason = " – ".join(text for text in (str(ReadReason(one.reason).label) if one.reason else "", one.note) if text)
    unit = one.unit.name if one.unit else ""
    return ReadLine(one.at, one.actor.display_name, ReadAction(one.action).label, what_read(one), reason, unit, one.address or "")


def what_read(one: ReadEvent) -> str:
    """Which part of the file, in words."""
    if one.action == ReadAction.REVEAL:
        return label_of(one.what)
    form, _dot, rest = one.what.partition(".")
    if one.action == ReadAction.PRINT and form in PaperForm.values:
        format_, _space, whole = rest.partition(" ")
        return ", ".join([str(PaperForm(form).label), format_.upper(), *([_("with masked information")] if whole else [])])
    words = {"edit": _("Editing"), "past": _("As of another day"), "marks": _("Does not leave"), "former": _("Old identity cards")}
    return words.get(one.what, one.what)
