"""On the hub: people who pass from one agency to another. The hub keeps the case; each step is one conditional move under the row's lock.

offered -> taken -> completed, with refused, withdrawn and expired from `offered`, and back from taken to offered when the new agency gives
the case back. From `taken` on the old agency cannot withdraw and time ends nothing, so that what the new agency's approver signs still holds
when it arrives. `completed` is written by the database itself, in the statement that moves the file (migration `transfer_walls`).

Every call may be repeated: the same offer gives the same case, a step that was already taken by the same agency is answered with the case.
"""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from exchange.choices import TransferState
from exchange.contract import PROFILE_KIND, Envelope
from exchange.hub_contract import RELEASE_KIND, Offer
from exchange.models import Agency, AgencyManifest, TransferCase, TransferStep
from exchange.schema import TRANSFER_RELEASE
from exchange.services.asking import responders_asked
from exchange.services.numbering import standings
from exchange.services.verification import BatchRefused, manifest_verify
from orgtree import clock
from orgtree.models import User
from registry.models import StaffProfile
from workflows import merkle
from workflows.documents import Document, canonical, digest
from workflows.errors import GateError
from workflows.services.audit import audit
from workflows.services.deadlines import working_days_after


class OfferInvalid(Exception):
    """The offer is not what it must be; `place` says where in the body."""

    def __init__(self, message: str, place: str = "$") -> None:
        self.place = place
        super().__init__(message)


class NotHeld(Exception):
    """The hub does not hold the version that is handed over: it has to be delivered first."""


class CaseMoved(GateError):
    """The case is not in the state that this step needs; `str()` says where it stands."""

    code = "CASE_MOVED"

    def __init__(self, case: TransferCase) -> None:
        self.case = case
        super().__init__(_("The transfer stands at “%s”, so this is no longer possible.") % case.get_state_display())


class OtherOffer(Exception):
    """Another offer is open for this person, or this number names another one."""


def transfer_offer(*, agency: Agency, number: UUID, offer: Offer) -> TransferCase:
    """Open a case for a release that `agency` signed. Raises OfferInvalid, NotHeld, OtherOffer."""
    known = _known(agency, number, offer)
    if known is not None:
        return known
    document, manifest = _verified(agency, number, offer)
    receiver = _receiver(agency, document)
    person = UUID(document["person"])
    with transaction.atomic():
        _held_or_refused(agency, person, document)
        today = clock.today()
        case = TransferCase(
            pk=number,
            key=person,
            version=document["person_version"],
            digest=bytes.fromhex(document["person_digest"]),
            from_agency=agency,
            to_agency=receiver,
            document=canonical(document),
            manifest=manifest,
            leaf_index=offer.leaf_index,
            proof=bytes.fromhex("".join(offer.proof)),
            due_on=working_days_after(today, settings.TRANSFER_DAYS),
            expires_on=working_days_after(today, settings.TRANSFER_LAPSE_DAYS),
        )
        try:
            with transaction.atomic():
                case.save(force_insert=True)
        except IntegrityError as error:
            # The same offer at the same moment, or another one for this person.
            if (same := _known(agency, number, offer)) is not None:
                return same
            raise OtherOffer(_("Another transfer of this person is open.")) from error
        _note(case, TransferState.OFFERED, "offered", agency=agency, reason=document["note"] or "")
        audit(actor=None, action="transfer.offered", kind=PROFILE_KIND, key=person, transfer=str(number), **_between(case))
    return TransferCase.objects.get(pk=number)


def transfer_take(*, agency: Agency, number: UUID) -> TransferCase:
    """The new agency takes the offer up. Raises TransferCase.DoesNotExist unless it was offered to it, CaseMoved."""
    return _move(agency, number, "taken", frm=TransferState.OFFERED, to=TransferState.TAKEN, side="to_agency", taken_at=clock.now())


def transfer_give_back(*, agency: Agency, number: UUID, reason: str) -> TransferCase:
    """The new agency cannot go on: the case is an open offer again. Raises as `transfer_take`, OfferInvalid without a reason."""
    _say_why(reason)
    return _move(agency, number, "given back", frm=TransferState.TAKEN, to=TransferState.OFFERED, side="to_agency", reason=reason, taken_at=None)


def transfer_refuse(*, agency: Agency, number: UUID, reason: str) -> TransferCase:
    """The new agency does not want it. Raises as `transfer_take`, OfferInvalid without a reason."""
    _say_why(reason)
    return _move(
        agency, number, "refused", frm=TransferState.OFFERED, to=TransferState.REFUSED, side="to_agency", reason=reason, ended_at=clock.now()
    )


def transfer_withdraw(*, agency: Agency, number: UUID, reason: str) -> TransferCase:
    """The old agency takes its offer back before it was taken up. Raises as `transfer_take`, OfferInvalid without a reason."""
    _say_why(reason)
    ended: dict[str, Any] = {"reason": reason, "ended_at": clock.now()}
    return _move(agency, number, "withdrawn", frm=TransferState.OFFERED, to=TransferState.WITHDRAWN, side="from_agency", **ended)


def transfers_expire() -> int:
    """End the offers that nobody took up in time; returns how many. Safe to run twice at once."""
    lapsed = list(TransferCase.objects.filter(state=TransferState.OFFERED, expires_on__lt=clock.today()).order_by("pk").values_list("pk", flat=True))
    ended = 0
    for number in lapsed:
        with transaction.atomic():
            case = TransferCase.objects.select_for_update(of=("self",)).select_related("from_agency", "to_agency").get(pk=number)
            if case.state != TransferState.OFFERED:
                continue
            TransferCase.objects.filter(pk=number).update(state=TransferState.EXPIRED, ended_at=clock.now())
            _note(case, TransferState.EXPIRED, "expired")
            audit(actor=None, action="transfer.expired", kind=PROFILE_KIND, key=case.key, transfer=str(number), **_between(case))
            ended += 1
    return ended


