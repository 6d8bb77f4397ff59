"""From verified items to what the hub holds: through its own gate, and what it refused set aside with its proof.

One `Taking` is one batch on its way: `accepted` (digest by index) and `refusals` grow until every item has its answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.utils.translation import gettext as _

from exchange.contract import UNIT_KIND, ItemCode, ItemFinding
from exchange.copying import rows_copy
from exchange.models import Agency, AgencyManifest, InboundBatch, InboundEvidence, SetAside
from exchange.services.passing import passed_note, passing_lock, strayed_refusals, units_touched
from exchange.services.verification import Checked, Refusal
from orgtree.models import OrgUnit
from workflows.choices import Act, ItemState
from workflows.documents import canonical, digest
from workflows.models import ChangeItem
from workflows.rules import Found
from workflows.selectors.findings import finding_line
from workflows.services.applying import request_apply
from workflows.services.approval import request_approve_by_system
from workflows.services.staging import Proposal, Staged, request_stage
from workflows.services.submission import request_submit
from workflows.targets import target

SYSTEM = "exchange.intake"
STAGE = "verified agency signature"

# What the gate itself found, as the agency is told it; every other finding is a rule's.
OUT_OF_SCOPE = "OUT_OF_SCOPE"
GATE_CODES: Mapping[str, ItemCode] = {
    OUT_OF_SCOPE: ItemCode.WRONG_OWNER,
    "RECORD_BUSY": ItemCode.CONFLICT,
    "STALE_BASE": ItemCode.CONFLICT,
    "VALUE_FORM": ItemCode.DOCUMENT_INVALID,
}
# Refusals for what the record itself says: only a corrected version can mend them, so they must not bar its way.
OF_THE_RECORD = frozenset({ItemCode.RULE, ItemCode.DOCUMENT_INVALID, ItemCode.WRONG_OWNER, ItemCode.SEAL_MISSING})


@dataclass
class Taking:
    """A batch whose items are verified; `checked` holds them all, those already refused or held as well."""

    batch: InboundBatch
    agency: Agency
    manifest: AgencyManifest
    title: str
    checked: Sequence[Checked]
    revokes: str = ""  # why, where the agency revokes what it signed before
    accepted: dict[int, bytes] = field(default_factory=dict)
    refusals: dict[int, Refusal] = field(default_factory=dict)
    set_aside: set[int] = field(default_factory=set)  # refused and kept as such
    founded: list[Checked] = field(default_factory=list)  # records that the hub holds since now
    same: set[int] = field(default_factory=set)  # what the hub holds already, under another number

    def __post_init__(self) -> None:
        self.refusals |= {one.index: one.refusal for one in self.checked if one.refusal is not None}
        self.accepted |= {one.index: one.digest for one in self.checked if one.held and one.digest}

    @property
    def fresh(self) -> dict[int, Checked]:
        return {one.index: one for one in self.checked if one.refusal is None and not one.held}


def take(taking: Taking) -> None:
    """Bring what is fresh through the gate, keep what it refused, and note from which numbers on the agency counts anew."""
    _take_over(taking)
    if fresh := taking.fresh:
        _through_the_gate(taking, fresh)
    _set_aside(taking)


def _take_over(taking: Taking) -> None:
    """The agency says what the hub holds under a number of its own, and counts on from there. What changed at this moment is refused."""
    asked = {one.item.key: one for one in taking.checked if one.takes_over}
    if not asked:
        return
    live = target(next(iter(asked.values())).item.kind).live._default_manager.filter(pk__in=list(asked)).order_by("pk")
    stand = {key: bytes(held) for key, held in live.select_for_update(of=("self",)).values_list("pk", "digest")}
    moved = {one.index for key, one in asked.items() if stand.get(key) != one.digest}
    taking.refusals |= dict.fromkeys(moved, Refusal(ItemCode.CONFLICT, _changed_now()))
    taking.accepted = {index: held for index, held in taking.accepted.items() if index not in moved}
    SetAside.objects.bulk_create(
        [_aside(taking, one, held_as=_base(one), anew=True) for one in asked.values() if one.index not in moved], ignore_conflicts=True
    )


def _changed_now() -> str:
    return _("The record changed at the hub at the same moment. It will be taken when it is sent again.")


def _through_the_gate(taking: Taking, fresh: Mapping[int, Checked]) -> None:
    """Stage, approve by the system stage and apply."""
    batch, agency, manifest = taking.batch, taking.agency, taking.manifest
    passing = passing_lock(agency=agency, keys=[one.item.key for one in fresh.values()])
    if strayed := strayed_refusals(agency=agency, passing=passing, fresh=fresh):
        taking.refusals |= strayed
        fresh = {index: one for index, one in fresh.items() if index not in strayed}
        if not fresh:
            return
    staged = request_stage(
        actor=None,
        system=SYSTEM,
        unit=agency.root,
        allowed=units_touched(agency=agency, passing=passing),
        title=_("%(agency)s: %(title)s (manifest %(digest)s)")
        % {"agency": agency.code, "title": taking.title[:200], "digest": bytes(manifest.digest).hex()[:12]},
        proposals=[
            Proposal(kind=one.item.kind, key=one.item.key, patch=one.item.document, base_version=_base(one), ref=one.index) for one in fresh.values()
        ],
        evidence={
            "agency": agency.code,
            "manifest": bytes(manifest.digest).hex(),
            "signature": bytes(manifest.signature_digest).hex(),
            "batch": str(batch.pk),
            "body": bytes(batch.body_digest).hex(),
        },
        act=Act.REVOKE if taking.revokes else None,
        reason=taking.revokes,
    )
    taking.refusals |= _staging_refusals(staged, fresh)
    taking.same = set(staged.unchanged)
    taking.accepted |= {ref: one.digest for ref in staged.unchanged if (one := fresh[ref]).digest is not None}
    if staged.request is None:
        return
    request_submit(actor=None, request_id=staged.request.pk, system_stage=STAGE)
    request_approve_by_system(request_id=staged.request.pk)
    batch.request = request_apply(request_id=staged.request.pk)
    applied: list[Checked] = []
    for ref, state in ChangeItem.objects.filter(request=staged.request).values_list("ref", "state"):
        one = fresh[ref]
        if state == ItemState.APPLIED and one.digest is not None:
            taking.accepted[ref] = one.digest
            applied.append(one)
        else:
            taking.refusals[ref] = Refusal(ItemCode.CONFLICT, _changed_now())
    taking.founded = [one for one in applied if _base(one) == 0]
    _evidence_keep(manifest, applied)
    _root_note(agency, applied)
    passed_note(passing=passing)


def _base(one: Checked) -> int:
    return one.standing.base if one.standing is not None else one.item.base_version


def _staging_refusals(staged: Staged, by_index: Mapping[int, Checked]) -> dict[int, Refusal]:
    units = {ref: _units_named(by_index[ref]) for ref in staged.returned}
    standing = set(OrgUnit.objects.filter(pk__in=set().union(*units.values())).order_by().values_list("pk", flat=True))
    return {ref: _gate_refusal(by_index[ref], found, foreign=bool(units[ref] & standing)) for ref, found in staged.returned.items()}


def _units_named(one: Checked) -> set[UUID]:
    return target(one.item.kind).units_of(one.item.key, None, one.item.document)


def _gate_refusal(one: Checked, found: Sequence[Found], *, foreign: bool) -> Refusal:
    """`foreign`: a unit that the record names stands at the hub, so "out of scope" means another agency's and not a missing one."""
    told = [each for each in found if foreign or each.code != OUT_OF_SCOPE] or found
    lines = [finding_line(target(one.item.kind), code=each.code, severity=each.severity, field=each.field, value=each.value) for each in told]
    findings = [ItemFinding(code=each.code, field=each.field, value=each.value, message=line.message) for each, line in zip(told, lines, strict=True)]
    code = next((GATE_CODES[each.code] for each in told if each.code in GATE_CODES), ItemCode.RULE)
    return Refusal(code, lines[0].message, findings)


