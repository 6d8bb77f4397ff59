"""At an agency: the hub's code lists beside its own: what would change here, what contradicts, and what somebody decided about that.

A code that the agency added or changed itself is never touched by what comes from the hub. What it took over before is its own ledger's request
(`CatalogueTaking`), so a change of the hub's is brought over three ways: what was taken, what the hub has now, what stands here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef

from exchange.catalogue_contract import CatalogueHeld
from exchange.models import CatalogueChoice, CatalogueCode, CatalogueRead, CatalogueSource, CatalogueTaking
from exchange.selectors.sight import operates_line
from orgtree.models import User
from orgtree.text import plain
from registry.selectors.catalogues import HeldCode, code_of, code_uses, held_codes, name_of
from registry.selectors.code_lists import code_authority
from workflows.choices import OPEN_STATES, ItemState, RequestState
from workflows.documents import Document, parse
from workflows.merging import merge
from workflows.models import ChangeItem, RecordVersion
from workflows.targets import target


class CodeState(StrEnum):
    """How a code of the hub's stands here."""

    SAME = "same"  # as the hub has it, or taken over and since then changed here
    WAITING = "waiting"  # in a request that is not decided yet
    NEW = "new"
    CHANGED = "changed"
    CLASH = "clash"  # a person has to choose
    KEPT = "kept"  # somebody chose that ours stays


OPEN = (CodeState.NEW, CodeState.CHANGED, CodeState.CLASH)


@dataclass(frozen=True)
class CodeStanding:
    """One code of the hub's beside ours. `patch` is what the agency's request would say of it; `clashing` the fields that both sides changed,
    or `("code",)` where another code of ours, `twin`, already means the same. `choice` is what a person decided about it."""

    published: CatalogueCode
    state: CodeState
    theirs: Document
    ours: Document | None
    patch: Mapping[str, Any] = field(default_factory=dict)
    clashing: Sequence[str] = ()
    twin: str = ""
    choice: CatalogueChoice | None = None
    request: UUID | None = None

    @property
    def takes(self) -> bool:
        """Whether a request that takes over what is new would hold it."""
        return self.state in (CodeState.NEW, CodeState.CHANGED) or (self.state == CodeState.CLASH and self.choice is not None)

    @property
    def code(self) -> str:
        return code_of(self.published.kind, self.theirs)

    @property
    def name(self) -> str:
        return name_of(self.published.kind, self.theirs)

    @property
    def fields(self) -> list[str]:
        """The fields in which the two differ."""
        return [] if self.ours is None else target(self.published.kind).schema.changed(self.ours, self.theirs)

    @property
    def ends(self) -> str:
        """The day on which the hub ends a code that has no such end here; "" otherwise."""
        ended = self.theirs.get("valid_to")
        return str(ended) if ended and (self.ours or {}).get("valid_to") != ended else ""


def may_pull(user: User) -> bool:
    """Who may ask the hub for new lists, and look at them: whoever operates the line, or may propose codes."""
    return operates_line(user) or code_authority(user) is not None


def codes_newest(source: CatalogueSource, *, names: Collection[str] | None = None) -> list[CatalogueCode]:
    """Every code as the hub holds it now, of some catalogues; documents included."""
    rows = CatalogueCode.objects.filter(source=source) if names is None else CatalogueCode.objects.filter(source=source, catalogue__in=names)
    rows = rows.select_related("manifest").defer("manifest__body", "manifest__signature")
    return list(rows.order_by("kind", "key", "-position").distinct("kind", "key"))


def standings(source: CatalogueSource, *, names: Collection[str] | None = None) -> list[CodeStanding]:
    """Every code of the hub's beside ours, in the order of lists and codes; seven queries, however many codes."""
    newest = codes_newest(source, names=names)
    held = held_codes(kinds={one.kind for one in newest}, lists={one.catalogue for one in newest})
    facts = _Facts.of(source)
    theirs = {one.pk: parse(bytes(one.document)) for one in newest}
    own = _own_names(held, {one.key for one in newest})
    found = [_standing(one, theirs[one.pk], held.get(one.key), facts, own) for one in newest]
    return sorted(found, key=lambda one: (one.published.catalogue, one.code))


