"""People whom two agencies claim: as each agency hears of it, and side by side for those who decide at the hub."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import cast
from uuid import UUID

from django.db.models import Q, QuerySet

from exchange.choices import ClaimState
from exchange.hub_contract import PAGE, Claim, ClaimAnswerName, ClaimMatchName, ClaimOutcomeName, Claims, ClaimStateName
from exchange.models import Agency, DoubleClaim, DoubleClaimStep
from orgtree import clock
from registry.fields import label_of
from registry.masking import CLASS_A, hidden
from registry.models import StaffProfile
from registry.selectors.texts import document_get, document_texts
from workflows.documents import Document, parse

SHOWN_AFTER_END = timedelta(days=60)
COMPARED = (
    "birth_name", "other_name", "citizen_id", "birth_date", "gender", "birth_place", "home_town", "ethnicity", "using_unit", "staff_number",
    "first_recruit_date", "position",
)  # fmt: skip


@dataclass(frozen=True)
class Pair:
    """One field of both files in words, class-A values masked; `same` compares what lies beneath the mask."""

    label: str
    one: str
    two: str
    same: bool


def claims_of(agency: Agency) -> QuerySet[DoubleClaim]:
    """The cases of which `agency` was told: its own, once the hub has asked."""
    mine = DoubleClaim.objects.filter(Q(agency_one=agency) | Q(agency_two=agency)).exclude(state=ClaimState.OPEN)
    return mine.select_related("agency_one", "agency_two", "keeps")


def claims_page(*, agency: Agency, after: UUID | None, limit: int = PAGE) -> Claims:
    """At most `limit` cases that are not closed, or were in the last 60 days, with a number above `after`."""
    asked = Q(state__in=[ClaimState.ASKED, ClaimState.DECIDED]) | Q(closed_at__gte=clock.now() - SHOWN_AFTER_END, due_on__isnull=False)
    cases = claims_of(agency).filter(asked).order_by("pk")
    rows = list((cases.filter(pk__gt=after) if after else cases)[: limit + 1])
    said = answers_of([row.pk for row in rows[:limit]])
    told = [claim_status(row, agency, said.get(row.pk, {})) for row in rows[:limit]]
    return Claims(claims=told, next=rows[limit - 1].pk if len(rows) > limit else None)


def claim_status(claim: DoubleClaim, agency: Agency, said: Mapping[int, DoubleClaimStep] | None = None) -> Claim:
    """The case as one of the two agencies sees it: its own file, and whose the other one is."""
    first = claim.agency_one_id == agency.pk
    other = claim.agency_two if first else claim.agency_one
    answer = (last_answers(claim) if said is None else said).get(agency.pk)
    return Claim(
        claim=claim.pk,
        match=cast(ClaimMatchName, claim.match),
        person=claim.key_one if first else claim.key_two,
        other_agency=other.code,
        other_name=other.name,
        state=cast(ClaimStateName, claim.state),
        due_on=claim.due_on,
        late=is_late(claim),
        answer=cast(ClaimAnswerName, answer.answer) if answer else "",
        outcome=cast(ClaimOutcomeName, claim.outcome),
        keeps=claim.keeps.code if claim.keeps else None,
        reason=claim.reason,
    )


def last_answers(claim: DoubleClaim) -> dict[int, DoubleClaimStep]:
    """What each agency said last, by its key."""
    return answers_of([claim.pk]).get(claim.pk, {})


def answers_of(numbers: Sequence[UUID]) -> dict[UUID, dict[int, DoubleClaimStep]]:
    """By case, what each agency said last since the case was put to them."""
    found: dict[UUID, dict[int, DoubleClaimStep]] = {}
    for step in DoubleClaimStep.objects.filter(claim__in=numbers).order_by("pk"):
        if step.state == ClaimState.OPEN:
            found[step.claim_id] = {}
        elif step.agency_id is not None and step.answer:
            found.setdefault(step.claim_id, {})[step.agency_id] = step
    return found


def is_late(claim: DoubleClaim) -> bool:
    return claim.state in (ClaimState.ASKED, ClaimState.DECIDED) and claim.due_on is not None and claim.due_on < clock.today()


def claims_listed(show: str) -> QuerySet[DoubleClaim]:
    """For the hub's queue: `open` (the nearest day first, then what nobody was asked about), `late`, or `closed`."""
    claims = DoubleClaim.objects.select_related("agency_one", "agency_two", "keeps")
    if show == "closed":
        return claims.filter(state=ClaimState.CLOSED).order_by("-closed_at")
    waiting = claims.exclude(state=ClaimState.CLOSED)
    if show == "late":
        return waiting.filter(due_on__lt=clock.today()).order_by("due_on", "found_at")
    return waiting.order_by("due_on", "found_at", "pk")


def files_of(claim: DoubleClaim) -> dict[UUID, StaffProfile]:
    """The files of the case that the hub holds: both, or the first."""
    return StaffProfile.objects.in_bulk([claim.key_one, claim.key_two])


def side_by_side(claim: DoubleClaim, files: Mapping[UUID, StaffProfile]) -> list[Pair]:
    """What both files say of who the person is, as the hub holds it or as it was refused."""
    one: Document = document_get(profile=files[claim.key_one])
    two: Document = document_get(profile=files[claim.key_two]) if claim.refused is None else parse(bytes(claim.refused.document))
    shown = (document_texts(one).fields, document_texts(two).fields)
    pairs = []
    for name in COMPARED:
        if name in one:
            texts = [hidden(text[name]) if name in CLASS_A else text[name] for text in shown]
            pairs.append(Pair(label_of(name), texts[0], texts[1], one[name] == two[name]))
    return pairs


def names_of(claims: Sequence[DoubleClaim]) -> dict[UUID, str]:
    """The name on the file that the hub holds, by its key."""
    return dict(StaffProfile.objects.filter(pk__in=[one.key_one for one in claims]).values_list("pk", "birth_name"))
