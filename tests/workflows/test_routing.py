"""Routes as data: the most specific one in force wins, nobody escapes a strict one, and quorums are of different people."""

from contextlib import contextmanager
from datetime import date

import pytest
from django.db import DatabaseError, transaction

from orgtree.models import OrgUnit, User
from registry.fields import FIELDS
from registry.targets import StaffProfileTarget
from workflows.choices import Op, RequestState, RiskClass
from workflows.errors import AlreadyDecided, RouteInvalid, RouteMissing
from workflows.models import CalendarDay, ChangeRequest, Decision, Route, Stage
from workflows.selectors.deciding import request_stages
from workflows.services.applying import request_apply
from workflows.services.approval import manifest_prepare, request_approve
from workflows.services.deadlines import working_days_after
from workflows.services.ledger import verify_ledger
from workflows.services.routing import Step, route_put_in_force, route_simulate, steps_read

SIGN = {"name": "Ký", "action": "approve", "signature": True}
CHECK = {"name": "Thẩm định", "action": "edit", "signature": False}


@contextmanager
def in_force(*routes):
    """These routes and no other that they replace; the earlier ones again afterwards."""
    before = list(Route.objects.filter(active=True))
    made = [route_put_in_force(actor=None, route=Route(name="thử", active=False, **fields)) for fields in routes]
    try:
        yield made
    finally:
        Route.objects.filter(active=True).update(active=False)
        Route.objects.filter(pk__in=[one.pk for one in before]).update(active=True)


def names(simulation):
    return [step.name for step in simulation.steps]


def step(name, **more):
    return {**SIGN, "name": name, **more}


def decide(gate, login, request):
    user = User.objects.get(username=login)
    manifest = manifest_prepare(actor=user, request_id=request.pk)
    return request_approve(actor=user, manifest_digest=bytes(manifest.digest), signature=gate.sign(manifest, login))


@pytest.fixture(scope="module")
def commune(gate):
    key = gate.key()
    from workflows.services.staging import Proposal

    patch = {"code": "H15.70", "name": "Phường Buôn Ma Thuột", "kind": "commune", "valid_from": "2025-07-01", "parent": str(gate.unit.pk)}
    gate.applied(Proposal(kind="org_unit", key=key, patch=patch))
    return OrgUnit.objects.get(pk=key)


def test_the_most_specific_route_wins(gate, commune):
    root = OrgUnit.objects.get(pk=gate.unit.pk)
    with in_force(
        {"steps": [step("chung")]},
        {"unit": commune, "steps": [step("phường")]},
        {"risk": "A", "steps": [step("hạng A")]},
        {"kind": "toy_note", "steps": [step("ghi chú")]},
        {"kind": "toy_note", "unit": commune, "risk": "A", "steps": [step("ghi chú A ở phường")]},
    ):
        # kind first, then the nearest unit, then the class: toy notes are always of class A, units of class B
        assert names(route_simulate(kind="toy_note", unit=root, changed=["name"])) == ["ghi chú"]
        assert names(route_simulate(kind="toy_note", unit=commune, changed=["name"])) == ["ghi chú A ở phường"]
        assert names(route_simulate(kind="org_unit", unit=root, changed=["name"])) == ["chung"]
        assert names(route_simulate(kind="org_unit", unit=commune, changed=["name"])) == ["phường"]
        assert names(route_simulate(kind="staff_profile", unit=root, changed=["citizen_id"])) == ["hạng A"]
        assert names(route_simulate(kind="staff_profile", unit=root, changed=["phone"])) == ["chung"]


def test_the_simulator_says_what_submitting_freezes(gate, commune):
    with in_force({"unit": commune, "steps": [CHECK, step("phường", quorum=2, days=3, sample=4)]}):
        said = route_simulate(kind="toy_note", unit=commune, changed=["name"], op=Op.CREATE)
        request = gate.submitted(gate.proposal(unit=str(commune.pk)))
    frozen = Stage.objects.filter(request=request).order_by("number")
    assert [Step(one.name, one.action, one.needs_signature, one.role, one.quorum, one.days, one.sample) for one in frozen] == list(said.steps)
    assert request.risk == said.risk == RiskClass.A


def test_a_batch_passes_every_route_that_it_touches(gate, commune):
    with in_force({"steps": [step("chung")]}, {"unit": commune, "steps": [step("phường"), step("chung")]}):
        request = gate.submitted(gate.proposal(ref=1), gate.proposal(ref=2, unit=str(commune.pk)))
    assert sorted(request.stages.values_list("name", flat=True)) == ["chung", "phường"]


def test_a_batch_has_its_highest_class(gate):
    from workflows.services.staging import Proposal, request_stage

    unit = {"name": "Văn phòng", "kind": "division", "valid_from": "2025-07-01", "parent": str(gate.unit.pk)}
    proposals = [Proposal(kind="org_unit", key=gate.key(), ref=1, patch={**unit, "code": "H15.901"})]
    staged = request_stage(actor=gate.author, unit=gate.unit, title="Đơn vị", proposals=proposals)
    assert (staged.request.risk, list(staged.request.items.values_list("risk", flat=True))) == ("B", ["B"])
    mixed = request_stage(
        actor=gate.author,
        unit=gate.unit,
        title="Cả hai",
        proposals=[Proposal(kind="org_unit", key=gate.key(), ref=1, patch={**unit, "code": "H15.902"}), gate.proposal(ref=2)],
    )
    assert mixed.request.risk == "A"


