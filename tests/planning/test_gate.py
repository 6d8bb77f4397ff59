"""Units through the whole gate: staged, signed, applied; committed for real."""

from uuid import UUID

from orgtree.models import OrgUnit
from orgtree.selectors.integrity import tree_problems
from tests.workflows.conftest import gate as gate  # the fixture
from workflows.choices import RequestState
from workflows.services.applying import request_apply
from workflows.services.ledger import verify_ledger
from workflows.services.staging import Proposal


def test_units_go_through_the_gate_and_the_tree_and_ledger_agree(gate):
    def proposal(key, **patch):
        return Proposal(kind="org_unit", key=key, ref=key.int % 100, patch={name: str(v) if isinstance(v, UUID) else v for name, v in patch.items()})

    common = {"kind": "division", "valid_from": "2025-07-01"}
    office, room, commune = (UUID(int=number) for number in (1, 2, 3))

    founded = gate.applied(
        proposal(room, code="H15.01.01", name="Phòng", parent=office, **common),
        proposal(office, code="H15.01", name="Sở", parent=gate.unit.pk, **common),
        proposal(commune, code="H15.02", name="Xã", parent=gate.unit.pk, **common),
    )
    moved = gate.applied(
        proposal(room, parent=commune, code="H15.02.01"), proposal(office, code="H15.02", order_no=1), proposal(commune, code="H15.01", order_no=2)
    )

    assert (founded.state, moved.state) == (RequestState.APPLIED, RequestState.APPLIED)
    assert [(unit.name, unit.level, unit.version) for unit in OrgUnit.objects.filter(pk__in=[office, room, commune])] == [
        ("Sở", 1, 2),
        ("Xã", 1, 2),
        ("Phòng", 2, 2),
    ]
    assert tree_problems() == []
    assert verify_ledger().damages == []


def test_a_circle_made_by_two_requests_ends_as_a_conflict(gate):
    """Each move is right when it is submitted; the rules run again at apply, and the second one is given back."""
    one, two = UUID(int=11), UUID(int=12)
    common = {"kind": "division", "valid_from": "2025-07-01", "parent": str(gate.unit.pk)}
    gate.applied(
        Proposal(kind="org_unit", key=one, ref=1, patch={**common, "code": "H15.31", "name": "A"}),
        Proposal(kind="org_unit", key=two, ref=2, patch={**common, "code": "H15.32", "name": "B"}),
    )
    first = gate.submitted(Proposal(kind="org_unit", key=one, patch={"parent": str(two)}))
    second = gate.submitted(Proposal(kind="org_unit", key=two, patch={"parent": str(one)}))
    for request in (first, second):
        gate.approve(request)
    states = [request_apply(request_id=request.pk).state for request in (first, second)]

    assert states == [RequestState.APPLIED, RequestState.CONFLICT]
    assert OrgUnit.objects.get(pk=one).parent_id == two
    assert tree_problems() == []
