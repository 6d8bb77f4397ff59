"""On the hub: what an agency is told of the code lists, what it says of its own, and lists of the release brought into the gate to be published."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import override

from exchange.catalogue_contract import CODE_KIND, PAGE, RANK_KIND, RANKS, STEP_KIND, STEPS, Catalogues, CataloguesHeld
from exchange.models import Agency, AgencyCatalogue
from exchange.selectors.catalogues_published import Published, catalogue_head, catalogue_heads, published_codes
from exchange.services.envelopes import envelope_make
from orgtree import clock
from orgtree.models import OrgUnit, User
from registry.selectors.catalogues import catalogue_title, held_codes
from workflows.documents import Document
from workflows.services.staging import Proposal, Staged, request_stage


def catalogues_tell() -> Catalogues:
    """Every published catalogue as it stands, in the language of the administration."""
    with override(settings.LANGUAGE_CODE):
        return Catalogues(authority=settings.AUTHORITY, catalogues=catalogue_heads())


def catalogues_held_take(*, agency: Agency, said: CataloguesHeld) -> None:
    """Write down how far an agency has each catalogue; what it names no more it no longer holds. May be repeated."""
    now = clock.now()
    rows = {
        one.name: AgencyCatalogue(agency=agency, name=one.name, version=one.version, waiting=one.waiting, kept=one.kept, reported_at=now)
        for one in said.held
    }
    with transaction.atomic():
        AgencyCatalogue.objects.filter(agency=agency).exclude(name__in=rows).delete()
        AgencyCatalogue.objects.bulk_create(
            [rows[name] for name in sorted(rows)],
            update_conflicts=True,
            unique_fields=["agency", "name"],
            update_fields=["version", "waiting", "kept", "reported_at"],
        )


def catalogue_page(*, name: str, after: int) -> dict[str, Any] | None:
    """A `CataloguePage`, the documents as stored bytes; None for a catalogue that is not published."""
    head = catalogue_head(name)
    if head is None:
        return None
    some = published_codes(name=name, after=after, limit=PAGE + 1)
    codes = some[:PAGE]
    manifests, items = _signed_parts(codes)
    return {
        "name": name,
        "version": head.version,
        "digest": head.digest,
        "codes": [items[one.request, one.leaf_index] | {"version": one.version, "position": one.position} for one in codes],
        "manifests": manifests,
        "next": codes[-1].position if len(some) > PAGE else None,
    }


def _signed_parts(codes: Sequence[Published]) -> tuple[list[dict[str, Any]], dict[tuple[UUID, int], dict[str, Any]]]:
    """What was signed of the requests that the codes come from, once each, and each code as a leaf of it."""
    manifests, items = [], {}
    for request in dict.fromkeys(one.request for one in codes):
        said = envelope_make(request, [one.leaf_index for one in codes if one.request == request])
        leaves = said.pop("items")
        manifests.append(said)
        digest = hashlib.sha256(base64.b64decode(said["manifest"])).hexdigest()
        for item in leaves:
            items[request, item.leaf_index] = {
                "kind": item.kind,
                "key": item.key,
                "document": item.document,
                "manifest": digest,
                "leaf_index": item.leaf_index,
                "proof": item.proof,
            }
    return manifests, items


def catalogue_propose(*, actor: User, unit: OrgUnit | None, name: str, source: str) -> Staged:
    """Bring every code of a list that was never decided here into the gate, as it stands, so that it is signed and published.

    `source` is the decree or circular of those codes that name none. Findings are returned, never raised; `Staged.request` is None when
    every code of the list was decided already.
    """
    source = " ".join(source.split())[:200]
    proposals = [
        Proposal(kind=kind_of_catalogue(name), key=key, patch=_whole(held.document, source), ref=ref)
        for ref, (key, held) in enumerate(_undecided(name), start=1)
    ]
    title = _("Publishing the list {name}").format(name=catalogue_title(name))
    return request_stage(actor=actor, unit=unit, title=title, proposals=proposals)


def _undecided(name: str) -> list[tuple[UUID, Any]]:
    kind = kind_of_catalogue(name)
    held = held_codes(kinds=[kind], lists=[name] if kind == CODE_KIND else None)
    return sorted(((key, one) for key, one in held.items() if not one.version), key=lambda one: str(one[0]))


def kind_of_catalogue(name: str) -> str:
    return {RANKS: RANK_KIND, STEPS: STEP_KIND}.get(name, CODE_KIND)


def _whole(document: Document, source: str) -> Document:
    return {**document, "source": document["source"] or source}
