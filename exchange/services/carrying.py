"""On the hub: packages that were carried by hand. Taken whole or not at all, processed in their order, answered by receipts to carry back."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import IO
from uuid import UUID

from django.conf import settings
from django.db import transaction
from msgspec import UNSET

from exchange.archive import OK, Said, entry_made, exchanges_keep
from exchange.catalogue_contract import CataloguesHeld
from exchange.choices import InboundState, Transport, Way
from exchange.contract import encode
from exchange.models import Agency, CarriedBatch, InboundBatch, IncomingPackage
from exchange.packages import (
    BatchAnswer,
    Opened,
    PackageRefused,
    Part,
    Reason,
    ReceiptsStatement,
    Statement,
    package_open,
    package_write,
    part_made,
    statement_bytes,
)
from exchange.selectors.inbound import batch_status, receipts_page
from exchange.selectors.sight import operates_line
from exchange.services.catalogues_publishing import catalogues_held_take
from exchange.services.intake import BodyInvalid, batch_fail, batch_process, envelope_read
from exchange.services.signing import signature_of, signature_own
from orgtree import clock
from orgtree.models import User
from workflows.cms import SignatureRefused
from workflows.dispatch import send_on_commit
from workflows.documents import digest
from workflows.errors import NotAllowed, WrongState
from workflows.services.audit import audit

PACKAGES_TASK = "exchange.packages"
IN_ORDER = timedelta(days=365)  # no sweep takes a carried batch out of its place


def package_take(*, actor: User | None, file: IO[bytes], size: int) -> IncomingPackage:
    """Take a package (actor None: from a shell on the server): all of its batches, or none. Raises NotAllowed, PackageRefused."""
    _allowed(actor)
    opened = package_open(file, size=size)
    said = opened.read(Statement)
    agency = Agency.objects.filter(code=said.agency, active=True).first()
    if agency is None:
        raise PackageRefused(Reason.WRONG_AGENCY, f"{said.agency} is no agency that may send to this hub")
    try:
        verified = signature_of(agency=agency.code, content=opened.statement, signature=opened.signature, sender=agency)
    except SignatureRefused as refused:
        raise PackageRefused(Reason.SIGNATURE_REFUSED, str(refused)) from refused
    with transaction.atomic():
        Agency.objects.select_for_update(of=("self",)).get(pk=agency.pk)
        _in_turn(agency, said, opened)
        values = {"statement": opened.statement, "digest": opened.digest, "signature": opened.signature, "signer": verified.subject[:500]}
        package = IncomingPackage.objects.create(agency=agency, sequence=said.sequence, taker=actor, **values)
        for place, part in enumerate(said.parts):
            batch = _batch_keep(agency, part, opened.body(part))
            CarriedBatch.objects.create(package=package, position=place, batch=batch)
        if said.catalogues is not UNSET:
            catalogues_held_take(agency=agency, said=CataloguesHeld(held=said.catalogues))
        audit(actor=actor, action="package.taken", agency=agency.code, package=said.sequence, batches=len(said.parts))
        send_on_commit(PACKAGES_TASK)
    return package


def _in_turn(agency: Agency, said: Statement, opened: Opened) -> None:
    """Is it the package after the last one? Raises PackageRefused, which says what to carry instead."""
    taken = IncomingPackage.objects.filter(agency=agency, sequence=said.sequence).first()
    if taken is not None:
        at = taken.taken_at.astimezone(clock.ZONE)
        if bytes(taken.digest) == opened.digest:
            raise PackageRefused(Reason.CARRIED_TWICE, f"package {said.sequence} was taken on {at:%d/%m/%Y %H:%M}; carry its receipts back")
        raise PackageRefused(Reason.NUMBER_TAKEN, f"another package {said.sequence} of {agency.code} was taken on {at:%d/%m/%Y %H:%M}")
    last = IncomingPackage.objects.filter(agency=agency).order_by("-sequence").first()
    expected = last.sequence + 1 if last else 1
    if said.sequence != expected:
        raise PackageRefused(Reason.ONE_MISSING, f"this is package {said.sequence}, and package {expected} comes first: carry that one")
    if (bytes(last.digest).hex() if last else None) != said.previous:
        raise PackageRefused(Reason.CHAIN_BROKEN, f"package {said.sequence} does not follow the package {expected - 1} that was taken here")


def _batch_keep(agency: Agency, part: Part, body: bytes) -> InboundBatch:
    """The batch as a call would have brought it; one that came over a line already is that one."""
    known = InboundBatch.objects.filter(agency=agency, idempotency_key=part.key).defer("body").first()
    if known is not None:
        if bytes(known.body_digest) != digest(body):
            raise PackageRefused(Reason.CONTENT_DIFFERS, f"the key of {part.name} already names another body")
        return known
    try:
        envelope = envelope_read(body, part.kind)
    except BodyInvalid as error:
        raise PackageRefused(Reason.CONTENT_DIFFERS, f"{part.name}: {error}") from error
    if len(envelope.items) != part.items:
        raise PackageRefused(Reason.CONTENT_DIFFERS, f"{part.name} holds {len(envelope.items)} records, not {part.items}")
    batch = InboundBatch.objects.create(
        agency=agency,
        kind=part.kind,
        idempotency_key=part.key,
        body=body,
        body_digest=digest(body),
        size=part.items,
        not_before=clock.now() + IN_ORDER,
    )
    said = Said(digest=digest(body), length=len(body))
    entry = entry_made(request=said, answer=Said(), at=clock.now(), method="CARRY", address=part.name, reference=part.key, way=Way.IN)
    entry.agency, entry.transport, entry.outcome = agency, Transport.CARRIED, OK
    exchanges_keep([entry])
    return batch


def packages_process() -> int:
    """Process what carried packages hold, each package in its order; returns how many batches were processed. May run twice at once."""
    done = 0
    waiting = CarriedBatch.objects.filter(batch__state=InboundState.RECEIVED)
    for package_id in list(waiting.order_by("package__agency", "package__sequence").values_list("package", flat=True).distinct()):
        done += _process(package_id)
    return done


def _process(package_id: int) -> int:
    """One package, up to the first batch that breaks off: what stands behind it waits for it."""
    done = 0
    places = CarriedBatch.objects.filter(package=package_id).order_by("position").values_list("batch", "batch__state")
    for batch_id, state in places:
        if state == InboundState.RECEIVED:
            if _one(batch_id) == InboundState.RECEIVED:
                break  # another worker has it
            done += 1
    return done


def _one(batch_id: UUID) -> InboundState:
    try:
        return InboundState(batch_process(batch_id=batch_id).state)
    except Exception as error:
        batch_fail(batch_id=batch_id, error=error)
        InboundBatch.objects.filter(pk=batch_id).update(not_before=clock.now() + IN_ORDER)
        raise


def receipts_make(*, actor: User | None, package: IncomingPackage) -> IncomingPackage:
    """The statement of a package's receipts, once; it can be signed then. Raises NotAllowed, PackageRefused while a batch is not processed."""
    _allowed(actor)
    with transaction.atomic():
        package = IncomingPackage.objects.select_for_update(of=("self",)).select_related("agency").get(pk=package.pk)
        if package.receipts:
            return package
        left = package.places.filter(batch__state=InboundState.RECEIVED).count()
        if left:
            raise PackageRefused(Reason.NOT_PROCESSED, f"{left} batches of package {package.sequence} are still to be processed")
        parts = [part for part, _body in _answers(package)]
        said = ReceiptsStatement(
            hub=settings.AUTHORITY,
            agency=package.agency.code,
            sequence=package.sequence,
            package=bytes(package.digest).hex(),
            made_at=clock.now().astimezone(UTC),
            parts=parts,
        )
        package.receipts = statement_bytes(said)
        package.save(update_fields=["receipts"])
        audit(actor=actor, action="package.receipts_made", agency=package.agency.code, package=package.sequence)
    return package


