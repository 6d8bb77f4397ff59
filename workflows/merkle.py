"""Merkle tree hash of RFC 9162 section 2.1: one root over all items of a request, a proof for each on demand.

Leaves and nodes are domain-separated (0x00 and 0x01). A leaf is over the canonical bytes of
{kind, key, op, base_version, document_digest}, not over the document alone, else an old proof could be replayed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from uuid import UUID

from workflows.documents import canonical

EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(*, kind: str, key: UUID | str, op: str, base_version: int, document_digest: bytes) -> bytes:
    """Hash of one item's leaf (32 bytes); `document_digest` is the SHA-256 of the canonical document."""
    body = canonical({"kind": kind, "key": str(key), "op": op, "base_version": base_version, "document_digest": document_digest.hex()})
    return hashlib.sha256(b"\x00" + body).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def levels(leaves: Sequence[bytes]) -> list[list[bytes]]:
    """All levels, leaves first, root last; an odd last node rises unchanged, which is RFC 9162's split at a power of two."""
    level = list(leaves)
    tree = [level]
    while len(level) > 1:
        pairs = [node_hash(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        level = pairs if len(level) % 2 == 0 else [*pairs, level[-1]]
        tree.append(level)
    return tree


def root(leaves: Sequence[bytes]) -> bytes:
    """Root hash (32 bytes); of no leaves, SHA-256 of the empty string."""
    return levels(leaves)[-1][0] if leaves else EMPTY_ROOT


def proof(tree: list[list[bytes]], index: int) -> list[bytes]:
    """Inclusion proof of leaf `index`, lowest sibling first. `tree` comes from `levels`. Raises IndexError outside the tree."""
    if not 0 <= index < len(tree[0]):
        raise IndexError(index)
    path = []
    for level in tree[:-1]:
        sibling = index ^ 1
        if sibling < len(level):
            path.append(level[sibling])
        index //= 2
    return path


def verify(*, leaf: bytes, index: int, count: int, path: Sequence[bytes], expected_root: bytes) -> bool:
    """RFC 9162 section 2.1.3.2: does `path` lead from leaf `index` of `count` to `expected_root`?"""
    if not 0 <= index < count:
        return False
    first, last, node = index, count - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if first % 2 == 1 or first == last:
            node = node_hash(sibling, node)
            while first % 2 == 0 and first != 0:
                first, last = first >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        first, last = first >> 1, last >> 1
    return last == 0 and node == expected_root
