"""What a change is meant as: a correction says why, and what a person declares of themself passes more eyes, never fewer."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from tests.pages import Office
from workflows.choices import Act
from workflows.errors import ReasonMissing, RouteInvalid, RouteMissing
from workflows.models import ChangeRequest, Route
from workflows.services.routing import route_put_in_force, route_simulate, steps_read
from workflows.services.staging import Proposal, request_stage

pytestmark = pytest.mark.django_db
CHECK = {"name": "Kiểm tra", "action": "edit", "signature": False}
SIGN = {"name": "Ký", "action": "approve", "signature": True}


@pytest.fixture
def office() -> Office:
    return Office.open()


def names(office, **more):
    return [step.name for step in route_simulate(kind="staff_profile", unit=office.units["office"], changed=["phone"], **more).steps]


def test_a_declaration_is_looked_at_first_and_then_goes_its_ordinary_way(office):
    # given: an agency that wants two signatures
    route_put_in_force(actor=None, route=Route(name="hai chữ ký", unit=office.units["agency"], steps=[SIGN, {**SIGN, "name": "Ký lần hai"}]))
    # when, then
    assert names(office) == ["Ký", "Ký lần hai"]
    assert names(office, act=Act.CORRECT) == ["Ký", "Ký lần hai"]
    assert names(office, act=Act.OWN) == ["Cán bộ làm hồ sơ kiểm tra", "Ký", "Ký lần hai"]


def test_a_route_of_an_act_never_stands_alone(office):
    # given: no route but that of the act
    Route.objects.filter(act="").update(active=False)
    # when, then
    with pytest.raises(RouteMissing):
        names(office, act=Act.OWN)


def test_steps_without_a_signature_are_for_an_act_alone():
    assert steps_read([CHECK], act=Act.OWN)
    with pytest.raises(RouteInvalid):
        steps_read([CHECK])
    with pytest.raises(RouteInvalid):
        steps_read([], act=Act.OWN)


def test_a_correction_says_why(office):
    # given
    hoa = office.hired()
    proposal = Proposal(kind="staff_profile", key=hoa.pk, patch={"phone": "0987654321"})
    words = {"actor": office.users["clerk"], "unit": office.units["agency"], "title": "Đính chính", "proposals": [proposal], "act": Act.CORRECT}
    # when, then
    with pytest.raises(ReasonMissing):
        request_stage(**words, reason="  ")
    request = request_stage(**words, reason="Ghi sai so với thẻ").request
    assert (request.act, request.reason) == (Act.CORRECT, "Ghi sai so với thẻ")
    with pytest.raises(IntegrityError), transaction.atomic():
        ChangeRequest.objects.filter(pk=request.pk).update(reason="")
