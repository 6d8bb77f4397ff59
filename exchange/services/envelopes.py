"""The bytes of a batch, made from the ledger whenever they are needed: the same bytes every time.

Documents go out as the stored canonical bytes; nothing is parsed. Manifest and signature are those of the last signed stage.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec

from exchange.contract import ErrorKind, encode
from exchange.models import Batch, Delivery
from workflows import merkle
from workflows.choices import Verdict
from workflows.models import ChangeItem, ChangeRequest, Decision
from workflows.services.leaves import request_leaves


class BatchUnsendable(Exception):
    """A batch that cannot be made into an envelope, whoever tries: it is parked with this code."""

    kind = ErrorKind.CONFIG

    def __init__(self, code: str, text: str) -> None:
        self.code, self.text = code, text
        super().__init__(f"{code}: {text}")


class OutgoingItem(msgspec.Struct, kw_only=True):
    """`contract.Item` on its way out: the document as stored bytes."""

    kind: str
    key: UUID
    op: str
    base_version: int
    document: msgspec.Raw
    leaf_index: int
    proof: list[str]


def envelopes_bytes(batches: Sequence[Batch]) -> dict[UUID, bytes | BatchUnsendable]:
    """The bodies of some batches' calls, or why one cannot be made; a few statements for each request that they are of."""
    leaves: dict[UUID, list[int]] = {batch.pk: [] for batch in batches}
    members = Delivery.objects.filter(batch__in=leaves).order_by("batch", "position").values_list("batch_id", "message__leaf_index")
    for batch_id, leaf in members:
        leaves[batch_id].append(leaf)
    bodies: dict[UUID, bytes | BatchUnsendable] = {}
    for request_id in {batch.request_id for batch in batches}:
        own = [batch.pk for batch in batches if batch.request_id == request_id]
        try:
            said = _signed(request_id)
        except BatchUnsendable as error:
            bodies |= dict.fromkeys(own, error)
            continue
        items = _items(request_id, [leaf for batch_id in own for leaf in leaves[batch_id]])
        bodies |= {batch_id: encode({**said, "items": [items[leaf] for leaf in leaves[batch_id]]}) for batch_id in own}
    return bodies


def envelope_bytes(batch: Batch) -> bytes:
    """The body of one batch's call. Raises BatchUnsendable when its request carries no signature."""
    body = envelopes_bytes([batch])[batch.pk]
    if isinstance(body, BatchUnsendable):
        raise body
    return body


def envelope_make(request_id: UUID, leaves: Sequence[int]) -> dict[str, Any]:
    """The envelope of some leaves of one request, in that order. Raises BatchUnsendable."""
    said, items = _signed(request_id), _items(request_id, leaves)
    return {**said, "items": [items[leaf] for leaf in leaves]}


def _signed(request_id: UUID) -> dict[str, Any]:
    """What every envelope of a request says: its last signed manifest with signature and receipt time, and what that puts a seal on."""
    decisions = Decision.objects.filter(stage__request=request_id, verdict=Verdict.APPROVE, manifest__isnull=False, signature__isnull=False)
    chosen = decisions.select_related("manifest", "signature", "stage").prefetch_related("signature__answers")
    signed = list(chosen.order_by("stage__number", "pk"))
    if not signed:
        raise BatchUnsendable("UNSIGNED", "no stage of this request was signed, so there is nothing that proves it to the other side")
    *before, last = signed
    return {**_signed_part(last), **({"signed_before": [_signed_part(one) for one in before]} if last.stage.seal else {})}


def _signed_part(decision: Decision) -> dict[str, Any]:
    assert decision.manifest is not None
    assert decision.signature is not None
    answers = sorted(decision.signature.answers.all(), key=lambda one: one.certificate)
    return {
        "manifest": base64.b64encode(bytes(decision.manifest.body)).decode(),
        "signature": base64.b64encode(bytes(decision.signature.der)).decode(),
        "received_at": decision.signature.received_at.isoformat(),
        # Only where there are any: a hub of before does not know the field.
        **({"answers": [base64.b64encode(bytes(one.der)).decode() for one in answers]} if answers else {}),
    }


def _items(request_id: UUID, leaves: Sequence[int]) -> dict[int, OutgoingItem]:
    """Items by their leaves."""
    items = ChangeItem.objects.filter(request=request_id, leaf_index__in=leaves).select_related("document")
    tree = _tree(request_id)
    return {
        item.leaf_index: OutgoingItem(
            kind=item.kind,
            key=item.key,
            op=item.op,
            base_version=item.base_version,
            document=msgspec.Raw(bytes(item.document.body)),
            leaf_index=item.leaf_index,
            proof=[node.hex() for node in merkle.proof(tree, item.leaf_index)],
        )
        for item in items
        if item.leaf_index is not None
    }


@lru_cache(maxsize=2)
def _tree(request_id: UUID) -> list[list[bytes]]:
    """The whole tree of a request: frozen at submit, so it is built once for all its batches (100,000 leaves: 0.6 s, 20 MB)."""
    return merkle.levels(request_leaves(ChangeRequest.objects.get(pk=request_id)))
