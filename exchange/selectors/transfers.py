"""Transfers as the hub tells them: to the agencies, page by page, and to the people who watch over them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Literal, cast
from uuid import UUID

from django.db.models import Q, QuerySet

from exchange.choices import TRANSFER_OPEN
from exchange.hub_contract import PAGE, Agencies, AgencyName, StateName, Transfers, TransferStatus
from exchange.models import Agency, TransferCase
from orgtree import clock
from workflows.documents import Document, parse

SHOWN_AFTER_END = timedelta(days=60)


def agencies_known() -> Agencies:
    return Agencies(
        agencies=[AgencyName(code=code, name=name) for code, name in Agency.objects.filter(active=True).order_by("code").values_list("code", "name")]
    )


def transfers_page(*, agency: Agency, side: Literal["in", "out"], after: UUID | None, limit: int = PAGE) -> Transfers:
    """At most `limit` transfers to the agency ("in") or from it ("out") with a number above `after`."""
    mine = Q(to_agency=agency) if side == "in" else Q(from_agency=agency)
    shown = Q(state__in=TRANSFER_OPEN) | Q(ended_at__gte=clock.now() - SHOWN_AFTER_END)
    cases = TransferCase.objects.filter(mine, shown).select_related("from_agency", "to_agency").order_by("pk")
    rows = list((cases.filter(pk__gt=after) if after else cases)[: limit + 1])
    return Transfers(transfers=[transfer_status(row) for row in rows[:limit]], next=rows[limit - 1].pk if len(rows) > limit else None)


def transfer_status(case: TransferCase) -> TransferStatus:
    """The case as both agencies see it."""
    release = release_of(case)
    return TransferStatus(
        transfer=case.pk,
        state=cast(StateName, case.state),
        person=case.key,
        person_name=release["person_name"],
        version=case.version,
        digest=bytes(case.digest).hex(),
        from_agency=case.from_agency.code,
        from_name=case.from_agency.name,
        to_agency=case.to_agency.code,
        to_name=case.to_agency.name,
        effective_on=date.fromisoformat(release["effective_on"]),
        decision_number=release["decision_number"],
        decision_date=date.fromisoformat(release["decision_date"]),
        note=release["note"] or "",
        offered_at=case.offered_at,
        due_on=case.due_on,
        expires_on=case.expires_on,
        late=is_late(case),
        taken_at=case.taken_at,
        ended_at=case.ended_at,
        reason=case.reason,
    )


def release_of(case: TransferCase) -> Document:
    """What the old agency signed."""
    return parse(bytes(case.document))


def is_late(case: TransferCase) -> bool:
    """Open after the last day on which it should have been taken over. Late is a state that one reports, not an end."""
    return case.state in TRANSFER_OPEN and case.due_on < clock.today()


def transfers_late() -> QuerySet[TransferCase]:
    return TransferCase.objects.filter(state__in=TRANSFER_OPEN, due_on__lt=clock.today())
