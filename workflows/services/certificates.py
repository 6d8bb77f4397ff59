"""Registering a signing certificate whose subject does not carry the person's number: by proof that the person holds its key.

The person, or a superuser with them, brings the certificate; the server makes a challenge for this account, certificate and site
(`workflows.registration`), which is signed with the certificate's key within the hour and judged by the code of every other signature.
What the person registers counts at once; what a superuser began, another one confirms. It can be ended at any time.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, connection, transaction

from orgtree import clock
from orgtree.models import User
from workflows.certificates import SigningCertificate, certificate_judge, certificate_read
from workflows.choices import CertificateState, CertificateWay
from workflows.cms import VerifiedSignature, signed_digest, verify_detached
from workflows.documents import digest
from workflows.errors import NotAllowed, OwnCertificate, ReasonMissing, WrongState
from workflows.models import Manifest, RegisteredCertificate, Signature
from workflows.refusals import RefusalCode, SignatureRefused
from workflows.registration import RegistrationInvalid, build_registration, read_registration
from workflows.services.audit import audit
from workflows.services.revocation import Asked, responders_ask
from workflows.services.signing import signature_verify
from workflows.trust import TrustStore

LASTS = timedelta(hours=1)


def certificate_ask(*, actor: User, user: User, body: bytes, origin: str) -> RegisteredCertificate:
    """Begin to register the certificate in the file `body` for `user`: makes the statement to sign, for the site `origin`.

    An earlier statement about the same certificate that nobody answered is thrown away. Raises NotAllowed, SignatureRefused.
    """
    way = _way(actor, user)
    certificate = certificate_read(body)
    now = clock.now()
    certificate_judge(certificate, moment=now, trust=TrustStore.load(settings.TRUST_DIRECTORY))
    _refuse_unless_free(user, certificate.fingerprint, certificate.personal_number)
    with transaction.atomic():
        RegisteredCertificate.objects.filter(user=user, fingerprint=certificate.fingerprint, state=CertificateState.ASKED).delete()
        row = RegisteredCertificate.objects.create(
            user=user,
            username=user.username,
            way=way,
            fingerprint=certificate.fingerprint,
            subject=certificate.subject,
            certificate=certificate.der,
            valid_until=certificate.valid_until,
            statement=_statement(user, certificate, origin),
            asked_by=actor,
            expires_at=now + LASTS,
        )
        audit(actor=actor, action="certificate.asked", **_said(row))
    return row


def certificate_prove(*, actor: User, certificate_id: UUID, signature: bytes, origin: str) -> RegisteredCertificate:
    """Take the signature (CMS detached, DER) over the statement: the certificate counts from now on, or waits for a second administrator.

    Raises NotAllowed, SignatureRefused, which is audited.
    """
    row = RegisteredCertificate.objects.select_related("user").get(pk=certificate_id)
    if actor.pk not in (row.user_id, row.asked_by_id) or not actor.is_active:
        raise NotAllowed
    try:
        _refuse_unless_open(row, origin)
        asked = responders_ask(signature=signature)  # over the network, so before anything is locked
        with transaction.atomic():
            row = _locked(certificate_id)
            _refuse_unless_open(row, origin)
            received = clock.now()
            verified = _verified(bytes(row.statement), signature, received, asked)
            if verified.fingerprint != row.fingerprint:
                raise SignatureRefused(RefusalCode.OTHER_CERTIFICATE, f"signed by {verified.fingerprint}")
            _refuse_unless_free(row.user, row.fingerprint, verified.personal_number)
            own = row.way == CertificateWay.OWN
            row.proof, row.proved_at, row.answers = signature, received, list(asked.responses)
            row.state = CertificateState.IN_FORCE if own else CertificateState.PROVED
            row.in_force_at = received if own else None
            _save(row, "proof", "proved_at", "answers", "state", "in_force_at")
            audit(actor=actor, action="certificate.registered" if own else "certificate.proved", **_said(row))
    except SignatureRefused as refused:
        audit(actor=actor, action="certificate.proof_refused", code=str(refused.code), refusal=refused.reason[:300], **_said(row))
        raise
    return row


def certificate_confirm(*, actor: User, certificate_id: UUID) -> RegisteredCertificate:
    """The second administrator: it counts from now on. Raises NotAllowed, OwnCertificate, WrongState, SignatureRefused when it is taken."""
    with transaction.atomic():
        row = _to_decide(actor, certificate_id)
        row.state, row.decider, row.in_force_at = CertificateState.IN_FORCE, actor, clock.now()
        _save(row, "state", "decider", "in_force_at")
        audit(actor=actor, action="certificate.registered", **_said(row))
    return row


def certificate_refuse(*, actor: User, certificate_id: UUID, reason: str) -> RegisteredCertificate:
    """The second administrator says no, and why. Raises what certificate_confirm raises, and ReasonMissing."""
    if not reason.strip():
        raise ReasonMissing
    with transaction.atomic():
        row = _to_decide(actor, certificate_id)
        row.state, row.decider, row.reason = CertificateState.REFUSED, actor, reason.strip()[:300]
        _save(row, "state", "decider", "reason")
        audit(actor=actor, action="certificate.refused", reason=row.reason, **_said(row))
    return row


def certificate_end(*, actor: User, certificate_id: UUID, reason: str = "") -> RegisteredCertificate:
    """What it signs counts no longer, from now on: its holder says so, or a superuser, with a reason.

    Raises NotAllowed, ReasonMissing, WrongState.
    """
    with transaction.atomic():
        row = _locked(certificate_id)
        if not actor.is_active or (actor.pk != row.user_id and not actor.is_superuser):
            raise NotAllowed
        if actor.pk != row.user_id and not reason.strip():
            raise ReasonMissing
        if row.state != CertificateState.IN_FORCE:
            raise WrongState
        row.state, row.ended_by, row.ended_at, row.reason = CertificateState.ENDED, actor, clock.now(), reason.strip()[:300]
        _save(row, "state", "ended_by", "ended_at", "reason")
        audit(actor=actor, action="certificate.ended", reason=row.reason, **_said(row))
    return row


def certificate_damages(trust: TrustStore | None) -> Iterator[tuple[str, str]]:
    """(place, what) of every registration whose proof does not hold, or of which the (sealed) audit trail tells otherwise. Without `trust`
    proofs are not judged."""
    for row in RegisteredCertificate.objects.filter(proof__isnull=False).order_by("asked_at").iterator(chunk_size=500):
        if (what := _broken(row, trust)) is not None:
            yield f"certificate {row.pk}", what
    with connection.cursor() as cursor:
        cursor.execute(TOLD)
        for (name,) in cursor.fetchall():
            yield f"certificate {name}", "the audit trail tells otherwise of it"


# What the trail says was registered and ended, against what is kept; events older than the trail's first kept month are not asked for.
TOLD = """
with told as (
  select detail ->> 'registration' as id, detail ->> 'user' as holder, detail ->> 'certificate' as fingerprint, detail ->> 'proof' as proof,
    (detail ->> 'since')::timestamptz as since, max(at) filter (where action = 'certificate.ended') is not null as ended
  from workflows_auditevent where action in ('certificate.registered', 'certificate.ended') group by 1, 2, 3, 4, 5),
