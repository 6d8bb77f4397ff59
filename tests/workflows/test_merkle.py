"""RFC 9162: roots against a literal transcription of its recursive definition, and proofs against every kind of forgery."""

import hashlib
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows import merkle

LEAVES = st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=70)


def root_by_definition(leaves):
    """MTH of section 2.1.1, where the leaves are already hashed."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + root_by_definition(leaves[:split]) + root_by_definition(leaves[split:])).digest()


@given(LEAVES)
def test_root_is_that_of_the_definition(leaves):
    assert merkle.root(leaves) == root_by_definition(leaves)


@given(LEAVES, st.data())
def test_every_proof_leads_to_the_root_and_no_other_place_does(leaves, data):
    tree, count = merkle.levels(leaves), len(leaves)
    index = data.draw(st.integers(0, count - 1))
    path, root = merkle.proof(tree, index), merkle.root(leaves)
    assert merkle.verify(leaf=leaves[index], index=index, count=count, path=path, expected_root=root)
    forged = bytes([leaves[index][0] ^ 1]) + leaves[index][1:]
    assert not merkle.verify(leaf=forged, index=index, count=count, path=path, expected_root=root)
    assert not merkle.verify(leaf=leaves[index], index=index, count=count, path=[*path, root], expected_root=root)
    assert not merkle.verify(leaf=leaves[index], index=count, count=count, path=path, expected_root=root)
    if path:
        assert not merkle.verify(leaf=leaves[index], index=index, count=count, path=path[:-1], expected_root=root)


def test_no_leaves_and_no_such_leaf():
    assert merkle.root([]) == hashlib.sha256(b"").digest()
    with pytest.raises(IndexError):
        merkle.proof(merkle.levels([b"a" * 32]), 1)


def test_leaf_is_over_all_that_identifies_a_change():
    base = {"kind": "staff_profile", "key": uuid.UUID(int=1), "op": "update", "base_version": 1, "document_digest": b"d" * 32}
    others = [
        {**base, "kind": "org_unit"},
        {**base, "key": uuid.UUID(int=2)},
        {**base, "op": "create"},
        {**base, "base_version": 2},
        {**base, "document_digest": b"e" * 32},
    ]
    assert len({merkle.leaf_hash(**one) for one in [base, *others]}) == 6
