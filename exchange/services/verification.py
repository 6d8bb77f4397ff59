"""What the hub checks of a batch before its gate: who signed, what exactly, and whether each item is a leaf of it.

Nothing here asks what a record says; that is the gate's work. A batch whose manifest or signature does not hold is refused
as a whole; an item whose leaf, version or owner does not hold is refused alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import OuterRef, QuerySet, Subquery
from django.utils.translation import gettext as _

from exchange.choices import TRANSFER_OPEN, TransferState
from exchange.contract import PROFILE_KIND, RECEIVED_AT_FUTURE, UNIT_KIND, Envelope, Item, ItemCode, ItemFinding, Signed
from exchange.models import Agency, AgencyManifest, InboundEvidence, SetAside, TransferCase
from exchange.selectors.lateness import signature_days
from exchange.selectors.signers import signer_named
from exchange.services.asking import NOBODY, AskedFor, answers_for, signature_judge
from exchange.services.numbering import Standing, standings
from orgtree import clock
from orgtree.models import OrgUnit
from workflows import merkle
from workflows.cms import RefusalCode, SignatureRefused, bind_to_agency, bind_to_seal
from workflows.documents import Problem, canonical, digest
from workflows.manifest import SIGNED, ManifestInvalid, Statement, read_manifest
from workflows.targets import Target, target

MAX_SHOWN = 200  # characters of an offending value that go back


@dataclass(frozen=True)
class Refusal:
    """Why an item, or a whole batch, is refused: code and sentence, and what is wrong where."""

    code: ItemCode
    message: str
    findings: Sequence[ItemFinding] = field(default=())


class BatchRefused(Exception):
    """Manifest or signature does not hold: every item of the batch is refused for this reason."""

    def __init__(self, code: ItemCode, message: str) -> None:
        self.refusal = Refusal(code, message)
        super().__init__(f"{code}: {message}")


@dataclass(frozen=True)
class Checked:
    """An item with the digest of its document, when that could be made, and the refusal, when there is one."""

    index: int
    item: Item
    digest: bytes | None
    refusal: Refusal | None = None
    held: bool = False  # the hub already holds this very version
    proven: bool = False  # it is a leaf of what was signed
    standing: Standing | None = None  # set where the version is the record's next, a refused one come again, or takes over what is held
    takes_over: bool = False  # the agency says as this version what the hub holds under another number, and counts on from here

    @property
    def may_be_set_aside(self) -> bool:
        return self.proven and self.standing is not None


@dataclass(frozen=True)
class Places:
    """Where people stand, seen from the sending agency: with another one, offered to another one, gone to another one."""

    foreign: set[UUID]
    offered: set[UUID]
    gone: set[UUID]


def manifest_verify(*, agency: Agency, envelope: Envelope, asked: AskedFor = NOBODY) -> tuple[AgencyManifest, Statement]:
    """The agency's manifest with its verified signature, kept once for all its batches. Raises BatchRefused.

    `asked` is what the hub was told by responders about signatures that brought no answers along (services.asking).
    """
    try:
        statement = read_manifest(envelope.manifest)
    except ManifestInvalid as error:
        raise BatchRefused(ItemCode.MANIFEST_INVALID, str(error)) from error
    if statement.purpose not in SIGNED:
        raise BatchRefused(ItemCode.MANIFEST_INVALID, _("The manifest does not approve anything: its purpose is “%s”.") % statement.purpose)
    if statement.authority != agency.code:
        raise BatchRefused(
            ItemCode.WRONG_AGENCY,
            _("The manifest is of agency %(other)s, the sender is %(code)s.") % {"other": statement.authority, "code": agency.code},
        )
    _check_received_at(agency, envelope.received_at)
    _signed_before_verify(agency, envelope, statement, asked)
    return _signature_keep(agency, envelope, asked, seal=statement.purpose == "seal" and seal_needed(agency, envelope.received_at)), statement


def seal_needed(agency: Agency, received_at: datetime) -> bool:
    """Whether what the agency's server received at that moment must bear the agency's own seal."""
    return agency.seal_from is not None and received_at.astimezone(clock.ZONE).date() >= agency.seal_from


def _signed_before_verify(agency: Agency, envelope: Envelope, seal: Statement, asked: AskedFor) -> None:
    """What people signed before the agency put its seal on it: the very signatures that the seal names, over the same items; all are kept."""
    if [digest(one.signature).hex() for one in envelope.signed_before] != list(seal.over or ()):
        raise BatchRefused(ItemCode.MANIFEST_INVALID, _("The signatures that came along are not those on which the agency put its seal."))
    for one in envelope.signed_before:
        try:
            statement = read_manifest(one.manifest)
        except ManifestInvalid as error:
            raise BatchRefused(ItemCode.MANIFEST_INVALID, str(error)) from error
        same = ("authority", "request", "root", "count", "revokes")
        if statement.purpose not in SIGNED - {"seal"} or any(getattr(statement, name) != getattr(seal, name) for name in same):
            raise BatchRefused(ItemCode.MANIFEST_INVALID, _("The agency put its seal on something else than its people signed."))
        if not set(statement.excluded) <= set(seal.excluded):
            raise BatchRefused(ItemCode.MANIFEST_INVALID, _("The agency put its seal on records that its people left out."))
        _signature_keep(agency, one, asked)


def _signature_keep(agency: Agency, signed: Envelope | Signed, asked: AskedFor, *, seal: bool = False) -> AgencyManifest:
    names = {"agency": agency, "digest": digest(signed.manifest), "signature_digest": digest(signed.signature)}
    known = AgencyManifest.objects.filter(**names, received_at=signed.received_at).first()
    return known or _signature_verify(agency, signed, names, seal, asked)


def _check_received_at(agency: Agency, received_at: datetime) -> None:
    now = clock.now()
    limit = signature_days(agency)
    if received_at > now + RECEIVED_AT_FUTURE:
        raise BatchRefused(ItemCode.TIME_OUT_OF_BOUNDS, _("The receipt time of the signature lies in the future. Set the server's clock right."))
    if received_at < now - timedelta(days=limit):
        text = _(
            "The signature was received more than %(days)s days ago. Have the request signed anew, or ask the hub's operator for a longer limit, "
            "which a first delivery of everything may need."
        )
        raise BatchRefused(ItemCode.TIME_OUT_OF_BOUNDS, text % {"days": limit})


def _signature_verify(agency: Agency, envelope: Envelope | Signed, names: dict[str, Any], seal: bool, asked: AskedFor) -> AgencyManifest:
    try:
        known = answers_for(envelope, asked)
        verified = signature_judge(envelope, known)
        named = signer_named(agency, verified)
        bind_to_agency(verified, organization_identifier=agency.code, fingerprints=[named.fingerprint] if named else [])
        if seal:
            bind_to_seal(verified, organization_identifier=agency.code)
    except SignatureRefused as refused:
        code = ItemCode.WRONG_AGENCY if refused.code == RefusalCode.WRONG_AGENCY else ItemCode.SIGNATURE_REFUSED
        raise BatchRefused(code, f"{refused.code.value}: {refused.message}") from refused
    # The same signature with another receipt time counts again, but what was kept first stays; and an insert that fails because another worker
    # was faster would stand in the database's log, with the signer's number in it.
    fresh = AgencyManifest(
        **names,
        body=envelope.manifest,
        signature=envelope.signature,
        received_at=envelope.received_at,
        subject=verified.subject[:500],
        fingerprint=verified.fingerprint,
        answers=list(known.answers),
        asked_at=known.at,
        named_by=named,
    )
    AgencyManifest.objects.bulk_create([fresh], ignore_conflicts=True)
    return AgencyManifest.objects.get(**names)


def items_check(*, agency: Agency, envelope: Envelope, statement: Statement) -> list[Checked]:
    """Every item against its document's shape, the manifest's tree, the hub's ledger and the agency's own tree, set-wise."""
    checked: list[Checked] = []
    seen: set[UUID] = set()
    for index, item in enumerate(envelope.items):
        checked.append(_check_alone(index, item, statement, seen))
        seen.add(item.key)
    kind = envelope.items[0].kind
    proven = {one.item.key: one.item.version for one in checked if one.proven}
    known = standings(agency=agency, kind=kind, versions=proven)
    foreign = _foreign(agency, target(kind), [one.item.key for one in checked])
    places = Places(foreign, *leaving(agency, kind, list(proven)))
    anew = _counted_anew(agency, kind, statement, {one.item.key: known[one.item.key] for one in checked if _comes_back(one, known)})
    found = [_check_against(one, known[one.item.key], places, agency, anew=one.item.key in anew) if one.proven else one for one in checked]
    if statement.purpose == "seal" or not seal_needed(agency, envelope.received_at):
        return found
    return [one if one.refusal or one.held else replace(one, refusal=_unsealed()) for one in found]


def _unsealed() -> Refusal:
    """Of this version alone: it is set aside, so that a later one, which bears the seal, can follow."""
    return Refusal(ItemCode.SEAL_MISSING, _("The agency’s own seal is needed. Have the change made once more by a route that ends with the seal."))


def _check_alone(index: int, item: Item, statement: Statement, seen: set[UUID]) -> Checked:
    one = target(item.kind)
    if problems := one.schema.problems(item.document):
        findings = [_finding(one, problem) for problem in problems]
        invalid = Refusal(ItemCode.DOCUMENT_INVALID, _("The document is not a complete %s.") % one.schema.identifier, findings)
        found = _digest_of_anything(item)
        return Checked(index, item, None, invalid, proven=found is not None and _leaf_refusal(item, found, statement, seen) is None)
    found = digest(canonical(item.document))
    refusal = _leaf_refusal(item, found, statement, seen)
    return Checked(index, item, found, refusal, proven=refusal is None)


def _digest_of_anything(item: Item) -> bytes | None:
    """The digest of a document that is none; None where it has no canonical bytes at all, so that nobody can have signed it."""
    try:
        return digest(canonical(item.document))
    except (TypeError, ValueError, RecursionError):
        return None


def _leaf_refusal(item: Item, document_digest: bytes, statement: Statement, seen: set[UUID]) -> Refusal | None:
    if item.key in seen:
        return Refusal(ItemCode.TWICE_IN_BATCH, _("The record stands in this batch twice. Send its versions one after the other."))
    if (item.op == "create") != (item.base_version == 0):
        return Refusal(ItemCode.OP_INVALID, _("A new record has base version 0, a change of a record a higher one."))
    if item.leaf_index in statement.excluded:
        return Refusal(ItemCode.LEAF_EXCLUDED, _("The approver left this record out of the signed request."))
    leaf = merkle.leaf_hash(kind=item.kind, key=item.key, op=item.op, base_version=item.base_version, document_digest=document_digest)
    path = [bytes.fromhex(node) for node in item.proof]
    if not merkle.verify(leaf=leaf, index=item.leaf_index, count=statement.count, path=path, expected_root=statement.root_hash):
        return Refusal(ItemCode.PROOF_INVALID, _("The record is not what was signed: its proof does not lead to the root of the manifest."))
    return None


def _finding(one: Target, problem: Problem) -> ItemFinding:
    value = "" if problem.value is None else str(problem.value)[:MAX_SHOWN].replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
    name = problem.field[:MAX_SHOWN].replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
    return ItemFinding(code=ItemCode.DOCUMENT_INVALID, field=name, value=value, message=problem.reason)


def agency_units(agency: Agency) -> QuerySet[OrgUnit]:
    """The units that belong to the agency: its tree, named when the query runs, so that it cannot have moved meanwhile."""
    return OrgUnit.objects.filter(tree_id__in=OrgUnit.objects.filter(pk=agency.root_id).order_by().values("tree_id"))


def _foreign(agency: Agency, one: Target, keys: Sequence[UUID]) -> set[UUID]:
    """Those of the records that the hub holds for another agency."""
    columns = ("id",) if one.kind == UNIT_KIND else tuple(one.unit_columns)
    rows = list(one.live._default_manager.filter(pk__in=keys).order_by().values_list("pk", *columns))
    named = {unit for _key, *units in rows for unit in units if unit is not None}
    own = set(agency_units(agency).filter(pk__in=named).order_by().values_list("pk", flat=True))
    others = {key for key, *units in rows if not own.issuperset(unit for unit in units if unit is not None)}
    return others - coming_to(agency, others) if others and one.kind != UNIT_KIND else others


def coming_to(agency: Agency, keys: Collection[UUID]) -> set[UUID]:
    """Those of these people of other agencies whom `agency` is taking over."""
    return set(TransferCase.objects.filter(key__in=keys, to_agency=agency, state=TransferState.TAKEN).values_list("key", flat=True))


def leaving(agency: Agency, kind: str, keys: Collection[UUID]) -> tuple[set[UUID], set[UUID]]:
    """Those of these people whom `agency` has offered to another one, so that their files stand still, and those who have gone there."""
    if kind != PROFILE_KIND:
        return set(), set()
    cases = TransferCase.objects.filter(key__in=keys, from_agency=agency, state__in=[*TRANSFER_OPEN, TransferState.COMPLETED])
    found = list(cases.values_list("key", "state"))
    return {key for key, state in found if state in TRANSFER_OPEN}, {key for key, state in found if state == TransferState.COMPLETED}


def _comes_back(one: Checked, known: Mapping[UUID, Standing]) -> bool:
    """Is it the document that the hub holds, under a number that is neither that version's nor the next?"""
    if not one.proven or one.digest is None:
        return False
    standing, version = known[one.item.key], one.item.version
    return one.digest == standing.newest and version != standing.head and not standing.head < version <= standing.reach + 1


