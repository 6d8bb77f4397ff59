"""At an agency: people whom another agency claims too. The hub asks, somebody here answers; the hub decides, and the facts close the case."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, cast
from uuid import UUID

from django.db import transaction

from exchange.choices import ClaimAnswer, ClaimState
from exchange.connectors import JSON, connect
from exchange.contract import PROFILE_KIND, encode
from exchange.hub_contract import Claim, Claims, ClaimSaid
from exchange.models import Channel, ClaimNotice
from exchange.selectors.arrivals import receives
from exchange.services.case_notices import claim_tell
from exchange.services.transfer_line import Connect, TransferLine, hub_channel, line_to
from orgtree.models import User
from workflows.choices import CaseMatter
from workflows.errors import NotAllowed
from workflows.services.audit import audit


def claims_hear(connector: Connect = connect) -> int:
    """Ask the hub which people another agency claims too; returns how many cases are new or have moved. Raises CallFailed."""
    if (channel := hub_channel()) is None:
        return 0
    with line_to(channel, connector) as line:
        told = list(_claims(line))
    return sum(_keep(channel, one) for one in told)


def claim_say(*, actor: User, notice: ClaimNotice, answer: ClaimAnswer, reason: str, connector: Connect = connect) -> ClaimNotice:
    """Tell the hub whose the person is. Raises NotAllowed, CallFailed: nothing is kept here that the hub did not take."""
    if not receives(actor):
        raise NotAllowed
    body = encode(ClaimSaid(answer=cast(Literal["ours", "theirs", "wrong", "different"], answer.value), reason=reason.strip()[:500]))
    with line_to(notice.channel, connector) as line:
        told = line.connector.call("POST", f"/claims/{notice.pk}/answer", Claim, content=body, headers=JSON)
    with transaction.atomic():
        _keep(notice.channel, told)
        audit(actor=actor, action="claim.answer_sent", kind=PROFILE_KIND, key=notice.person, claim=str(notice.pk), answer=answer.value)
    notice.refresh_from_db()
    return notice


def _claims(line: TransferLine) -> Iterator[Claim]:
    after: UUID | None = None
    while True:
        page = line.connector.call("GET", "/claims", Claims, params={"after": str(after)} if after else {})
        yield from page.claims
        if page.next is None:
            return
        after = page.next


def _keep(channel: Channel, told: Claim) -> bool:
    """Keep what the hub says of a case; whether the case is new or has moved."""
    values = {
        "channel": channel,
        "person": told.person,
        "match": told.match,
        "other_code": told.other_agency,
        "other_name": told.other_name[:250],
        "state": told.state,
        "answer": told.answer,
        "outcome": told.outcome,
        "keeps": told.keeps or "",
        "reason": told.reason,
        "due_on": told.due_on,
    }
    with transaction.atomic():
        before = ClaimNotice.objects.select_for_update().filter(pk=told.claim).values_list("state", flat=True).first()
        ClaimNotice.objects.update_or_create(pk=told.claim, defaults=values)
        moved = before != told.state
        if moved:
            audit(actor=None, action="claim.heard", kind=PROFILE_KIND, key=told.person, claim=str(told.claim), state=told.state)
            claim_tell(told.claim, CaseMatter(told.state))
    return moved


def claims_waiting() -> int:
    """How many cases wait for an answer of this agency, or for what was decided to be carried out."""
    return ClaimNotice.objects.exclude(state=ClaimState.CLOSED).count()