def test_no_route_is_a_refusal(gate):
    with in_force(), transaction.atomic():
        Route.objects.filter(active=True).update(active=False)
        with pytest.raises(RouteMissing):
            gate.submitted(gate.proposal())
        transaction.set_rollback(True)


@pytest.mark.parametrize(
    "steps",
    [[], [CHECK], [{**SIGN, "name": ""}], [{**SIGN, "action": "operate"}], [{**SIGN, "quorum": 0}], [{**SIGN, "sample": -1}], [{**SIGN, "who": "?"}],
     [{"name": "Ký"}], [{**SIGN, "role": "king"}]],
)  # fmt: skip
def test_routes_that_nobody_could_follow_are_refused(steps):
    with pytest.raises(RouteInvalid):
        steps_read(steps)


def test_a_quorum_is_of_different_people(gate):
    with in_force({"steps": [step("Hội đồng", quorum=2)]}):
        request = gate.submitted(gate.proposal())
    decide(gate, "approver", request)
    request.refresh_from_db()
    assert request.state == RequestState.IN_REVIEW
    with pytest.raises(AlreadyDecided):
        decide(gate, "approver", request)
    # and one approval of two is not enough in SQL either
    with pytest.raises(DatabaseError, match="not approved at every stage"), transaction.atomic():
        ChangeRequest.objects.filter(pk=request.pk).update(state="approved")
    decide(gate, "other", request)
    assert request_apply(request_id=request.pk).state == RequestState.APPLIED
    assert verify_ledger().damages == []


def test_check_without_signature_then_the_leader_signs(gate, tmp_path):
    from django.conf import settings

    from tools.verify_evidence import verify
    from workflows.models import RecordVersion
    from workflows.services.evidence import evidence_bundle

    with in_force({"steps": [CHECK, SIGN]}):
        request = gate.submitted(gate.proposal())
    manifest = manifest_prepare(actor=gate.approver, request_id=request.pk)
    # the second stage is not open before the first has passed
    second = request.stages.get(number=2)
    with pytest.raises(DatabaseError, match="not open yet"), transaction.atomic():
        Decision.objects.create(stage=second, user=gate.approver, verdict="return", reason="x")
    request_approve(actor=gate.approver, manifest_digest=bytes(manifest.digest))
    # who checked does not sign as well
    with pytest.raises(AlreadyDecided):
        manifest_prepare(actor=gate.approver, request_id=request.pk)
    with pytest.raises(DatabaseError, match="decides twice"), transaction.atomic():
        Decision.objects.create(stage=second, user=gate.approver, verdict="return", reason="x")
    decide(gate, "other", request)
    request_apply(request_id=request.pk)
    assert verify_ledger().damages == []
    path = tmp_path / "evidence.zip"
    path.write_bytes(evidence_bundle(RecordVersion.objects.get(request=request)))
    lines = verify(path, settings.TRUST_DIRECTORY / "root.pem")
    assert [("without a signature" in line, "signed by" in line) for line in lines[1:-1]] == [(True, False), (False, True)]
    assert lines[-1] == "GOOD"


def test_the_preset_of_live_practice_can_be_put_in_force(gate):
    preset = Route.objects.get(name="Thẩm định, rồi lãnh đạo ký số")
    assert [(one.role, one.signature) for one in steps_read(preset.steps)] == [("officer", False), ("", True)]
    before = Route.objects.get(active=True, act="")
    route_put_in_force(actor=gate.author, route=preset)
    assert list(Route.objects.filter(active=True, act="")) == [preset]
    route_put_in_force(actor=gate.author, route=before)


@pytest.mark.parametrize(
    ("start", "days", "end"),
    [
        (date(2026, 11, 2), 3, date(2026, 11, 5)),
        (date(2026, 11, 6), 1, date(2026, 11, 9)),  # Friday: the weekend does not count
        (date(2026, 4, 29), 1, date(2026, 5, 4)),  # 30 April and 1 May are off
        (date(2026, 2, 13), 2, date(2026, 2, 24)),  # Tết
        (date(2026, 11, 7), 0, date(2026, 11, 9)),  # a term that ends on a Saturday ends on Monday
    ],
)
def test_working_days_of_viet_nam(gate, start, days, end):
    assert working_days_after(start, days) == end


def test_exchanged_working_day_counts(gate):
    CalendarDay.objects.create(day=date(2026, 11, 14), works=True, name="Làm bù")
    assert working_days_after(date(2026, 11, 13), 1) == date(2026, 11, 14)


def test_a_stage_opens_with_the_approval_before_it(gate):
    with in_force({"steps": [{**CHECK, "days": 2}, SIGN]}):
        request = gate.submitted(gate.proposal())
    assert [one.opened_at for one in request_stages(request)] == [request.submitted_at] * 2
    decide(gate, "other", request)
    first, second = request_stages(request)
    assert first.opened_at == request.submitted_at < second.opened_at == first.said[0].at


def test_classes_of_fields():
    risks = {field.name: field.risk for field in FIELDS}
    one = StaffProfileTarget()
    assert risks["citizen_id"] == risks["coefficient"] == risks["rank_code"] == RiskClass.A
    assert risks["using_unit"] == risks["posting.title"] == RiskClass.B
    assert one.risk_of(["phone", "current_address"], Op.UPDATE) == RiskClass.C
    assert one.risk_of(["phone", "postings"], Op.UPDATE) == RiskClass.B
    assert one.risk_of(["phone", "step"], Op.UPDATE) == RiskClass.A
    assert one.risk_of(["phone"], Op.CREATE) == RiskClass.A
    assert one.risk_of(["a_field_of_tomorrow"], Op.UPDATE) == RiskClass.A
