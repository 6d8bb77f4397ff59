"""The approver's pages of a batch: counts, sample, giving a record back, recall, and the simulator of routes."""

from uuid import uuid4

import pytest
from django.urls import reverse

from tests.pages import Office
from workflows.choices import ItemState
from workflows.models import Route, RowReturn, SampleView
from workflows.services.submission import request_submit


@pytest.fixture(scope="module")
def office(committed_db) -> Office:
    return Office.open()


@pytest.fixture
def sampled(office):
    """A batch of three under a route that asks to open two."""
    route = Route.objects.get(active=True, act="")
    steps = route.steps
    Route.objects.filter(pk=route.pk).update(steps=[{**step, "sample": 2, "days": 5} for step in steps])
    yield office.submitted(*(office.document() for _ in range(3)))
    Route.objects.filter(pk=route.pk).update(steps=steps)


def at(name, request, *more):
    return reverse(f"workflows:{name}", args=[request.pk, *more])


def test_the_sample_is_opened_record_by_record(office, sampled):
    client = office.client("supervisor")
    seen = []
    while left := client.get(at("request_detail", sampled)).context["review"].left:
        assert client.post(at("request_prepare", sampled)).url == at("request_detail", sampled)  # not yet
        client.get(at("request_record", sampled, left[0]))
        seen += left[:1]
    assert len(seen) == 2 == SampleView.objects.filter(stage__request=sampled).count()
    assert "/sign/" in client.post(at("request_prepare", sampled)).url


def test_only_the_deciders_look_counts(office, sampled):
    for leaf in range(3):
        assert office.client("auditor").get(at("request_record", sampled, leaf)).status_code == 200
    assert not SampleView.objects.filter(stage__request=sampled).exists()
    assert office.client("supervisor").get(at("request_record", sampled, 99)).status_code == 404


def test_a_record_is_given_back_and_kept_after_all(office, sampled):
    client = office.client("supervisor")
    client.post(at("row_return", sampled, 1), {"reason": "value", "text": "Sai ngày sinh"})
    assert "Sai ngày sinh" in client.get(at("request_detail", sampled)).content.decode()
    client.post(at("row_keep", sampled, 1))
    assert not RowReturn.objects.filter(stage__request=sampled).exists()
    # a reason is asked for, and a stranger to the decision changes nothing
    client.post(at("row_return", sampled, 1), {"reason": "other"})
    office.client("clerk").post(at("row_return", sampled, 1), {"reason": "value"})
    assert not RowReturn.objects.filter(stage__request=sampled).exists()


def test_statistics_and_deadline_stand_on_the_page(office, sampled):
    answer = office.client("supervisor").get(at("request_detail", sampled))
    assert answer.context["review"].statistics.created == 3
    assert answer.context["deadline"] is not None
    assert office.client("clerk").get(at("request_detail", sampled)).context["stage"] is None


def test_submitting_for_a_day(office):
    from datetime import timedelta

    from orgtree import clock

    request = office.ready(office.document())
    day = clock.today() + timedelta(days=10)
    office.client("clerk").post(at("request_submit", request), {"effective_on": day.isoformat()})
    request.refresh_from_db()
    assert request.effective_on == day
    assert office.client("clerk").get(at("request_detail", request)).status_code == 200


def test_a_scheduled_request_is_recalled_on_its_page(office):
    from datetime import timedelta

    from orgtree import clock
    from workflows.services.moves import request_move

    request = request_submit(
        actor=office.users["clerk"], request_id=office.ready(office.document()).pk, effective_on=clock.today() + timedelta(days=5)
    )
    assert not office.client("clerk").get(at("request_detail", request)).context["may_recall"]
    from django.db import connection, transaction

    with transaction.atomic(), connection.cursor() as cursor:  # approved without a signature: this test is of the page
        cursor.execute("set local session_replication_role = replica")
        request_move(request, "approved")
        request_move(request, "scheduled")
    assert office.client("clerk").get(at("request_detail", request)).context["may_recall"]
    office.client("supervisor").post(at("request_recall", request), {"reason": "?"})  # approved by nobody: not theirs to recall
    request.refresh_from_db()
    assert request.state == "scheduled"
    office.client("clerk").post(at("request_recall", request), {"reason": "Nhầm"})
    request.refresh_from_db()
    assert (request.state, request.items.get().state) == ("recalled", ItemState.ENDED)


@pytest.mark.parametrize(("field", "risk"), [("phone", "C"), ("using_unit", "B"), ("coefficient", "A")])
def test_the_simulator_shows_class_and_stages(office, field, risk):
    asked = {"kind": "staff_profile", "unit": "H15.70", "field": [field]}
    said = office.client("clerk").get(reverse("workflows:route_simulate"), asked).context["simulation"]
    assert said.risk == risk
    assert len(said.steps) == 1


def test_the_simulator_knows_no_units_outside_the_scope(office):
    asked = {"kind": "staff_profile", "unit": "H15.71", "field": ["phone"]}
    assert "simulation" not in office.client("clerk").get(reverse("workflows:route_simulate"), asked).context


def test_a_supervisor_lets_a_colleague_decide_while_away(office):
    from datetime import timedelta

    from orgtree import clock
    from workflows.models import Delegation

    here = reverse("workflows:absence")
    day = clock.today().isoformat()
    said = {"person": "auditor", "unit": str(office.units["agency"].pk), "risks": ["A", "B", "C"], "first_day": day, "last_day": day}
    said = {"what": "delegation", **{f"delegation-{name}": value for name, value in said.items()}}
    client = office.client("supervisor")
    assert client.post(here, said).status_code == 422  # without the number of a decision
    assert client.post(here, {**said, "delegation-decision_number": "12/QĐ-UBND"}).status_code == 302
    made = Delegation.objects.get(receiver=office.users["auditor"])
    assert made.valid_to == clock.today() + timedelta(days=1)
    request = office.submitted(office.document())
    assert office.client("auditor").get(at("request_detail", request)).context["stage"] is not None
    # the colleague cannot pass it back, and nobody else can end it
    assert office.client("stranger").post(reverse("workflows:absence_revoke", args=[made.pk])).status_code == 404
    office.client("auditor").post(reverse("workflows:absence_revoke", args=[made.pk]))
    assert office.client("auditor").get(at("request_detail", request)).context["stage"] is None
    assert office.client("clerk").get(here).context["forms"] == {}


@pytest.mark.parametrize(("step", "coefficient", "strikes"), [(7, "4.32", False), (8, "4.65", True), (5, "3.66", True)])
def test_a_jump_of_salary_steps_is_looked_at_first(office, step, coefficient, strikes):
    person = office.hired()
    assert person.step == 6
    ahead = office.document()
    change = {"step": step, "coefficient": coefficient, "step_date": "2026-10-01"}
    request = office.submitted(ahead, change, keys=[uuid4(), person.pk])
    striking = office.client("supervisor").get(at("request_detail", request)).context["striking"]
    assert [one.key for one in striking if any(line.code == "STEP_JUMP" for line in one.findings)] == ([person.pk] if strikes else [])
