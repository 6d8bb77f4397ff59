"""At an agency: who is told under the bell, and by e-mail, of transfers and of people whom another agency claims too. Nobody is named there.

Told are those who deal with it: of people who come, and of claims, whoever edits, approves or operates at the top of the installation (superusers
where nobody does); of people who leave, whoever edits in the unit that released them. Each thing is told once, however often it is heard.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from exchange.choices import TRANSFER_OPEN, ClaimState, TransferState
from exchange.models import ClaimNotice, IncomingTransfer, OutgoingTransfer
from exchange.selectors.sight import installation_top
from orgtree import clock, scope
from orgtree.choices import Action
from orgtree.models import User
from workflows.choices import CaseMatter, NoticeKind
from workflows.services.noticing import tell
from workflows.services.telling import Telling

ARRIVAL_MATTERS: Mapping[str, CaseMatter] = {TransferState.WITHDRAWN: CaseMatter.WITHDRAWN, TransferState.EXPIRED: CaseMatter.LAPSED_HERE}
RELEASE_MATTERS: Mapping[str, CaseMatter] = {
    TransferState.COMPLETED: CaseMatter.COMPLETED,
    TransferState.REFUSED: CaseMatter.REFUSED,
    TransferState.EXPIRED: CaseMatter.LAPSED,
}


def arrival_tell(number: UUID, matter: CaseMatter) -> None:
    """Something happened to a transfer to this agency."""
    one = IncomingTransfer.objects.only("pk", "from_name", "due_on").get(pk=number)
    detail = {"matter": matter.value, "agency": one.from_name, "due": _day(one.due_on), "number": str(number), "side": "in"}
    tell([Telling(NoticeKind.TRANSFER, f"transfer:{number}:{matter}:{_day(one.due_on)}", _at_the_top(), detail=detail)])


def release_tell(transfer: OutgoingTransfer, matter: CaseMatter) -> None:
    """Something happened to a transfer from this agency."""
    release = transfer.release
    detail = {"matter": matter.value, "agency": release.to_agency_name, "due": _day(transfer.due_on), "number": str(transfer.pk), "side": "out"}
    to = list(scope.holders(Action.EDIT, release.unit).values_list("pk", flat=True)) or _at_the_top()
    tell([Telling(NoticeKind.TRANSFER, f"transfer:{transfer.pk}:{matter}", to, unit=release.unit, detail=detail)])


def claim_tell(number: UUID, matter: CaseMatter) -> None:
    """Another agency claims a person of this one: asked, decided, closed, or late."""
    one = ClaimNotice.objects.get(pk=number)
    detail = {"matter": matter.value, "agency": one.other_name, "due": _day(one.due_on), "number": str(number)}
    tell([Telling(NoticeKind.CLAIM, f"claim:{number}:{matter}:{_day(one.due_on)}", _at_the_top(), detail=detail)])


def late_tell() -> None:
    """Tell of what is open after its day; each case once for its day."""
    today = clock.today()
    for number in IncomingTransfer.objects.filter(state__in=TRANSFER_OPEN, due_on__lt=today).values_list("pk", flat=True):
        arrival_tell(number, CaseMatter.LATE)
    for transfer in OutgoingTransfer.objects.filter(state__in=TRANSFER_OPEN, due_on__lt=today).select_related("release__unit"):
        release_tell(transfer, CaseMatter.LATE)
    for number in ClaimNotice.objects.exclude(state=ClaimState.CLOSED).filter(due_on__lt=today).values_list("pk", flat=True):
        claim_tell(number, CaseMatter.CLAIM_LATE)


def _at_the_top() -> list[int]:
    top = installation_top()
    found: set[int] = set()
    if top is not None:
        for action in (Action.EDIT, Action.APPROVE, Action.OPERATE):
            found |= set(scope.holders(action, top).values_list("pk", flat=True))
    return sorted(found) or list(User.objects.filter(is_superuser=True, is_active=True).order_by("pk").values_list("pk", flat=True))


def _day(day: object) -> str:
    return str(day) if day else ""