kept as (
  select id::text as id, user_id::text as holder, fingerprint::text as fingerprint, encode(sha256(proof), 'hex') as proof, in_force_at as since,
    ended_at is not null as ended
  from workflows_registeredcertificate where in_force_at >= (select min(at) from workflows_auditevent) and way <> 'former')
select coalesce(t.id, k.id) from told t full join kept k on k.id = t.id
where t is distinct from k and (k.id is not null or t.since >= (select min(at) from workflows_auditevent))
"""


def _broken(row: RegisteredCertificate, trust: TrustStore | None) -> str | None:
    statement, proof = bytes(row.statement), bytes(row.proof or b"")
    try:
        said = read_registration(statement)
    except RegistrationInvalid as error:
        return str(error)
    if digest(bytes(row.certificate)).hex() != row.fingerprint or said.certificate != row.fingerprint or said.account.user != row.username:
        return "its statement is about another certificate or account"
    if row.proved_at is None or not said.issued_at <= row.proved_at <= said.expires_at + timedelta(seconds=1):
        return "its proof was not given in time"
    if trust is None:
        return None
    try:
        answers = [bytes(one) for one in row.answers]
        verified = verify_detached(content=statement, signature=proof, moment=row.proved_at, trust=trust, responses=answers)
    except SignatureRefused as refused:
        return f"{refused.code}: {refused}"
    return None if verified.fingerprint == row.fingerprint else "its proof was signed with another certificate"


def _way(actor: User, user: User) -> CertificateWay:
    if not (actor.is_active and user.is_active) or (actor.pk != user.pk and not actor.is_superuser):
        raise NotAllowed
    return CertificateWay.OWN if actor.pk == user.pk else CertificateWay.OFFICE


def _refuse_unless_free(user: User, fingerprint: str, personal_number: str | None) -> None:
    """A certificate with a number is bound by that, and one that is bound to somebody, or to the organisation, to nobody else."""
    if personal_number is not None:
        own = personal_number == user.personal_number
        raise SignatureRefused(RefusalCode.CERTIFICATE_NUMBERED if own else RefusalCode.WRONG_PERSON, "the subject carries a personal number")
    taken = RegisteredCertificate.objects.filter(fingerprint=fingerprint, state__in=[CertificateState.PROVED, CertificateState.IN_FORCE])
    if (holder := taken.values_list("user_id", flat=True).first()) is not None:
        code = RefusalCode.CERTIFICATE_KNOWN if holder == user.pk else RefusalCode.CERTIFICATE_TAKEN
        raise SignatureRefused(code, f"certificate {fingerprint} is registered for account {holder}")
    if Signature.objects.filter(fingerprint=fingerprint, decisions__stage__seal=True).exists():
        raise SignatureRefused(RefusalCode.SEAL_CERTIFICATE, f"certificate {fingerprint} has sealed requests")


def _verified(statement: bytes, signature: bytes, received: datetime, asked: Asked) -> VerifiedSignature:
    try:
        return signature_verify(statement, signature, received, asked)
    except SignatureRefused as refused:
        over = signed_digest(signature) if refused.code == RefusalCode.ALTERED else None
        if over is not None and Manifest.objects.filter(pk=over).exists():
            raise SignatureRefused(RefusalCode.WRONG_PURPOSE, "signed for a change request") from refused
        raise


def _refuse_unless_open(row: RegisteredCertificate, origin: str) -> None:
    if row.state != CertificateState.ASKED:
        raise SignatureRefused(RefusalCode.CHALLENGE_USED, f"registration {row.pk} is {row.state}")
    said = read_registration(bytes(row.statement))
    if clock.now() > said.expires_at or row.user.username != said.account.user:
        raise SignatureRefused(RefusalCode.CHALLENGE_OVER, f"registration {row.pk} was open until {said.expires_at.isoformat()}")
    if said.origin != origin.lower():
        raise SignatureRefused(RefusalCode.OTHER_SITE, f"made for {said.origin}, answered at {origin}")


def _statement(user: User, certificate: SigningCertificate, origin: str) -> bytes:
    return build_registration(
        authority=settings.AUTHORITY,
        origin=origin,
        name=user.display_name,
        user=user.username,
        certificate=certificate.fingerprint,
        subject=certificate.subject,
        nonce=secrets.token_bytes(32),
        issued_at=clock.now(),
        lasts=LASTS,
    )


def _locked(certificate_id: UUID) -> RegisteredCertificate:
    return RegisteredCertificate.objects.select_for_update(of=("self",)).select_related("user").get(pk=certificate_id)


def _to_decide(actor: User, certificate_id: UUID) -> RegisteredCertificate:
    row = _locked(certificate_id)
    if not (actor.is_active and actor.is_superuser):
        raise NotAllowed
    if row.state != CertificateState.PROVED:
        raise WrongState
    if actor.pk in (row.user_id, row.asked_by_id):
        raise OwnCertificate
    return row


def _save(row: RegisteredCertificate, *fields: str) -> None:
    """Two challenges about one certificate may be answered at once: the database lets one of them be in force."""
    try:
        with transaction.atomic():
            row.save(update_fields=fields)
    except IntegrityError as error:
        if "certificate_of_one_person" in str(error):
            raise SignatureRefused(RefusalCode.CERTIFICATE_TAKEN, f"certificate {row.fingerprint} was registered meanwhile") from error
        raise


def _said(row: RegisteredCertificate) -> dict[str, Any]:
    """What the audit trail says of a registration: enough to know the row again."""
    return {
        "registration": str(row.pk),
        "user": row.user_id,
        "way": row.way,
        "certificate": row.fingerprint,
        "statement": digest(bytes(row.statement)).hex(),
        "proof": digest(bytes(row.proof)).hex() if row.proof else None,
        "since": row.in_force_at.isoformat() if row.in_force_at else None,
    }
