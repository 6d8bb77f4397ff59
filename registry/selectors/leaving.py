"""Who has left, how and when: the last post ended by a movement out of the service, or the person passed to another agency.

In a document, as columns of a list, and as conditions: what counts or asks for work is about who is still here (`in_service`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from orgtree import clock
from registry.choices import LEAVING, CodeList
from registry.models import CodeItem, Posting
from workflows.documents import Document
from workflows.models import Hold


@dataclass(frozen=True)
class Leaving:
    """`movement` is a code of the list `movement_type`; `last_day` the last one in the post."""

    movement: str
    title: str
    last_day: date


def leaving_of(document: Document) -> Leaving | None:
    """How the person of this document left; None while a post is open, or where the last one ended otherwise."""
    posts = document["postings"]
    if not posts or any(row["valid_to"] is None for row in posts):
        return None
    last = max(posts, key=lambda row: row["valid_to"])
    if last["movement"] not in LEAVING:
        return None
    return Leaving(last["movement"], last["title"], date.fromisoformat(last["valid_to"]) - timedelta(days=1))


def with_leaving(files: QuerySet[Any]) -> QuerySet[Any]:
    """Annotates `left_by`, the movement's name in Vietnamese, and `left_on`, the first day out of the service; null for all others."""
    posts = Posting.objects.filter(staff=OuterRef("pk"))
    ended = posts.filter(~Exists(Posting.objects.filter(staff=OuterRef("staff"), valid_to=None))).order_by("-valid_to")
    left = ended.filter(~Exists(Posting.objects.filter(staff=OuterRef("staff"), valid_to__gt=OuterRef("valid_to"))), movement__in=LEAVING)
    names = CodeItem.objects.filter(list=CodeList.MOVEMENT_TYPE, code=OuterRef("movement")).values("name_vi")[:1]
    return files.annotate(left_by=Subquery(left.annotate(name=Subquery(names)).values("name")[:1]), left_on=Subquery(left.values("valid_to")[:1]))


def passed_on(person: str = "pk") -> Exists:
    """Whoever has passed to another agency: the file stays to be read, but is no longer among this agency's own. `person` is the file's key."""
    return Exists(Hold.objects.filter(kind="staff_profile", key=OuterRef(person), final=True))


def left_service(person: str = "pk") -> Exists:
    """Whoever has left the service by today: who retires next month is still here."""
    after = Posting.objects.filter(Q(valid_to=None) | Q(valid_to__gt=OuterRef("valid_to")), staff=OuterRef("staff"))
    return Exists(Posting.objects.filter(~Exists(after), staff=OuterRef(person), movement__in=LEAVING, valid_to__lte=clock.today()))


def in_service(rows: QuerySet[Any], person: str = "pk") -> QuerySet[Any]:
    """Those rows whose people are here and serve: neither passed to another agency nor out of the service."""
    return rows.exclude(passed_on(person)).exclude(left_service(person))
