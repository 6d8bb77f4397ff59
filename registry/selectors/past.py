"""A file as of a day: what held then, what was known then, beside what holds and is known today, and who changed what since.

Two times that are often taken for one. *Valid on* a day are the facts whose period covers it. *As known on* a day is the version that
the ledger held at its end, in Viet Nam. Both together answer "what did we believe in March about January".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.utils.functional import Promise

from orgtree import clock
from orgtree.models import User
from registry.choices import Section
from registry.fields import BY_NAME, LIST_BY_NAME, SECTION_FIELDS, SECTION_LISTS, label_of
from registry.masking import CLASS_A, hidden
from registry.models import StaffProfile
from registry.selectors.holding import document_on
from registry.selectors.texts import KIND
from registry.targets import show_together
from workflows.documents import Document, canonical, parse
from workflows.models import ChangeRequest, RecordVersion
from workflows.selectors.history import approvers, record_versions
from workflows.selectors.requests import request_list


@dataclass(frozen=True)
class Author:
    """Who changed something: one version of the file. `request` is None where the reader may not open it."""

    version: int
    recorded_at: datetime
    who: str
    approved_by: str
    title: str
    request: ChangeRequest | None


@dataclass(frozen=True)
class Line:
    """One field or list then and today. `then` and `now` are texts, one a row; `only_then` and `only_now` those of one side.

    A masked line tells only whether something differs. `changes` are the versions, newest first, that changed it after the day known.
    """

    name: str
    label: str
    then: Sequence[str]
    now: Sequence[str]
    differs: bool
    is_masked: bool
    only_then: frozenset[str] = frozenset()
    only_now: frozenset[str] = frozenset()
    changes: Sequence[Author] = field(default=())


@dataclass(frozen=True)
class PastSection:
    name: str
    title: str | Promise
    lines: Sequence[Line]

    @property
    def differing(self) -> int:
        return sum(line.differs for line in self.lines)


@dataclass(frozen=True)
class Past:
    """`version` is the one recorded then, None before the first. `on` is None when everything known is shown, whenever it held."""

    profile: StaffProfile
    on: date | None
    known: date
    version: Author | None
    latest: Author
    sections: Sequence[PastSection]
    later: Sequence[Author]

    @property
    def differing(self) -> int:
        return sum(section.differing for section in self.sections)


def profile_past(*, user: User, profile: StaffProfile, on: date | None, known: date) -> Past:
    """The file on that day beside the file today. The same number of queries however many versions there are."""
    versions = record_versions(kind=KIND, key=profile.pk)
    authors = _authors(user, versions)
    documents = {one.version: parse(bytes(one.document.body)) for one in versions}
    ends = datetime.combine(known + timedelta(days=1), time(), tzinfo=clock.ZONE)
    then = next((one.version for one in versions if one.recorded_at < ends), None)
    today = documents[profile.version]
    sides = (
        _held(documents[then], on) if then is not None else None,
        _held(today, clock.today() if on is not None else None),
    )
    since = [one.version for one in versions if then is not None and one.version > then]
    changed = {version: _changed(documents[version - 1], documents[version]) for version in since}
    return Past(
        profile=profile,
        on=on,
        known=known,
        version=authors[then] if then is not None else None,
        latest=authors[profile.version],
        sections=_sections(*sides, {name: [authors[version] for version in since if name in changed[version]] for name in _names()}),
        later=[authors[version] for version in since],
    )


def _held(document: Document, on: date | None) -> Document:
    return document if on is None else document_on(document, on)


def _names() -> list[str]:
    return [*(name for names in SECTION_FIELDS.values() for name in names), *LIST_BY_NAME]


def _changed(before: Document, after: Document) -> set[str]:
    return {name for name in _names() if before[name] != after[name]}


def _authors(user: User, versions: Sequence[RecordVersion]) -> dict[int, Author]:
    requests = {one.request_id for one in versions}
    visible: dict[UUID, ChangeRequest] = {one.pk: one for one in request_list(user=user).filter(pk__in=requests)}
    approved = approvers(list(requests))
    return {
        one.version: Author(
            one.version,
            one.recorded_at,
            one.request.author_name,
            approved.get(one.request_id, ""),
            one.request.title,
            visible.get(one.request_id),
        )
        for one in versions
    }


def _sections(then: Document | None, now: Document, changes: Mapping[str, Sequence[Author]]) -> list[PastSection]:
    texts = _Texts([document for document in (then, now) if document is not None])
    return [
        PastSection(
            section.value,
            section.label,
            [
                line
                for line in (_line(name, then, now, texts, changes[name]) for name in _in_section(section))
                if line.then or line.now or line.differs or line.changes
            ],
        )
        for section in Section
    ]


def _in_section(section: Section) -> list[str]:
    return [*(name for name in SECTION_FIELDS[section] if BY_NAME[name].kind != "picture"), *(one.name for one in SECTION_LISTS[section])]


def _line(name: str, then: Document | None, now: Document, texts: _Texts, changes: Sequence[Author]) -> Line:
    before, after = texts(name, then), texts(name, now)
    differs = then is not None and before != after
    if name in CLASS_A:
        return Line(name, label_of(name), [hidden(text) for text in before], [hidden(text) for text in after], differs, True, changes=changes)
    return Line(
        name, label_of(name), before, after, differs, False, frozenset(before) - frozenset(after), frozenset(after) - frozenset(before), changes
    )


class _Texts:
    """Readable text of everything in some documents, looked up together."""

    def __init__(self, documents: Sequence[Document]) -> None:
        wanted: dict[str, set[Any]] = {name: {document[name] for document in documents} for names in SECTION_FIELDS.values() for name in names}
        for one in LIST_BY_NAME.values():
            for column in one.columns:
                wanted[f"{one.name}.{column.name}"] = {row[column.name] for document in documents for row in document[one.name]}
        self._shown = show_together(wanted)

    def __call__(self, name: str, document: Document | None) -> list[str]:
        """The value as one text, or a text for each row, the latest first."""
        if document is None:
            return []
        if name not in LIST_BY_NAME:
            text = self._shown[name][document[name]]
            return [text] if text else []
        rows = sorted(document[name], key=lambda row: (str(row.get("valid_from") or row.get("year") or ""), canonical(row)), reverse=True)
        columns = [column.name for column in LIST_BY_NAME[name].columns]
        return [" · ".join(text for column in columns if (text := self._shown[f"{name}.{column}"][row[column]])) for row in rows]
