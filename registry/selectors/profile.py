"""One person's file as a page shows it: values in words, class-A values masked, and every version with who approved it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import F, OuterRef, Subquery
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from orgtree import scope
from orgtree.choices import Action
from orgtree.models import User
from registry.choices import Section
from registry.fields import BY_NAME, FORMER_NUMBER, LISTS, SECTION_FIELDS, SECTION_LISTS, ProfileList, label_of
from registry.masking import CLASS_A, hidden
from registry.models import Confirmation, FormerNumber, StaffProfile
from registry.selectors.demands import Completeness, completeness_of
from registry.selectors.leaving import leaving_of
from registry.targets import show, show_together
from workflows.documents import Document, parse
from workflows.models import ChangeRequest, RecordVersion
from workflows.selectors.differences import FieldChange, version_changes
from workflows.selectors.history import approvers, record_versions
from workflows.services.marks import is_withheld

KIND = "staff_profile"


@dataclass(frozen=True)
class Fact:
    """One value: its label, its text ("" when nothing is known), and whether it is shown masked."""

    name: str
    label: str
    text: str
    is_masked: bool = False


@dataclass(frozen=True)
class Table:
    """One list of rows: headings of the columns that hold anything, and the rows as texts, the latest first. Masked, it has no rows."""

    name: str
    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    count: int
    is_masked: bool = False


@dataclass(frozen=True)
class SectionView:
    """One of the ten sections."""

    name: str
    title: str | Promise
    facts: Sequence[Fact]
    tables: Sequence[Table]

    @property
    def filled_facts(self) -> list[Fact]:
        return [fact for fact in self.facts if fact.text]

    @property
    def filled_tables(self) -> list[Table]:
        return [table for table in self.tables if table.count]

    @property
    def is_empty(self) -> bool:
        return not self.filled_facts and not self.filled_tables

    @property
    def missing(self) -> list[str]:
        """Titles of what nobody has recorded yet, for one line instead of an empty box each."""
        return [*(fact.label for fact in self.facts if not fact.text), *(table.title for table in self.tables if not table.count)]


@dataclass(frozen=True)
class VersionLine:
    """One version in the history. `request` is None where the reader may not open it."""

    number: int
    recorded_at: datetime
    author: str
    approved_by: str
    request_title: str
    request: ChangeRequest | None
    changes: Sequence[FieldChange]
    revoked_by: int | None = None  # the number of the request that revoked the signature behind it
    revoked_at: datetime | None = None


@dataclass(frozen=True)
class ProfileView:
    profile: StaffProfile
    document: Document
    sections: Sequence[SectionView]
    post: str
    versions: Sequence[VersionLine]
    completeness: Completeness
    texts: Mapping[str, Mapping[Any, str]]  # by field or "list.column", the values of the document in words


def profile_get(*, user: User, key: UUID, action: Action = Action.VIEW) -> StaffProfile:
    """Raises StaffProfile.DoesNotExist for a file outside the units where `user` may do `action`.

    Beside the file's own columns it has `confirmed_at` and `confirmed_version`: when, and of which version, the person last said that
    nothing has changed, None where they never did; `is_withheld`, whether it or a part of it is marked "does not leave"; and `old_cards`,
    the numbers of the person's old identity cards that hold, the latest last.
    """
    said = Confirmation.objects.filter(staff=OuterRef("pk")).order_by("-confirmed_at")
    cards = FormerNumber.objects.filter(staff=OuterRef("pk"), withdrawn=None).order_by(F("issued_on").asc(nulls_first=True), "number")
    files = StaffProfile.objects.select_related("using_unit", "managing_agency").annotate(
        confirmed_at=Subquery(said.values("confirmed_at")[:1]),
        confirmed_version=Subquery(said.values("version")[:1]),
        is_withheld=is_withheld(kind=KIND),
        old_cards=ArraySubquery(cards.values("number")),
    )
    return scope.scoped(files, user, action, "using_unit").get(pk=key)


def profile_view(*, user: User, profile: StaffProfile) -> ProfileView:
    """Everything the page of one person shows. The values are those of the ledger's document of the present version."""
    versions = record_versions(kind=KIND, key=profile.pk)
    documents = {one.version: parse(bytes(one.document.body)) for one in versions}
    document = documents[profile.version]
    texts = _texts(document)
    lines = _version_lines(user, versions, documents)
    sections = _sections(document, texts, profile.old_cards)  # type: ignore[attr-defined]  # annotated by profile_get
    return ProfileView(profile, document, sections, _current_post(document), lines, completeness_of(document), texts)


