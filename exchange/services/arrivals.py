"""At the new agency: people who are offered to it. An offer is taken up at the hub, the file is fetched and its proof verified, and the person
is taken over by a request of this agency's own gate; the hub completes the transfer when that version of the file arrives.

Taking up comes first, because from then on the old agency cannot withdraw. What this agency cannot carry through it gives back, and only while
nothing of the person has become true here: a hold keeps it so.
"""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import msgspec
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from exchange.choices import TRANSFER_ENDED, TransferState
from exchange.connectors import CallFailed, connect
from exchange.contract import PROFILE_KIND
from exchange.hub_contract import TransferFile, TransferStatus
from exchange.models import Channel, IncomingTransfer
from exchange.schema import HOLD_CAUSE
from exchange.selectors.arrivals import receives
from exchange.services.acceptance import Place, accepted_document
from exchange.services.case_notices import ARRIVAL_MATTERS, arrival_tell
from exchange.services.proving import Leaf, ProofWrong, leaf_prove, signature_prove, statement_read
from exchange.services.releases import ASK_AGAIN, RETRY_SECONDS, TRANSFERS_TASK
from exchange.services.transfer_line import Connect, Step, TransferLine, hub_channel, line_to
from orgtree import clock
from orgtree.models import User
from registry.models import StaffProfile
from registry.schema import STAFF_PROFILE
from workflows.choices import OPEN_STATES, CaseMatter, RequestState
from workflows.dispatch import send_on_commit
from workflows.documents import canonical, digest, parse
from workflows.errors import GateError, NotAllowed
from workflows.models import ChangeItem, ChangeRequest, RecordVersion
from workflows.services.audit import audit
from workflows.services.holds import hold_finalise, holds_of, record_free, record_hold
from workflows.services.staging import Proposal, Staged, request_stage
from workflows.trust import TrustStore

WISHES: dict[str, tuple[TransferState, Step]] = {
    "take": (TransferState.OFFERED, "take"),
    "refuse": (TransferState.OFFERED, "refuse"),
    "give-back": (TransferState.TAKEN, "give-back"),
}


class ArrivalRefused(GateError):
    """The step is not possible now; `str()` says why."""

    code = "ARRIVAL"


def arrival_wish(*, actor: User, arrival: IncomingTransfer, wish: str, reason: str = "") -> None:
    """Take an offer up, refuse it, or give it back: written down, and told to the hub by `arrivals_drive`. Raises NotAllowed, ArrivalRefused."""
    if not receives(actor):
        raise NotAllowed
    needed, _step = WISHES[wish]
    if wish != "take" and not reason.strip():
        raise ArrivalRefused(_("Say in a sentence why; it is kept."))
    with transaction.atomic():
        arrival = IncomingTransfer.objects.select_for_update(of=("self",)).get(pk=arrival.pk)
        if arrival.state != needed or arrival.wish:
            raise ArrivalRefused(_("The transfer has moved on. Look again where it stands."))
        if wish == "give-back":
            _stand_still(arrival)
        IncomingTransfer.objects.filter(pk=arrival.pk).update(
            wish=wish, wish_reason=reason.strip()[:500], not_before=clock.now(), failures=0, error_code="", error_text=""
        )
        audit(actor=actor, action=f"transfer.{wish}_asked", kind=PROFILE_KIND, key=arrival.person, transfer=str(arrival.pk))
        send_on_commit(TRANSFERS_TASK)


def _stand_still(arrival: IncomingTransfer) -> None:
    """Nothing of the person is true here or about to be, and from now on nothing can become so. Raises ArrivalRefused."""
    if RecordVersion.objects.filter(kind=PROFILE_KIND, key=arrival.person, recorded_at__gte=arrival.fetched_at or arrival.changed_at).exists():
        raise ArrivalRefused(_("The person has been taken over here already. It cannot be given back; offer a new transfer instead."))
    if ChangeItem.objects.filter(kind=PROFILE_KIND, key=arrival.person, state="open").exists():
        raise ArrivalRefused(_("The request that takes the person over is open. Withdraw it first."))
    if arrival.person not in holds_of(kind=PROFILE_KIND, keys=[arrival.person]):
        record_hold(kind=PROFILE_KIND, key=arrival.person, cause=HOLD_CAUSE, text=arrival.from_name)
    if StaffProfile.objects.filter(pk=arrival.person).exists():  # somebody who was here before: what stands here is history again
        hold_finalise(kind=PROFILE_KIND, key=arrival.person, cause=HOLD_CAUSE, text=arrival.from_name)


