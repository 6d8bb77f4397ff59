"""One person's file as a page shows it: values in words, class-A values masked, and every version with who approved it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from orgtree import scope
from orgtree.choices import Action
from orgtree.models import User
from registry.choices import Sensitivity
from registry.fields import BY_NAME, label_of
from registry.models import StaffProfile
from registry.selectors.staff import masked
from workflows.documents import Document, parse
from workflows.models import ChangeRequest, RecordVersion
from workflows.selectors.differences import FieldChange, document_changes
from workflows.selectors.history import approvers, record_versions
from workflows.selectors.requests import request_list
from workflows.targets import target

KIND = "staff_profile"
CLASS_A = frozenset(field.name for field in BY_NAME.values() if field.sensitivity == Sensitivity.A)

# Items of the form in Circular 06/2023/TT-BNV, in the groups in which a reader looks for them.
SECTIONS: Sequence[tuple[str | Promise, Sequence[str]]] = (
    (
        _("Personal details"),
        (
            *("birth_name", "gender", "birth_date", "citizen_id", "citizen_id_date", "ethnicity", "religion", "phone"),
            *("birth_place", "birth_place_area", "home_town", "home_town_area", "current_address", "current_address_area"),
        ),
    ),
    (
        _("Recruitment and work"),
        (
            *("managing_agency", "using_unit", "staff_number", "personnel_type", "first_recruit_date", "recruiting_agency"),
            *("current_agency_date", "party_join_date", "general_education"),
        ),
    ),
    (_("Rank and salary"), ("rank_code", "rank_date", "step", "coefficient", "step_date", "percent")),
)


@dataclass(frozen=True)
class Fact:
    """One value: its label, its text ("" when nothing is known), and whether it is shown masked."""

    name: str
    label: str
    text: str
    is_masked: bool = False


@dataclass(frozen=True)
class Section:
    title: str | Promise
    facts: Sequence[Fact]


@dataclass(frozen=True)
class PostingLine:
    title: str
    unit: str
    since: str
    until: str


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


@dataclass(frozen=True)
class ProfileView:
    profile: StaffProfile
    document: Document
    sections: Sequence[Section]
    postings: Sequence[PostingLine]
    versions: Sequence[VersionLine]


def profile_get(*, user: User, key: UUID, action: Action = Action.VIEW) -> StaffProfile:
    """Raises StaffProfile.DoesNotExist for a file outside the units where `user` may do `action`."""
    return scope.scoped(StaffProfile.objects.select_related("using_unit", "managing_agency"), user, action, "using_unit").get(pk=key)


def profile_view(*, user: User, profile: StaffProfile) -> ProfileView:
    """Everything the page of one person shows. The values are those of the ledger's document of the present version."""
    versions = record_versions(kind=KIND, key=profile.pk)
    documents = {one.version: parse(bytes(one.document.body)) for one in versions}
    document = documents[profile.version]
    return ProfileView(profile, document, _sections(document), _postings(document), _version_lines(user, versions, documents))


def _sections(document: Document) -> list[Section]:
    texts = {name: _text(name, document[name]) for _title, names in SECTIONS for name in names}
    return [Section(title, [Fact(name, label_of(name), texts[name], name in CLASS_A) for name in names]) for title, names in SECTIONS]


def _text(name: str, value: Any) -> str:
    if value is None:
        return ""
    return masked(str(value)) if name in CLASS_A else target(KIND).show(name, [value])[value]


def _postings(document: Document) -> list[PostingLine]:
    rows = sorted(document["postings"], key=lambda row: row["valid_from"], reverse=True)
    units = target(KIND).show("postings.unit", {row["unit"] for row in rows})
    days = target(KIND).show("postings.valid_from", {day for row in rows for day in (row["valid_from"], row["valid_to"])})
    return [PostingLine(row["title"], units[row["unit"]] or row["unit_name"] or "", days[row["valid_from"]], days[row["valid_to"]]) for row in rows]


def _version_lines(user: User, versions: Sequence[RecordVersion], documents: Mapping[int, Document]) -> list[VersionLine]:
    requests = {one.request_id for one in versions}
    visible = {one.pk: one for one in request_list(user=user).filter(pk__in=requests)}
    approved = approvers(list(requests))
    return [
        VersionLine(
            number=one.version,
            recorded_at=one.recorded_at,
            author=one.request.author.display_name if one.request.author else one.request.system,
            approved_by=approved.get(one.request_id, ""),
            request_title=one.request.title,
            request=visible.get(one.request_id),
            changes=_masked_changes(documents.get(one.version - 1), documents[one.version]),
        )
        for one in versions
    ]


def _masked_changes(before: Document | None, after: Document) -> list[FieldChange]:
    """What a version changed; nothing for the first one, whose content is simply what the file began with."""
    if before is None:
        return []
    return [
        replace(one, before=[masked(text) for text in one.before], after=[masked(text) for text in one.after]) if one.name in CLASS_A else one
        for one in document_changes(KIND, before, after)
    ]