@dataclass(frozen=True)
class _Facts:
    """What people did about published codes, by their row; what was taken over last, and the request that is being decided, by their key."""

    choices: Mapping[int, CatalogueChoice]
    taken: Mapping[UUID, CatalogueCode]
    waiting: Mapping[UUID, UUID]

    @classmethod
    def of(cls, source: CatalogueSource) -> _Facts:
        choices = {one.code_id: one for one in CatalogueChoice.objects.filter(code__source=source).select_related("actor")}
        takings = CatalogueTaking.objects.filter(code__source=source)
        version = RecordVersion.objects.filter(kind=OuterRef("code__kind"), key=OuterRef("code__key"), request=OuterRef("request"))
        taken: dict[UUID, CatalogueCode] = {}
        for one in takings.filter(Exists(version)).select_related("code").order_by("code__position"):
            taken[one.code.key] = one.code
        item = ChangeItem.objects.filter(kind=OuterRef("code__kind"), key=OuterRef("code__key"), request=OuterRef("request"))
        under_way = item.filter(request__state__in=[*OPEN_STATES, RequestState.READY, RequestState.DRAFT, RequestState.CHECKING])
        waiting = takings.filter(Exists(under_way.exclude(state=ItemState.EXCLUDED)))
        return cls(choices, taken, dict(waiting.values_list("code__key", "request_id")))


def _own_names(held: Mapping[UUID, HeldCode], published: Collection[UUID]) -> Mapping[tuple[str, str], str]:
    """Codes that were decided here and that the hub does not know, by list and name: a code of the hub's may mean the same."""
    own = (one.document for key, one in held.items() if one.version and key not in published)
    return {(document["list"], plain(document["name_vi"])): document["code"] for document in own if document.get("list")}


def _standing(one: CatalogueCode, theirs: Document, held: HeldCode | None, facts: _Facts, own: Mapping[tuple[str, str], str]) -> CodeStanding:
    ours = held.document if held else None
    if one.key in facts.waiting:
        return CodeStanding(one, CodeState.WAITING, theirs, ours, request=facts.waiting[one.key])
    taken = facts.taken.get(one.key)
    if (taken is not None and taken.pk == one.pk) or (held is not None and _same(theirs, held)):
        return CodeStanding(one, CodeState.SAME, theirs, ours)
    state, patch, clashing, twin = _judged(one, theirs, held, parse(bytes(taken.document)) if taken else None, own)
    choice = facts.choices.get(one.pk) if state == CodeState.CLASH else None
    if choice is not None and choice.choice == CatalogueChoice.Choice.KEEP:
        return CodeStanding(one, CodeState.KEPT, theirs, ours, clashing=clashing, twin=twin, choice=choice)
    return CodeStanding(one, state, theirs, ours, patch, clashing, twin, choice=choice)


def _same(theirs: Document, held: HeldCode) -> bool:
    """A code of the release has no source of its own often enough; what it means is what counts."""
    beside = set() if held.version else {"source"}
    return all(held.document[name] == value for name, value in theirs.items() if name not in beside)


Judged = tuple[CodeState, Mapping[str, Any], Sequence[str], str]


def _judged(one: CatalogueCode, theirs: Document, held: HeldCode | None, was: Document | None, own: Mapping[tuple[str, str], str]) -> Judged:
    if held is None:
        twin = own.get((str(theirs.get("list")), plain(theirs.get("name_vi") or "")), "")
        return (CodeState.CLASH, theirs, ("code",), twin) if twin else (CodeState.NEW, theirs, (), "")
    if not held.version:
        return CodeState.CHANGED, theirs, (), ""
    schema = target(one.kind).schema
    if was is None:
        return CodeState.CLASH, theirs, schema.changed(held.document, theirs), ""
    merged = merge(schema, was=was, mine=theirs, now=held.document)
    clashing = [clash.name for clash in merged.clashes]
    if not clashing and not merged.patch:
        return CodeState.SAME, {}, (), ""
    return (CodeState.CLASH if clashing else CodeState.CHANGED), merged.settled(clashing), clashing, ""


def catalogues_held(source: CatalogueSource) -> list[CatalogueHeld]:
    """How far this agency has each catalogue that it has read, as it says to the hub."""
    waiting: dict[str, int] = defaultdict(int)
    kept: dict[str, int] = defaultdict(int)
    for one in standings(source):
        waiting[one.published.catalogue] += one.state in (*OPEN, CodeState.WAITING)
        kept[one.published.catalogue] += one.state == CodeState.KEPT
    reads = CatalogueRead.objects.filter(source=source, version__gt=0).order_by("name")
    return [CatalogueHeld(name=one.name, version=one.version, waiting=waiting[one.name], kept=kept[one.name]) for one in reads]


def ended_uses(found: Sequence[CodeStanding]) -> dict[int, int]:
    """How many files on hand use the codes that the hub ends, by the published code's row."""
    by_list: dict[str, dict[str, int]] = defaultdict(dict)
    for one in found:
        if one.ends and one.state in (*OPEN, CodeState.WAITING):
            by_list[one.published.catalogue][one.code] = one.published.pk
    uses: dict[int, int] = {}
    for name, codes in by_list.items():
        counted = code_uses(name=name, codes=list(codes))
        uses |= {row: counted.get(code, 0) for code, row in codes.items()}
    return uses