EVIDENCE_COLUMNS = {
    "kind": "text", "key": "uuid", "version": "int4", "agency_version": "int4", "manifest_id": "int8", "leaf_index": "int4", "proof": "bytea",
}  # fmt: skip


def _evidence_keep(manifest: AgencyManifest, taken: Sequence[Checked]) -> None:
    rows_copy(
        InboundEvidence,
        EVIDENCE_COLUMNS,
        (
            (
                one.item.kind,
                one.item.key,
                _base(one) + 1,
                one.item.version if _renumbered(one) else None,
                manifest.pk,
                one.item.leaf_index,
                _proof(one),
            )
            for one in taken
        ),
    )


def _renumbered(one: Checked) -> bool:
    """Has the hub set this version, or one before it, aside?"""
    return one.item.version != _base(one) + 1 or (one.standing is not None and (one.standing.refused is not None or one.standing.era > 0))


def _proof(one: Checked) -> bytes:
    return bytes.fromhex("".join(one.item.proof))


def _root_note(agency: Agency, taken: Sequence[Checked]) -> None:
    """Remember the agency's top unit when this batch founded it."""
    if agency.root_id is None:
        for one in taken:
            if one.item.kind == UNIT_KIND and one.item.document["parent"] is None:
                Agency.objects.filter(pk=agency.pk, root=None).update(root=one.item.key)


def _set_aside(taking: Taking) -> None:
    """Keep the versions that are proved and no version of the ledger: refused for what they say, or the same as what is held."""
    taking.set_aside = {
        one.index
        for one in taking.checked
        if one.may_be_set_aside and (refusal := taking.refusals.get(one.index)) is not None and refusal.code in OF_THE_RECORD
    }
    rows = [_aside(taking, one) for one in taking.checked if one.index in taking.set_aside]
    rows += [_aside(taking, one, held_as=_base(one)) for one in taking.checked if one.index in taking.same]
    SetAside.objects.bulk_create(rows, ignore_conflicts=True)


def _aside(taking: Taking, one: Checked, *, held_as: int | None = None, anew: bool = False) -> SetAside:
    """`held_as`: the hub's number of the version whose document it is; `anew`: it opens another era of the record."""
    body, era = canonical(one.item.document), one.standing.era if one.standing is not None else 0
    return SetAside(
        agency=taking.agency,
        kind=one.item.kind,
        key=one.item.key,
        version=one.item.version,
        digest=digest(body),
        document=body,
        manifest=taking.manifest,
        leaf_index=one.item.leaf_index,
        proof=_proof(one),
        batch=taking.batch,
        code="" if held_as is not None else taking.refusals[one.index].code.value,
        held_as=held_as,
        era=era + anew,
    )
