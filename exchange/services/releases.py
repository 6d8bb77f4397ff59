"""At the old agency: letting a person go. The release goes through the gate; then it is offered at the hub, and what becomes of it is followed.

From the moment at which the release is applied the file stands still here (a hold). It moves again when the hub says that the transfer was
refused, withdrawn or has lapsed; once the person was taken over it stays as it is, to be read. Nothing is concluded from silence.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from exchange.choices import TransferState
from exchange.connectors import CallFailed, connect
from exchange.contract import PROFILE_KIND, ErrorKind, encode
from exchange.hub_contract import RELEASE_KIND, TransferStatus
from exchange.models import OutgoingTransfer
from exchange.schema import HOLD_CAUSE
from exchange.services.case_notices import RELEASE_MATTERS, release_tell
from exchange.services.envelopes import BatchUnsendable, envelope_make
from exchange.services.transfer_line import Connect, TransferLine, hub_channel, line_to
from orgtree import clock, scope
from orgtree.choices import Action
from orgtree.models import User
from registry.models import StaffProfile
from workflows.choices import CaseMatter
from workflows.dispatch import send_on_commit
from workflows.errors import GateError, NotAllowed
from workflows.models import OutboxMessage
from workflows.services.audit import audit
from workflows.services.holds import hold_finalise, record_free
from workflows.services.marks import withheld
from workflows.services.staging import Proposal, Staged, request_stage

TRANSFERS_TASK = "exchange.transfers"
RETRY_SECONDS = (15, 60, 300, 900)
ASK_AGAIN = timedelta(seconds=60)  # how long an answer about an open transfer is good enough


class CannotRelease(GateError):
    """The person cannot be let go; `str()` says why."""

    code = "CANNOT_RELEASE"


def release_propose(
    *,
    actor: User,
    profile: StaffProfile,
    to_agency: str,
    to_agency_name: str,
    effective_on: date,
    decision_number: str,
    decision_date: date,
    note: str = "",
) -> Staged:
    """Propose to let a person go to another agency; findings are returned, never raised. Raises NotAllowed, CannotRelease."""
    if not scope.can(actor, Action.EDIT, profile.using_unit):
        raise NotAllowed
    if to_agency == settings.AUTHORITY:
        raise CannotRelease(_("Choose another agency: within your own, record a change of the post instead."))
    if withheld(kind=PROFILE_KIND, keys=[profile.pk]):
        raise CannotRelease(_("This file is marked “does not leave”. Two people have to lift the mark first."))
    document = {
        "person": str(profile.pk),
        "person_name": profile.birth_name,
        "person_version": profile.version,
        "person_digest": bytes(profile.digest).hex(),
        "unit": str(profile.using_unit_id),
        "from_agency": settings.AUTHORITY,
        "to_agency": to_agency,
        "to_agency_name": to_agency_name[:250],
        "effective_on": effective_on.isoformat(),
        "decision_number": " ".join(decision_number.split()) or None,
        "decision_date": decision_date.isoformat(),
        "note": " ".join(note.split()) or None,
    }
    title = _("Transfer to %(agency)s: %(name)s") % {"agency": to_agency_name, "name": profile.birth_name}
    return request_stage(
        actor=actor, unit=profile.using_unit, title=title[:300], proposals=[Proposal(kind=RELEASE_KIND, key=uuid4(), patch=document, base_version=0)]
    )


def release_withdraw(*, actor: User, transfer: OutgoingTransfer, reason: str) -> None:
    """Ask the hub to take the offer back; it may be too late, which the page then says. Raises NotAllowed, CannotRelease."""
    if not scope.can(actor, Action.EDIT, transfer.release.unit):
        raise NotAllowed
    if not reason.strip():
        raise CannotRelease(_("Say in a sentence why; it is kept."))
    with transaction.atomic():
        open_ones = OutgoingTransfer.objects.filter(pk=transfer.pk, state__in=[TransferState.RELEASED, TransferState.OFFERED])
        if not open_ones.update(wish="withdraw", wish_reason=reason.strip()[:500], not_before=clock.now(), failures=0):
            raise CannotRelease(_("The transfer stands at “%s”, so this is no longer possible.") % transfer.get_state_display())
        number = str(transfer.pk)
        audit(
            actor=actor,
            action="transfer.withdrawal_asked",
            unit=transfer.release.unit,
            kind=PROFILE_KIND,
            key=transfer.release.person,
            transfer=number,
        )
        send_on_commit(TRANSFERS_TASK)


def releases_drive(*, connector: Connect = connect) -> int:
    """Bring every open release on by what is due: offer it, withdraw it, ask how it stands; returns how many moved. May run twice at once."""
    channel = hub_channel()
    if channel is None:
        return 0
    moved = 0
    with line_to(channel, connector) as line:
        while (transfer := _claim()) is not None:
            moved += _drive(transfer, line)
    return moved


def _claim() -> OutgoingTransfer | None:
    """One transfer that is due, pushed forward before anything is called, so that no other worker takes it meanwhile."""
    with transaction.atomic():
        open_ones = OutgoingTransfer.objects.select_for_update(skip_locked=True, of=("self",)).select_related("release__unit")
        due = open_ones.filter(state__in=[TransferState.RELEASED, TransferState.OFFERED, TransferState.TAKEN], not_before__lte=clock.now())
        transfer = due.order_by("not_before").first()
        if transfer is not None:
            OutgoingTransfer.objects.filter(pk=transfer.pk).update(not_before=clock.now() + ASK_AGAIN)
        return transfer


def _drive(transfer: OutgoingTransfer, line: TransferLine) -> int:
    try:
        if transfer.state == TransferState.RELEASED:
            status = line.offer(transfer.pk, offer_bytes(transfer))
        elif transfer.wish == "withdraw":
            status = line.step(transfer.pk, "withdraw", transfer.wish_reason)
        else:
            found = line.status(transfer.pk)
            if found is None:
                raise CallFailed(ErrorKind.CONFIG, "NOT_FOUND", _("The hub knows no such transfer of this agency."), status=404)
            status = found
    except BatchUnsendable as unsendable:
        _fail(transfer, "UNSIGNED", unsendable.text)
        return 0
    except CallFailed as failure:
        return _failed(transfer, line, failure)
    return _mirror(transfer, status)


def offer_bytes(transfer: OutgoingTransfer) -> bytes:
    """The body of the call that offers: the release as it was signed. Raises BatchUnsendable when nobody signed it."""
    message = OutboxMessage.objects.get(kind=RELEASE_KIND, key=transfer.pk, version=1)
    envelope = envelope_make(message.request_id, [message.leaf_index])
    (item,) = envelope.pop("items")
    return encode({**envelope, "document": item.document, "leaf_index": item.leaf_index, "proof": item.proof})


def _failed(transfer: OutgoingTransfer, line: TransferLine, failure: CallFailed) -> int:
    """What a call that failed means: too late, to be tried again, or for a person to look at."""
    if failure.code == "WRONG_STATE":  # withdrawn too late: how it stands is asked at once
        OutgoingTransfer.objects.filter(pk=transfer.pk).update(wish="", not_before=clock.now())
        return 0
    refused = failure.status in (404, 409, 422) and failure.code != "NOT_HELD"
    if transfer.wish == "withdraw" and transfer.state == TransferState.RELEASED and refused:
        # The hub has just refused the offer itself: there is nothing to take back but our own hold.
        return _end(transfer, TransferState.WITHDRAWN, transfer.wish_reason)
    _fail(transfer, failure.code, failure.detail, after=failure.retry_after)
    return 0


def _fail(transfer: OutgoingTransfer, code: str, text: str, *, after: float | None = None) -> None:
    wait = after if after is not None else RETRY_SECONDS[min(transfer.failures, len(RETRY_SECONDS) - 1)]
    OutgoingTransfer.objects.filter(pk=transfer.pk).update(
        failures=min(transfer.failures + 1, 1_000), not_before=clock.now() + timedelta(seconds=wait), error_code=code[:40], error_text=text[:500]
    )


def _mirror(transfer: OutgoingTransfer, status: TransferStatus) -> int:
    """Take over what the hub says. Returns 1 when the transfer moved."""
    state = TransferState(status.state)
    if state in (TransferState.REFUSED, TransferState.WITHDRAWN, TransferState.EXPIRED, TransferState.COMPLETED):
        return _end(transfer, state, status.reason, status)
    moved = OutgoingTransfer.objects.filter(pk=transfer.pk).exclude(state=state).update(state=state, changed_at=clock.now())
    OutgoingTransfer.objects.filter(pk=transfer.pk).update(**_terms(status), failures=0, error_code="", error_text="")
    if moved and state == TransferState.TAKEN:
        release_tell(transfer, CaseMatter.TAKEN)
    if transfer.wish and state == TransferState.OFFERED:
        OutgoingTransfer.objects.filter(pk=transfer.pk).update(not_before=clock.now())  # offered now, so that it can be withdrawn
    return moved


def _terms(status: TransferStatus) -> dict[str, object]:
    passed_at = status.ended_at if status.state == TransferState.COMPLETED else None
    times = {"taken_at": status.taken_at, "passed_at": passed_at}
    return {"due_on": status.due_on, "expires_on": status.expires_on, "reason": status.reason[:500], **times}


def _end(transfer: OutgoingTransfer, state: TransferState, reason: str, status: TransferStatus | None = None) -> int:
    """The transfer is over: the file moves again here, or stays for good as it was when the person went."""
    release = transfer.release
    values = _terms(status) if status is not None else {"reason": reason[:500]}
    with transaction.atomic():
        ended = OutgoingTransfer.objects.filter(pk=transfer.pk, state__in=[TransferState.RELEASED, TransferState.OFFERED, TransferState.TAKEN])
        if not ended.update(state=state, wish="", error_code="", error_text="", changed_at=clock.now(), **values):
            return 0
        done: Callable[..., None] = record_free
        more: dict[str, str] = {}
        if state == TransferState.COMPLETED:
            done, more = hold_finalise, {"text": release.to_agency_name}
        done(kind=PROFILE_KIND, key=release.person, cause=HOLD_CAUSE, **more)
        audit(
            actor=None,
            action=f"transfer.{state}",
            unit=release.unit,
            kind=PROFILE_KIND,
            key=release.person,
            transfer=str(transfer.pk),
            to=release.to_agency,
        )
        if state in RELEASE_MATTERS:
            release_tell(transfer, RELEASE_MATTERS[state])
    return 1


def release_of_person(person: UUID) -> OutgoingTransfer | None:
    """The newest transfer away of this person, whatever became of it."""
    return OutgoingTransfer.objects.filter(release__person=person).select_related("release").order_by("-changed_at").first()
