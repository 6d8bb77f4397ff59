"""On the hub: what it holds of an agency, told to that agency alone, and the certificates that both hold the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from exchange.contract import FAN, UNIT_KIND, Certificate, DigestAnswer, DigestQuestion, Documents, DocumentsQuestion
from exchange.models import Agency, EqualityCertificate
from exchange.selectors.sight import operates_line
from exchange.selectors.signers import fingerprints_named
from exchange.services.buckets import Holding, Tree, cell_digests, cell_entries, tree_now, tree_stored
from exchange.services.tally import day_count
from exchange.services.verification import agency_units
from orgtree import clock
from orgtree.models import User
from workflows.cms import bind_to_agency, verify_detached
from workflows.documents import canonical, digest, parse
from workflows.errors import NotAllowed, WrongState
from workflows.models import StoredDocument
from workflows.services.audit import audit
from workflows.services.signing import bind_to_account
from workflows.targets import target
from workflows.trust import TrustStore

SCHEMA = "equality/1"
KINDS = (UNIT_KIND, "staff_profile")


class NotEqual(Exception):
    """The statement is not what the hub finds: the two sides differ, or something changed meanwhile. The message says in what."""


def digests_tell(*, agency: Agency, question: DigestQuestion) -> DigestAnswer:
    """Answer one step of a descent."""
    holding = Holding(agency)
    tree = (tree_now if question.depth == "groups" else tree_stored)(holding, question.kind)
    data = _data(holding, tree, question)
    return DigestAnswer(kind=question.kind, depth=question.depth, hub=settings.AUTHORITY, root=tree.root.hex(), count=tree.count, data=data)


def _data(holding: Holding, tree: Tree, question: DigestQuestion) -> bytes:
    inside = list(question.inside)
    if question.depth == "groups":
        return b"".join(tree.groups)
    if question.depth == "buckets":
        return b"".join(b"".join(tree.buckets[group % FAN * FAN : (group % FAN + 1) * FAN]) for group in inside)
    if question.depth == "cells":
        cells = cell_digests(holding, question.kind, [bucket % FAN**2 for bucket in inside])
        return b"".join(b"".join(cells[bucket % FAN**2]) for bucket in inside)
    return cell_entries(holding, question.kind, inside)


def documents_tell(*, agency: Agency, question: DocumentsQuestion) -> Documents:
    """The documents of the agency's own records, as the hub holds them."""
    one = target(question.kind)
    unit = "pk" if question.kind == UNIT_KIND else one.unit_columns[0]
    own = agency_units(agency).order_by().values("pk")
    rows: Sequence[tuple[UUID, Any]] = list(
        one.live._default_manager.filter(**{"pk__in": question.keys, f"{unit}__in": own}).order_by().values_list("pk", "digest")
    )
    bodies = {bytes(kept.digest): kept.body for kept in StoredDocument.objects.filter(digest__in=[held for _key, held in rows])}
    return Documents(documents={str(key): parse(bytes(bodies[bytes(held)])) for key, held in rows if bytes(held) in bodies})


def certificate_take(*, agency: Agency, sent: Certificate) -> Certificate:
    """Keep a statement of equality when it is true at this moment, with the agency's signature, and tell the hub's.

    A statement that is kept already only gains the signature. Raises NotEqual, SignatureRefused.
    """
    with transaction.atomic():
        kept = EqualityCertificate.objects.select_for_update(of=("self",)).filter(agency=agency, digest=digest(sent.statement)).first()
        if kept is None:
            _statement_check(agency, sent.statement)
            kept = EqualityCertificate.objects.create(agency=agency, digest=digest(sent.statement), statement=sent.statement)
            day_count(agency=agency, matched=parse(sent.statement)["kinds"]["staff_profile"]["count"])
            audit(actor=None, action="reconciliation.equal", agency=agency.code, statement=bytes(kept.digest).hex())
        if sent.agency_signature and not kept.agency_signature:
            verified = verify_detached(
                content=sent.statement, signature=sent.agency_signature, moment=clock.now(), trust=TrustStore.load(settings.TRUST_DIRECTORY)
            )
            bind_to_agency(verified, organization_identifier=agency.code, fingerprints=fingerprints_named(agency, verified))
            kept.agency_signature, kept.agency_signer = sent.agency_signature, verified.subject[:500]
            kept.save(update_fields=["agency_signature", "agency_signer"])
    return Certificate(statement=bytes(kept.statement), agency_signature=bytes(kept.agency_signature), hub_signature=bytes(kept.hub_signature))


def certificate_sign(*, actor: User, certificate: EqualityCertificate, signature: bytes) -> EqualityCertificate:
    """The hub's signature over the statement, by its operator. Raises NotAllowed, WrongState when it is signed, SignatureRefused."""
    if not operates_line(actor):
        raise NotAllowed
    with transaction.atomic():
        kept = EqualityCertificate.objects.select_for_update(of=("self",)).get(pk=certificate.pk)
        if kept.hub_signature:
            raise WrongState
        verified = verify_detached(
            content=bytes(kept.statement), signature=signature, moment=clock.now(), trust=TrustStore.load(settings.TRUST_DIRECTORY)
        )
        bind_to_account(verified, actor)
        kept.hub_signature, kept.hub_signer = signature, verified.subject[:500]
        kept.save(update_fields=["hub_signature", "hub_signer"])
        audit(actor=actor, action="reconciliation.signed", agency=kept.agency.code, statement=bytes(kept.digest).hex())
    return kept


def equality_statement(*, agency: str, hub: str, at: str, kinds: dict[str, tuple[str, int]]) -> bytes:
    """Canonical `equality/1`: at this moment both hold the same records, by root and number of each kind."""
    held = {kind: {"root": root, "count": count} for kind, (root, count) in kinds.items()}
    return canonical({"schema": SCHEMA, "agency": agency, "hub": hub, "at": at, "kinds": held})


def _statement_check(agency: Agency, body: bytes) -> None:
    """Is the statement the one that the hub would make itself now?"""
    try:
        said = msgspec.json.decode(body, type=dict[str, Any])
        at = str(said["at"])
    except (msgspec.DecodeError, KeyError, UnicodeDecodeError) as error:
        raise NotEqual(_("The statement is not canonical equality/1.")) from error
    trees = {kind: tree_now(Holding(agency), kind) for kind in KINDS}
    kinds = {kind: (tree.root.hex(), tree.count) for kind, tree in trees.items()}
    if equality_statement(agency=agency.code, hub=settings.AUTHORITY, at=at, kinds=kinds) != body:
        raise NotEqual(_("The hub does not hold what the statement says. Compare again."))