def cases_of(agency: Agency) -> QuerySet[TransferCase]:
    """The cases that `agency` may know of: those that it offers and those that are offered to it."""
    return TransferCase.objects.filter(Q(from_agency=agency) | Q(to_agency=agency)).select_related("from_agency", "to_agency")


def _move(
    agency: Agency, number: UUID, what: str, *, frm: TransferState, to: TransferState, side: str, reason: str = "", **values: object
) -> TransferCase:
    """One step of one agency. Repeated, it gives the case as it stands when it was this very step that brought it there."""
    with transaction.atomic():
        cases = TransferCase.objects.select_for_update(of=("self",)).select_related("from_agency", "to_agency")
        case = cases.get(pk=number, **{side: agency})
        if case.state == frm:
            TransferCase.objects.filter(pk=number).update(state=to, reason=reason[:500], **values)
            _note(case, to, what, agency=agency, reason=reason)
            audit(actor=None, action=f"transfer.{what.replace(' ', '_')}", kind=PROFILE_KIND, key=case.key, transfer=str(number), **_between(case))
            case.refresh_from_db()
        elif case.state != to or case.steps.order_by("pk").values_list("what", flat=True).last() != what:
            raise CaseMoved(case)
    return case


def _known(agency: Agency, number: UUID, offer: Offer) -> TransferCase | None:
    case = TransferCase.objects.select_related("from_agency", "to_agency").filter(pk=number).first()
    if case is not None and (case.from_agency_id != agency.pk or bytes(case.document) != canonical(offer.document)):
        raise OtherOffer(_("This number already names another transfer."))
    return case


def _verified(agency: Agency, number: UUID, offer: Offer) -> tuple[Document, AgencyManifest]:
    """The release and the manifest of which it is a leaf. It may ask responders, so nothing is locked yet. Raises OfferInvalid."""
    if problems := TRANSFER_RELEASE.problems(offer.document):
        raise OfferInvalid(_("The document is not a complete %s.") % TRANSFER_RELEASE.identifier, f"$.document.{problems[0].field}")
    missing = [one.name for one in TRANSFER_RELEASE.fields if one.required and offer.document[one.name] is None]
    if missing:
        raise OfferInvalid(_("This field must be filled in."), f"$.document.{missing[0]}")
    signed = cast(Envelope, offer)
    try:
        manifest, statement = manifest_verify(agency=agency, envelope=signed, asked=responders_asked(signed, agency_id=agency.pk))
    except BatchRefused as refused:
        raise OfferInvalid(f"{refused.refusal.code.value}: {refused.refusal.message}", "$.manifest") from refused
    leaf = merkle.leaf_hash(kind=RELEASE_KIND, key=number, op="create", base_version=0, document_digest=digest(canonical(offer.document)))
    path = [bytes.fromhex(node) for node in offer.proof]
    proved = merkle.verify(leaf=leaf, index=offer.leaf_index, count=statement.count, path=path, expected_root=statement.root_hash)
    if not proved or offer.leaf_index in statement.excluded:
        raise OfferInvalid(_("The release is not what was signed: its proof does not lead to the root of the manifest."), "$.proof")
    if offer.document["from_agency"] != agency.code:
        raise OfferInvalid(_("The release is of another agency."), "$.document.from_agency")
    return offer.document, manifest


def _receiver(agency: Agency, document: Document) -> Agency:
    receiver = Agency.objects.filter(code=document["to_agency"], active=True).exclude(pk=agency.pk).first()
    if receiver is None:
        raise OfferInvalid(_("No other agency with this identifier is connected to the hub."), "$.document.to_agency")
    return receiver


def _held_or_refused(agency: Agency, person: UUID, document: Document) -> None:
    """The hub holds exactly what is handed over, as the agency's newest version. Raises NotHeld, OfferInvalid."""
    profile = StaffProfile.objects.select_for_update(no_key=True).filter(pk=person).first()
    if profile is None or owner_of(profile.using_unit_id) != agency.pk:
        raise NotHeld(_("The hub holds no file of this person for the agency. Deliver it first."))
    version = document["person_version"]
    standing = standings(agency=agency, kind=PROFILE_KIND, versions={person: version})[person]
    if standing.reach < version:
        raise NotHeld(_("Deliver version %s of the file first.") % (standing.reach + 1))
    if standing.head != version or bytes(profile.digest).hex() != document["person_digest"]:
        raise OfferInvalid(_("The hub holds another version of this file. Compare the two, and release it anew."), "$.document.person_digest")


def owner_of(unit_id: UUID) -> int | None:
    """The agency in whose tree a unit stands at the hub, by key."""
    with connection.cursor() as cursor:
        cursor.execute("select public.hoso_agency_of(%s)", [unit_id])
        found: int | None = cursor.fetchone()[0]
        return found


def _note(case: TransferCase, state: TransferState, what: str, *, agency: Agency | None = None, actor: User | None = None, reason: str = "") -> None:
    TransferStep.objects.create(case=case, agency=agency, actor=actor, state=state, what=what, reason=reason[:500])


def _between(case: TransferCase) -> dict[str, Any]:
    return {"from": case.from_agency.code, "to": case.to_agency.code}


def _say_why(reason: str) -> None:
    if not reason.strip():
        raise OfferInvalid(_("Say in a sentence why; it is kept."), "$.reason")