def receipts_sign(*, actor: User, package: IncomingPackage, signature: bytes) -> IncomingPackage:
    """Keep a signature over the receipts' statement, by the hub's operator or seal. Raises NotAllowed, WrongState, SignatureRefused."""
    if not operates_line(actor):
        raise NotAllowed
    with transaction.atomic():
        package = IncomingPackage.objects.select_for_update(of=("self",)).select_related("agency").get(pk=package.pk)
        if not package.receipts or package.receipts_signature:
            raise WrongState
        verified = signature_own(actor=None, content=bytes(package.receipts), signature=signature)
        package.receipts_signature, package.receipts_signer, package.receipts_signed_at = signature, verified.subject[:500], clock.now()
        package.save(update_fields=["receipts_signature", "receipts_signer", "receipts_signed_at"])
        audit(actor=actor, action="package.receipts_signed", agency=package.agency.code, package=package.sequence)
    return package


def receipts_file(*, actor: User | None, package: IncomingPackage, file: IO[bytes]) -> None:
    """Write the signed receipts: the same bytes every time. Raises NotAllowed, WrongState before they are signed, PackageRefused."""
    _allowed(actor)
    if not package.receipts or not package.receipts_signature:
        raise WrongState
    stated = Opened.stated(bytes(package.receipts), ReceiptsStatement).parts
    answers = _answers(package)
    if [part for part, _body in answers] != stated:
        raise PackageRefused(Reason.CONTENT_DIFFERS, "the answers of this package are no longer what was signed: have the ledger verified")
    bodies = [(part.name, body) for part, body in answers]
    package_write(file, statement=bytes(package.receipts), signature=bytes(package.receipts_signature), bodies=bodies)


def _answers(package: IncomingPackage) -> list[tuple[Part, bytes]]:
    """What calls for the state and the receipts of every batch would answer."""
    made = []
    for place in package.places.select_related("batch").defer("batch__body").order_by("position"):
        status = batch_status(agency=package.agency, batch_id=place.batch_id)
        assert status is not None
        receipts, after = [], 0
        while True:
            page = receipts_page(agency=package.agency, batch_id=place.batch_id, after=after)
            receipts += page.receipts
            if page.next is None:
                break
            after = page.next
        body = encode(BatchAnswer(status=status, receipts=receipts))
        made.append((part_made(place.position + 1, key=status.idempotency_key, kind=place.batch.kind, items=status.items, body=body), body))
    return made


def _allowed(actor: User | None) -> None:
    if actor is not None and not operates_line(actor):
        raise NotAllowed