def arrival_propose(*, actor: User, arrival: IncomingTransfer, place: Place) -> Staged:
    """Propose the person as they are to stand here, from the file that was handed over; findings are returned, never raised.

    Raises ArrivalRefused unless the offer is taken up and its file is here, and while another request for it is open.
    """
    with transaction.atomic():
        arrival = IncomingTransfer.objects.select_for_update(of=("self",)).get(pk=arrival.pk)
        if arrival.state != TransferState.TAKEN or arrival.wish or arrival.document is None:
            raise ArrivalRefused(_("The transfer has moved on. Look again where it stands."))
        request = ChangeRequest.objects.filter(pk=arrival.request_id).first() if arrival.request_id else None
        if request is not None and request.state in (*OPEN_STATES, RequestState.READY, RequestState.APPLIED):
            raise ArrivalRefused(_("A request that takes this person over exists already."))
        document = accepted_document(arrival=arrival, place=place)
        stood_still = holds_of(kind=PROFILE_KIND, keys=[arrival.person]).get(arrival.person)  # somebody who was here before
        record_free(kind=PROFILE_KIND, key=arrival.person, cause=HOLD_CAUSE)
        staged = request_stage(
            actor=actor,
            unit=place.unit,
            title=(_("Taking over from %(agency)s: %(name)s") % {"agency": arrival.from_name, "name": arrival.person_name})[:300],
            proposals=[Proposal(kind=PROFILE_KIND, key=arrival.person, patch=document, ref=1)],
            evidence={"transfer": str(arrival.pk), "from": arrival.from_agency, "file": digest(bytes(arrival.document)).hex()},
        )
        if staged.request is not None:
            IncomingTransfer.objects.filter(pk=arrival.pk).update(request=staged.request)
        elif stood_still is not None:
            stood_still.save(force_insert=True)
    return staged


def arrivals_drive(*, connector: Connect = connect) -> int:
    """Hear what is offered, tell the hub what was decided, fetch files; returns how many transfers moved. May run twice at once."""
    channel = hub_channel()
    if channel is None:
        return 0
    with line_to(channel, connector) as line:
        moved = _hear(channel, line)
        while (arrival := _claim()) is not None:
            moved += _drive(arrival, line)
    return moved


def _hear(channel: Channel, line: TransferLine) -> int:
    try:
        told = list(line.incoming())
    except CallFailed:
        return 0  # the channel's own page says that the hub does not answer
    return sum(_mirror(channel, status) for status in told)


def _claim() -> IncomingTransfer | None:
    """One that has something to tell or to fetch, pushed forward before anything is called."""
    with transaction.atomic():
        rows = IncomingTransfer.objects.select_for_update(skip_locked=True, of=("self",)).select_related("channel")
        for_hub = rows.filter(state__in=[TransferState.OFFERED, TransferState.TAKEN], not_before__lte=clock.now())
        arrival = for_hub.exclude(wish="", document__isnull=False).exclude(wish="", state=TransferState.OFFERED).order_by("not_before").first()
        if arrival is not None:
            IncomingTransfer.objects.filter(pk=arrival.pk).update(not_before=clock.now() + ASK_AGAIN)
        return arrival


def _drive(arrival: IncomingTransfer, line: TransferLine) -> int:
    try:
        if arrival.wish:
            return _mirror(arrival.channel, line.step(arrival.pk, WISHES[arrival.wish][1], arrival.wish_reason))
        return _keep(arrival, line.file(arrival.pk))
    except CallFailed as failure:
        if failure.code == "WRONG_STATE" or (failure.status == 404 and failure.code == "NOT_FOUND"):
            return _overtaken(arrival, line)
        _fail(arrival, failure.code, failure.detail, after=failure.retry_after)
    except ProofWrong as wrong:
        _fail(arrival, "PROOF_WRONG", str(wrong), after=3_600.0)
    return 0


def _overtaken(arrival: IncomingTransfer, line: TransferLine) -> int:
    """The step came too late: the other agency or time was faster. How it stands now is what counts."""
    try:
        status = line.status(arrival.pk)
    except CallFailed as failure:
        _fail(arrival, failure.code, failure.detail, after=failure.retry_after)
        return 0
    if status is None:
        _fail(arrival, "NOT_FOUND", _("The hub knows no such transfer of this agency."))
        return 0
    return _mirror(arrival.channel, status)