def _texts(document: Document) -> Mapping[str, Mapping[Any, str]]:
    """Every value in words, looked up for all sections together."""
    wanted: dict[str, set[Any]] = {name: {document[name]} for names in SECTION_FIELDS.values() for name in names}
    wanted |= {f"{one.name}.{column.name}": {row[column.name] for row in document[one.name]} for one in LISTS for column in one.columns}
    return show_together(wanted)


def _sections(document: Document, texts: Mapping[str, Mapping[Any, str]], old_cards: Sequence[str]) -> list[SectionView]:
    return [
        SectionView(
            section.value,
            section.label,
            list(_facts(section, document, texts, old_cards)),
            [_table(one, document[one.name], texts) for one in SECTION_LISTS[section]],
        )
        for section in Section
    ]


def _facts(section: Section, document: Document, texts: Mapping[str, Mapping[Any, str]], old_cards: Sequence[str]) -> Iterator[Fact]:
    """The section's fields; old identity cards, which stand beside the document, follow the number of today. Who has none lacks nothing."""
    for name in SECTION_FIELDS[section]:
        if BY_NAME[name].kind != "picture":
            yield _fact(name, texts[name][document[name]])
        if name == "citizen_id_date" and old_cards:
            yield Fact(FORMER_NUMBER, label_of(FORMER_NUMBER), ", ".join(map(hidden, old_cards)), is_masked=True)


def _fact(name: str, text: str) -> Fact:
    return Fact(name, label_of(name), hidden(text), True) if name in CLASS_A else Fact(name, label_of(name), text)


def _table(one: ProfileList, rows: Sequence[Document], texts: Mapping[str, Mapping[Any, str]]) -> Table:
    if one.name in CLASS_A:
        return Table(one.name, label_of(one.name), (), (), len(rows), is_masked=True)
    filled = [column for column in one.columns if any(row[column.name] is not None for row in rows)]
    order = "valid_from" if any(column.name == "valid_from" for column in one.columns) else one.columns[0].name
    latest = sorted(rows, key=lambda row: str(row[order] or ""), reverse=True)
    lines = [[texts[f"{one.name}.{column.name}"][row[column.name]] for column in filled] for row in latest]
    return Table(one.name, label_of(one.name), [str(column.label) for column in filled], lines, len(rows))


def _current_post(document: Document) -> str:
    """The post held, or how the last one ended for who has left."""
    if (left := leaving_of(document)) is not None:
        by = show("postings.movement", [left.movement])[left.movement]
        return _("{movement} after {day} ({post})").format(movement=by, day=f"{left.last_day:%d/%m/%Y}", post=left.title)
    return next((row["title"] for row in document["postings"] if row["valid_to"] is None), "")


def _version_lines(user: User, versions: Sequence[RecordVersion], documents: Mapping[int, Document]) -> list[VersionLine]:
    requests = {one.request_id for one in versions}
    approved = approvers(list(requests))
    # Nothing for the first version, whose content is simply what the file began with.
    changes = version_changes(KIND, {number: (documents[number - 1], documents[number]) for number in documents if number - 1 in documents})
    return [
        VersionLine(
            number=one.version,
            recorded_at=one.recorded_at,
            author=one.request.author_name,
            approved_by=approved.get(one.request_id, ""),
            request_title=one.request.title,
            request=one.request if scope.can(user, Action.VIEW, one.request.unit) else None,  # applied, so no deputy's any longer
            changes=_masked(changes.get(one.version, ())),
            revoked_by=one.revoked_by,  # type: ignore[attr-defined]  # annotated by record_versions
            revoked_at=one.revoked_at,  # type: ignore[attr-defined]
        )
        for one in versions
    ]


def _masked(changes: Sequence[FieldChange]) -> list[FieldChange]:
    return [
        replace(one, before=[hidden(text) for text in one.before], after=[hidden(text) for text in one.after]) if one.name in CLASS_A else one
        for one in changes
    ]
