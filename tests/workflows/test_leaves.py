"""Leaves that the database hashes are the leaves of workflows.merkle."""

import pytest

from workflows import merkle
from workflows.models import ChangeItem
from workflows.services.leaves import leaves_of, request_leaves

pytestmark = pytest.mark.xdist_group("gate")


def test_the_database_and_the_program_hash_the_same_leaves(gate):
    # given new and changed records in two requests
    key = gate.key()
    first = gate.applied(gate.proposal(key, name="Ghi chú “một”"), *(gate.proposal(ref=ref) for ref in range(1, 6)))
    second = gate.submitted(gate.proposal(key, count=2), gate.proposal(ref=1))
    # when the database hashes them
    found = leaves_of([first.pk, second.pk])
    # then they are those that Python makes of the same rows, in their order
    for request in (first, second):
        items = ChangeItem.objects.filter(request=request).order_by("leaf_index")
        expected = [
            merkle.leaf_hash(kind=i.kind, key=i.key, op=i.op, base_version=i.base_version, document_digest=bytes(i.document_id)) for i in items
        ]
        assert found[request.pk] == request_leaves(request) == expected
        assert merkle.root(expected) == bytes(request.root)