def _fail(arrival: IncomingTransfer, code: str, text: str, *, after: float | None = None) -> None:
    wait = after if after is not None else RETRY_SECONDS[min(arrival.failures, len(RETRY_SECONDS) - 1)]
    IncomingTransfer.objects.filter(pk=arrival.pk).update(
        failures=min(arrival.failures + 1, 1_000), not_before=clock.now() + timedelta(seconds=wait), error_code=code[:40], error_text=text[:500]
    )


def _mirror(channel: Channel, status: TransferStatus) -> int:
    """Take over what the hub says of one transfer, new or known. Returns 1 when it moved."""
    with transaction.atomic():
        arrival = IncomingTransfer.objects.select_for_update(of=("self",)).filter(pk=status.transfer).first()
        if arrival is None:
            if status.state in TRANSFER_ENDED:
                return 0
            IncomingTransfer.objects.create(pk=status.transfer, channel=channel, **_described(status))
            audit(actor=None, action="transfer.arrived", kind=PROFILE_KIND, key=status.person, transfer=str(status.transfer), frm=status.from_agency)
            arrival_tell(status.transfer, CaseMatter.OFFERED)
            return 1
        if arrival.state in TRANSFER_ENDED:
            return 0
        before, state = arrival.state, TransferState(status.state)
        values: dict[str, Any] = {"due_on": status.due_on, "expires_on": status.expires_on, "reason": status.reason[:500], "state": state}
        if before != state:
            values |= {
                "changed_at": clock.now(),
                "wish": "",
                "wish_reason": "",
                "error_code": "",
                "error_text": "",
                "failures": 0,
                "not_before": clock.now(),
            }
            if state == TransferState.COMPLETED:
                record_free(kind=PROFILE_KIND, key=arrival.person, cause=HOLD_CAUSE)
        IncomingTransfer.objects.filter(pk=arrival.pk).update(**values)
        if before != state and state in ARRIVAL_MATTERS:
            arrival_tell(arrival.pk, ARRIVAL_MATTERS[state])
        return int(before != state)


def _described(status: TransferStatus) -> dict[str, Any]:
    same = ("state", "person", "person_name", "from_agency", "from_name", "effective_on", "decision_number", "decision_date", "note", "offered_at")
    return {name: getattr(status, name) for name in (*same, "due_on", "expires_on", "reason")}


def _keep(arrival: IncomingTransfer, file: TransferFile) -> int:
    """Keep the file once its proof holds. Raises ProofWrong."""
    body = file_verified(arrival=arrival, file=file)
    evidence = {
        "agency": file.proof.agency,
        "manifest": base64.b64encode(file.proof.manifest).decode(),
        "signature": base64.b64encode(file.proof.signature).decode(),
        "received_at": file.proof.received_at.isoformat(),
        "base_version": file.proof.base_version,
        "leaf_index": file.proof.leaf_index,
        "proof": file.proof.proof,
        "answers": [base64.b64encode(one).decode() for one in file.proof.answers],
        "named": msgspec.to_builtins(file.proof.named),
    }
    values = {
        "document": body,
        "evidence": evidence,
        "places": file.places,
        "fetched_at": clock.now(),
        "error_code": "",
        "error_text": "",
        "failures": 0,
    }
    return IncomingTransfer.objects.filter(pk=arrival.pk, state=TransferState.TAKEN).update(**values)


def file_verified(*, arrival: IncomingTransfer, file: TransferFile) -> bytes:
    """The canonical bytes of the file, after comparing them with what the old agency signed. Raises ProofWrong."""
    proof = file.proof
    if file.person != arrival.person or proof.agency != arrival.from_agency:
        raise ProofWrong("OTHER_FILE", _("The hub sent another file than the one that was offered."))
    if STAFF_PROFILE.problems(file.document):
        raise ProofWrong("DOCUMENT_INVALID", _("The file is not a complete %s.") % STAFF_PROFILE.identifier)
    body = canonical(file.document)
    statement = statement_read(proof.manifest, authority=arrival.from_agency)
    named = [proof.named.certificate] if proof.named is not None and proof.named.agency == arrival.from_agency else []
    signature_prove(proof, authority=arrival.from_agency, trust=TrustStore.load(settings.TRUST_DIRECTORY), fingerprints=named)
    leaf_prove(Leaf(PROFILE_KIND, arrival.person, proof.base_version, digest(body), proof.leaf_index, proof.proof), statement)
    return body


def file_of(arrival: IncomingTransfer) -> dict[str, Any] | None:
    return parse(bytes(arrival.document)) if arrival.document is not None else None