def _counted_anew(agency: Agency, kind: str, statement: Statement, known: Mapping[UUID, Standing]) -> set[UUID]:
    """Of records that come back, those of which the agency says so later than it said last what is held: it lost its numbers, and counts anew.

    What is older is an old message come again, and means nothing. Moments are whole seconds; in the same one only what is held nowhere else counts.
    """
    said = statement.prepared_at
    since = held_since(agency, kind, list(known))
    return {key for key, at in since.items() if said > at or (said == at and known[key].digest != known[key].newest)}


def held_since(agency: Agency, kind: str, keys: Collection[UUID]) -> dict[UUID, datetime]:
    """When the agency's manifest was prepared that says last what the hub holds of each record, by the signed statements themselves."""
    if not keys:
        return {}
    newest = target(kind).live._default_manager.filter(pk=OuterRef("key")).order_by().values("version")
    named = [
        *InboundEvidence.objects.filter(kind=kind, key__in=keys, version=Subquery(newest)).values_list("key", "manifest"),
        *SetAside.objects.filter(agency=agency, kind=kind, key__in=keys, held_as=Subquery(newest)).values_list("key", "manifest"),
    ]
    bodies = dict(AgencyManifest.objects.filter(pk__in={pk for _key, pk in named}).values_list("pk", "body"))
    prepared = {pk: read_manifest(bytes(body)).prepared_at for pk, body in bodies.items()}
    found: dict[UUID, datetime] = {}
    for key, pk in named:
        found[key] = max(prepared[pk], found.get(key, prepared[pk]))
    return found


