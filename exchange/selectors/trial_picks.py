"""Whom a trial should try: few people who together show what is special, so that what fails for many fails first for one.

One of each type of personnel, somebody in a commune that was merged, somebody seconded, the longest file, and the newest one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Count, Exists, Model, OuterRef, Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from exchange.contract import MAX_TRIAL, PROFILE_KIND
from orgtree import clock
from orgtree.models import Area
from registry.models import StaffProfile
from registry.models.career import Posting, Secondment
from workflows.choices import MARKS_HOLD
from workflows.models import Mark
from workflows.targets import target

MAX_TYPED = 20


@dataclass(frozen=True)
class Pick:
    """One person and what they stand for."""

    key: UUID
    name: str
    unit: str
    why: str | Promise


def trial_picks(*, limit: int = MAX_TRIAL) -> list[Pick]:
    """At most `limit` people, each for a reason of their own; the same as long as the files are the same."""
    picks: dict[UUID, Pick] = {}
    marked = Mark.objects.filter(kind=PROFILE_KIND, state__in=MARKS_HOLD).values("key")
    for why, people in _wanted():
        person = people.exclude(pk__in=list(picks)).exclude(pk__in=marked).order_by("pk").first()
        if person is not None and len(picks) < limit:
            picks[person.pk] = Pick(person.pk, person.birth_name, person.using_unit.name, why)
    return list(picks.values())


def people_named(*, people: Sequence[str], numbers: str) -> tuple[list[UUID], list[str]]:
    """Keys from a form: ticked keys, then staff numbers as somebody typed them; and the numbers that nobody has."""
    typed = list(dict.fromkeys(numbers.replace(",", " ").replace(";", " ").split()))[:MAX_TYPED]
    known = dict(StaffProfile.objects.filter(staff_number__in=typed).values_list("staff_number", "pk"))
    ticked = [key for text in people if (key := _uuid(text)) is not None]
    return list(dict.fromkeys([*ticked, *(known[one] for one in typed if one in known)])), [one for one in typed if one not in known]


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _wanted() -> Iterator[tuple[str | Promise, QuerySet[StaffProfile]]]:
    people = StaffProfile.objects.select_related("using_unit")
    yield _("Seconded to another place"), people.filter(_now(Secondment, clock.today()))
    yield _("In a commune or ward that was merged"), people.filter(using_unit__area__in=_merged())
    types = people.order_by("personnel_type").values_list("personnel_type", flat=True).distinct()
    names = target(PROFILE_KIND).show("personnel_type", types)
    for code in types:
        yield names.get(code, code), people.filter(personnel_type=code)
    yield _("The longest career on file"), people.filter(pk__in=_longest())
    yield _("A member of the Party"), people.filter(party_join_date__isnull=False)
    yield _("The oldest file"), people


def _now(model: type[Model], day: object) -> Exists:
    """Has a row of `model` that is valid on `day`."""
    rows = model._default_manager.filter(Q(valid_to=None) | Q(valid_to__gt=day), staff=OuterRef("pk"), valid_from__lte=day)
    return Exists(rows)


def _merged() -> QuerySet[Any, Any]:
    """Areas that took over the whole or parts of several former ones."""
    return Area.objects.annotate(former=Count("origins")).filter(former__gt=1).order_by().values("pk")


def _longest() -> list[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"select staff_id from {Posting._meta.db_table} group by staff_id order by count(*) desc, staff_id limit 1"  # noqa: S608 (a table's name)
        )
        return [key for (key,) in cursor.fetchall()]
