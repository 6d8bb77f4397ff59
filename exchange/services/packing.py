"""At an agency without a line: packages made and signed, and the receipts that come back. The states are those of every other delivery.

A package's batches stay "to be sent" until its receipts are taken. A stick that is lost is written again, the same bytes; one that is carried twice
is refused at the hub by name; receipts that are taken twice change nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from typing import IO

from django.conf import settings
from django.db import transaction

from exchange.archive import OK, Archive, Said
from exchange.choices import BatchState, ChannelKind, Transport
from exchange.contract import PROFILE_KIND, Accepted, ErrorKind
from exchange.models import Batch, CatalogueSource, Channel, Delivery, OutgoingPackage, PackagedBatch
from exchange.packages import (
    MAX_BATCHES,
    BatchAnswer,
    Opened,
    PackageRefused,
    Part,
    Reason,
    ReceiptsStatement,
    Statement,
    answer_read,
    chained,
    package_open,
    package_write,
    part_made,
    statement_bytes,
)
from exchange.selectors.catalogues import catalogues_held
from exchange.selectors.sight import installation_top, operates_line
from exchange.services.closing import batches_close
from exchange.services.delivery import batch_park, batches_accepted
from exchange.services.envelopes import BatchUnsendable, envelope_bytes, envelopes_bytes
from exchange.services.forming import batches_form, deliveries_fan_out
from exchange.services.signing import signature_of, signature_own
from exchange.ways import CarriedOptions, options_read
from orgtree import clock
from orgtree.models import User
from registry.models import StaffProfile
from registry.services.reads import files_export
from workflows.cms import SignatureRefused
from workflows.errors import NotAllowed, WrongState
from workflows.services.audit import audit


def carried_channel() -> Channel | None:
    """The line to the hub that is carried by hand, where there is one."""
    return Channel.objects.filter(active=True, kind=ChannelKind.NATIONAL_HUB, transport=Transport.CARRIED).order_by("pk").first()


def package_make(*, actor: User | None, channel: Channel) -> OutgoingPackage:
    """Put what waits into a new package (actor None: from a shell on the server). Raises NotAllowed, PackageRefused when nothing waits."""
    _allowed(actor)
    deliveries_fan_out()
    with transaction.atomic():
        channel = Channel.objects.select_for_update(no_key=True).get(pk=channel.pk)
        batches, parts = _packed(channel)
        before = OutgoingPackage.objects.filter(channel=channel).order_by("-sequence").first()
        sequence = before.sequence + 1 if before else 1
        previous = chained(bytes(before.statement)) if before else None
        made_at = clock.now().astimezone(UTC)
        said = Statement(agency=settings.AUTHORITY, sequence=sequence, previous=previous, made_at=made_at, parts=parts)
        if source := CatalogueSource.objects.filter(channel=channel).exclude(checked_at=None).first():
            said.catalogues = catalogues_held(source)
        statement = statement_bytes(said)
        digest = bytes.fromhex(chained(statement) or "")
        package = OutgoingPackage.objects.create(channel=channel, sequence=sequence, statement=statement, digest=digest, made_at=made_at, maker=actor)
        PackagedBatch.objects.bulk_create([PackagedBatch(package=package, position=place, batch=one) for place, one in enumerate(batches)])
        audit(actor=actor, action="package.made", unit=installation_top(), channel=channel.code, package=sequence, batches=len(batches))
    return package


def _packed(channel: Channel) -> tuple[list[Batch], list[Part]]:
    """The batches of a new package in the order in which the hub takes them: first what is left of another way, then what waits."""
    left = list(Batch.objects.filter(channel=channel, state=BatchState.READY, place=None).order_by("created_at", "pk")[:MAX_BATCHES])
    batches = [*left, *batches_form(channel_id=channel.pk, room=MAX_BATCHES - len(left))]
    packed, parts = [], []
    for batch, body in ((one, body) for some in _few(batches) for one, body in some):
        if isinstance(body, BatchUnsendable):
            batch_park(batch=batch, kind=body.kind, code=body.code, text=body.text)
        else:
            packed.append(batch)
            parts.append(part_made(len(packed), key=batch.idempotency_key, kind=batch.kind, items=batch.size, body=body))
    if not packed:
        raise PackageRefused(Reason.NOTHING_TO_CARRY, "nothing waits that may go; what was packed before waits for its receipts")
    return packed, parts


def _few(batches: Sequence[Batch]) -> list[list[tuple[Batch, bytes | BatchUnsendable]]]:
    """Bodies of one batch after the other: a package of twenty would not fit into memory at once."""
    return [[(one, envelopes_bytes([one])[one.pk])] for one in batches]


def package_sign(*, actor: User, package: OutgoingPackage, signature: bytes) -> OutgoingPackage:
    """Keep a signature (CMS detached) over the package's statement, by the operator or the agency's seal.

    Raises NotAllowed, WrongState when it is signed already, SignatureRefused.
    """
    if not operates_line(actor):
        raise NotAllowed
    with transaction.atomic():
        package = OutgoingPackage.objects.select_for_update(of=("self",)).get(pk=package.pk)
        if package.signature:
            raise WrongState
        verified = signature_own(actor=actor, content=bytes(package.statement), signature=signature)
        package.signature, package.signer, package.signed_at = signature, verified.subject[:500], clock.now()
        package.save(update_fields=["signature", "signer", "signed_at"])
        audit(actor=actor, action="package.signed", unit=installation_top(), package=package.sequence, signer=package.signer)
    return package


def package_file(*, actor: User | None, package: OutgoingPackage, file: IO[bytes]) -> None:
    """Write a signed package, made again from the ledger: the same bytes every time. Raises NotAllowed, WrongState while unsigned, PackageRefused.

    Whoever takes it takes whole files along: each stands in the read log before a byte of it is written, as for every export. What goes out is noted
    in the exchange archive too.
    """
    _allowed(actor)
    if not package.signature:
        raise WrongState
    _read_noted(actor, package)
    places = list(package.places.select_related("batch").order_by("position"))
    stated = Opened.stated(bytes(package.statement), Statement).parts
    archive = Archive(Transport.CARRIED)

    def bodies() -> object:
        for place, part in zip(places, stated, strict=True):
            body = envelope_bytes(place.batch)
            made = part_made(place.position + 1, key=part.key, kind=part.kind, items=part.items, body=body)
            if made != part:
                raise PackageRefused(Reason.CONTENT_DIFFERS, f"{part.name} is no longer what was signed: have the ledger verified")
            archive.note(
                at=clock.now(),
                method="CARRY",
                address=f"package {package.sequence}, {part.name}",
                reference=part.key,
                outcome=OK,
                request=Said(digest=bytes.fromhex(part.digest), length=part.length),
                answer=Said(),
            )
            yield part.name, body

    package_write(file, statement=bytes(package.statement), signature=bytes(package.signature), bodies=bodies())  # type: ignore[arg-type]
    archive.write(channel_id=package.channel_id)


def _read_noted(actor: User | None, package: OutgoingPackage) -> None:
    """In the read log, person by person; from a shell, where nobody is signed in, in the audit trail alone."""
    people = Delivery.objects.filter(batch__place__package=package, message__kind=PROFILE_KIND).values_list("message__key", flat=True).distinct()
    units = dict(StaffProfile.objects.filter(pk__in=people).values_list("pk", "using_unit"))
    with transaction.atomic():
        if actor is not None:
            files_export(actor=actor, records=[(key, units.get(key)) for key in people], what=f"package {package.sequence}")
        audit(actor=actor, action="package.written", unit=installation_top(), package=package.sequence, people=len(units))


def receipts_take(*, actor: User | None, file: IO[bytes], size: int) -> OutgoingPackage:
    """Take the receipts that the hub wrote for one of our packages; all of them or none. Taking them twice changes nothing.

    Raises NotAllowed, PackageRefused.
    """
    _allowed(actor)
    opened = package_open(file, size=size)
    said = opened.read(ReceiptsStatement)
    package = OutgoingPackage.objects.select_related("channel").filter(sequence=said.sequence, digest=bytes.fromhex(said.package)).first()
    if said.agency != settings.AUTHORITY or package is None:
        raise PackageRefused(Reason.WRONG_AGENCY, f"these are receipts for package {said.sequence} of {said.agency}, which was not made here")
    options = options_read(package.channel.transport, package.channel.transport_options, CarriedOptions)
    try:
        signature_of(agency=options.hub, content=opened.statement, signature=opened.signature)
    except SignatureRefused as refused:
        raise PackageRefused(Reason.SIGNATURE_REFUSED, str(refused)) from refused
    answers = [(part, answer_read(opened.body(part))) for part in said.parts]
    with transaction.atomic():
        package = OutgoingPackage.objects.select_for_update(of=("self",)).select_related("channel").get(pk=package.pk)
        batches = {place.batch.idempotency_key: place.batch for place in package.places.select_related("batch__channel")}
        if {part.key for part, _answer in answers} != batches.keys():
            raise PackageRefused(Reason.CONTENT_DIFFERS, "the receipts are not for the batches of this package")
        for part, answer in answers:
            _settle(batches[part.key], answer)
        if package.answered_at is None:
            package.answered_at = clock.now()
            package.save(update_fields=["answered_at"])
            audit(actor=actor, action="package.answered", unit=installation_top(), package=package.sequence)
        _archived(package, answers)
    return package


def _settle(batch: Batch, answer: BatchAnswer) -> None:
    """What the answer says of one batch, through the very functions that a call's answer takes."""
    batches_accepted([(batch, Accepted(batch=answer.status.batch, items=answer.status.items))])
    batch.refresh_from_db(fields=["state"])
    if batch.state != BatchState.ACCEPTED:
        return  # settled before, or parked: another number of records
    if answer.status.state == "failed":
        text = "the other side could not process the batch; its operator was told"
        batch_park(batch=batch, kind=ErrorKind.AMBIGUOUS, code="REMOTE_FAILED", text=text)
    else:
        batches_close({batch: answer.receipts})


def _archived(package: OutgoingPackage, answers: Sequence[tuple[Part, BatchAnswer]]) -> None:
    archive = Archive(Transport.CARRIED)
    for part, _answer in answers:
        archive.note(
            at=clock.now(),
            method="CARRY",
            address=f"receipts of package {package.sequence}, {part.name}",
            reference=part.key,
            outcome=OK,
            request=Said(),
            answer=Said(digest=bytes.fromhex(part.digest), length=part.length),
        )
    archive.write(channel_id=package.channel_id)


def _allowed(actor: User | None) -> None:
    if actor is not None and not operates_line(actor):
        raise NotAllowed