def _check_against(one: Checked, standing: Standing, places: Places, agency: Agency, *, anew: bool) -> Checked:
    """`anew`: from this number on the agency counts anew."""
    item = one.item
    held = one.digest is not None and standing.digest == one.digest
    if held and not anew and (item.key not in places.foreign or item.key in places.gone):
        return replace(one, held=True)  # said once more, also by the agency that held it before
    if item.key in places.foreign or not _may_be_top(item, agency):
        refusal = Refusal(ItemCode.WRONG_OWNER, _("The record belongs to another agency."))
    elif item.key in places.offered:
        refusal = Refusal(ItemCode.IN_TRANSFER, _("The file is offered to another agency and stands still. Withdraw the offer first."))
    elif anew:
        return replace(one, held=True, takes_over=True, standing=standing)
    elif item.version <= standing.head:
        refusal = _refusal_of_old(item.version, standing)
    elif item.version > standing.reach + 1:
        refusal = Refusal(ItemCode.VERSION_GAP, _("Send version %s first.") % (standing.reach + 1))
    elif standing.refused is not None and standing.refused != _digest_of_anything(item):
        refusal = Refusal(ItemCode.VERSION_CONFLICT, _("Another document was already received as version %s.") % item.version)
    else:
        return replace(one, standing=standing)
    return replace(one, refusal=refusal)


def _refusal_of_old(version: int, standing: Standing) -> Refusal:
    if standing.digest is None and standing.refused is not None:
        return Refusal(ItemCode.SUPERSEDED, _("Version %s was refused, and a later one is held already.") % version)
    return Refusal(ItemCode.VERSION_CONFLICT, _("Another document is already held as version %s.") % version)


def _may_be_top(item: Item, agency: Agency) -> bool:
    """A unit without a superior is the agency's own top unit: the one that is known, or the first, under the agency's code."""
    if item.kind != UNIT_KIND or item.document["parent"] is not None:
        return True
    if agency.root_id is not None:
        return item.key == agency.root_id
    return item.document["code"] == agency.code
