"""A person's own file as they read it: nothing masked, and nobody else's."""

from __future__ import annotations

from django.db.models import QuerySet

from orgtree.models import User
from registry.choices import Section
from registry.fields import BY_NAME, FORMER_NUMBER, SECTION_FIELDS, SECTION_LISTS, label_of
from registry.models import Confirmation, StaffProfile
from registry.selectors.former_numbers import former_numbers
from registry.selectors.profile import Fact, SectionView, Table
from registry.selectors.standing import rows_table
from registry.selectors.texts import KIND, DocumentTexts
from workflows.choices import RequestState
from workflows.documents import Document
from workflows.models import ChangeItem, ChangeRequest


def is_own_file(*, user: User, profile: StaffProfile) -> bool:
    """Whether the file is the user's: the personal number of their account is the one on file."""
    return bool(user.personal_number) and user.personal_number == profile.citizen_id


def own_sections(document: Document, texts: DocumentTexts, *, profile: StaffProfile) -> list[SectionView]:
    """All ten sections in the clear; old identity cards, which stand beside the document, below who somebody is."""
    cards = [Fact(FORMER_NUMBER, label_of(FORMER_NUMBER), one.number) for one in former_numbers(profile) if not one.withdrawn]
    return [
        SectionView(
            section.value,
            section.label,
            [
                *(Fact(name, label_of(name), texts.fields[name]) for name in SECTION_FIELDS[section] if BY_NAME[name].kind != "picture"),
                *(cards if section == Section.IDENTITY else ()),
            ],
            [Table(one.name, label_of(one.name), *rows_table(one, document, texts), len(document[one.name])) for one in SECTION_LISTS[section]],
        )
        for section in Section
    ]


def own_requests(*, user: User, profile: StaffProfile) -> QuerySet[ChangeRequest]:
    """What the user has declared about their own file, newest first: requests that hold nothing but this file, written by them."""
    items = ChangeItem.objects.filter(kind=KIND, key=profile.pk).values("request")
    return ChangeRequest.objects.filter(pk__in=items, author=user, count=1).select_related("unit", "author").order_by("-number")


def own_request_open(*, user: User, profile: StaffProfile) -> ChangeRequest | None:
    return own_requests(user=user, profile=profile).filter(state=RequestState.IN_REVIEW).first()


def last_confirmation(*, profile: StaffProfile) -> Confirmation | None:
    """When the person last said that nothing has changed."""
    return Confirmation.objects.filter(staff=profile).order_by("-confirmed_at").first()
