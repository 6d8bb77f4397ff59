"""Who decides while somebody is away and named nobody; what a delegate finds waiting; what is overdue."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import translation

from orgtree import clock
from orgtree.choices import Role
from orgtree.models import Grant
from orgtree.services.grants import grant_end
from tests.factories import grant_make, grants_lifted, unit_make, user_make
from tests.pages import Office
from tests.workflows.test_routing import CHECK, SIGN, in_force
from workflows.choices import RiskClass
from workflows.errors import AbsenceInvalid, DelegationInvalid, NotAllowed
from workflows.models import Absence, AuditEvent, ChangeRequest, Delegation, Deputy, Notice
from workflows.selectors.deciding import deciders, mandate_of
from workflows.selectors.requests import request_list
from workflows.services.approval import manifest_prepare, request_approve
from workflows.services.delegations import delegation_give, delegation_revoke
from workflows.services.noticing import notices_make
from workflows.services.reminders import reminders_make
from workflows.services.staging import Proposal, request_stage
from workflows.services.standing_in import absence_end, absence_record, deputy_appoint, deputy_remove, stage_open
from workflows.services.submission import request_submit, request_withdraw

ALL = tuple(RiskClass)


def day(offset):
    return clock.today() + timedelta(offset)


@pytest.fixture(scope="module")
def office(committed_db):
    """The supervisor leads the agency; first and second are its deputies, local is the deputy of the office below."""
    office = Office.open()
    for name in ("first", "second", "local", "plain"):
        office.users[name] = user_make(name)
        grant_make(office.users[name], Role.AUDITOR, office.units["agency"])
    return office


@pytest.fixture(autouse=True)
def _everybody_is_back(office):
    """Nothing is left open for the next test, and nobody away."""
    yield
    for one in ChangeRequest.objects.filter(state="in_review").exclude(stages__decisions__verdict="approve"):
        request_withdraw(actor=office.users["clerk"], request_id=one.pk)
    for one in Absence.objects.filter(ended_at=None).select_related("user"):
        absence_end(actor=one.user, absence=one)
    for one in Deputy.objects.filter(revoked_at=None):
        deputy_remove(actor=office.users["root"], deputy=one)
    for one in Delegation.objects.filter(revoked_at=None):
        delegation_revoke(actor=office.users["root"], delegation=one)


def appoint(office, name, rank=1, unit="agency", risks=ALL, **more):
    period = {"valid_from": day(0), "valid_to": day(90), **more}
    return deputy_appoint(
        actor=office.users["root"], unit=office.units[unit], user=office.users[name], rank=rank, risks=list(risks), decision_number="12/QĐ", **period
    )


def away(office, name="supervisor", start=0, days=10):
    return absence_record(actor=office.users[name], user=office.users[name], valid_from=day(start), valid_to=day(start + days))


def who_decides(office, request):
    return {one.username for one in deciders(request)}


def test_a_stage_that_opens_while_its_decider_is_away_goes_to_the_first_deputy(office):
    appoint(office, "second", rank=2)
    appoint(office, "first", rank=1)
    away(office)
    request = office.submitted(office.document())

    notices_make()

    made = Delegation.objects.get(revoked_at=None)
    assert (made.giver, made.receiver, made.valid_from, made.valid_to) == (office.users["supervisor"], office.users["first"], day(0), day(10))
    assert set(Notice.objects.filter(request=request, kind="waiting").values_list("user__username", flat=True)) == {"first"}
    assert request in request_list(user=office.users["first"], which="waiting")
    manifest = manifest_prepare(actor=office.users["first"], request_id=request.pk)
    with translation.override("vi"):
        line = mandate_of(actor=office.users["first"], request=request).signature_line
    assert office.users["supervisor"].display_name in line
    assert "12/QĐ" in bytes(manifest.body).decode()
    assert AuditEvent.objects.filter(action="delegation.given", actor=None, detail__deputy=made.deputy_id).count() == 1


def test_while_somebody_may_decide_no_deputy_does(office):
    appoint(office, "first")
    other = user_make()
    grant_make(other, Role.SUPERVISOR, office.units["agency"], days=(0, 5))
    away(office)

    request = office.submitted(office.document())
    notices_make()
    assert not Delegation.objects.filter(revoked_at=None).exists()
    assert who_decides(office, request) >= {other.username}

    # ... and a delegate whom the absent one named goes before the deputies
    office.users["other"] = other
    away(office, "other")
    named = delegation_give(
        actor=office.users["supervisor"],
        giver=office.users["supervisor"],
        receiver=office.users["plain"],
        unit=office.units["agency"],
        risks=ALL,
        valid_from=day(0),
        valid_to=day(9),
        decision_number="9",
    )
    assert stage_open(request).deciders == [office.users["plain"]]
    assert list(Delegation.objects.filter(revoked_at=None)) == [named]


@pytest.fixture
def alone(office):
    """Nobody but the supervisor holds the right."""
    others = Grant.objects.filter(role=Role.SUPERVISOR, valid_to__gt=clock.today()).exclude(user=office.users["supervisor"])
    with grants_lifted():
        for grant in others.select_related("user", "unit"):
            grant_end(actor=office.users["root"], grant=grant)


def test_the_nearest_office_comes_first(office, alone):
    appoint(office, "first")
    appoint(office, "local", unit="office")
    away(office)
    proposal = Proposal(kind="staff_profile", key=uuid4(), patch=office.document())
    staged = request_stage(actor=office.users["clerk"], unit=office.units["office"], title="Văn phòng", proposals=[proposal])
    below = request_submit(actor=office.users["clerk"], request_id=staged.request.pk)

    notices_make()

    assert who_decides(office, below) == {"supervisor", "local"}


def test_a_deputy_who_contributed_is_passed_over(office, alone):
    appoint(office, "clerk")
    appoint(office, "second", rank=2)
    away(office)
    request = office.submitted(office.document())

    notices_make()

    assert who_decides(office, request) == {"supervisor", "second"}
    assert not Delegation.objects.filter(receiver=office.users["clerk"]).exists()


@pytest.mark.parametrize(
    "wrong",
    [{"risks": ["C"]}, {"unit": "elsewhere"}, {"valid_from": day(3), "valid_to": day(9)}],
    ids=["not the class", "another office", "not yet"],
)
def test_a_deputy_reaches_no_further_than_the_order_says(office, alone, wrong):
    appoint(office, "first", **wrong)
    away(office)
    request = office.submitted(office.document())
    notices_make()
    assert not Delegation.objects.filter(revoked_at=None).exists()
    assert Notice.objects.filter(request=request, kind="nobody").exists()


def test_what_waits_already_passes_on_when_the_absence_begins(office, alone, settings):
    appoint(office, "first")
    request = office.submitted(office.document())
    notices_make()
    assert who_decides(office, request) == {"supervisor"}

    away(office, start=5)
    notices_make()
    assert who_decides(office, request) == {"supervisor"}
    settings.PINNED_TODAY = day(5)
    reminders_make()

    assert who_decides(office, request) == {"supervisor", "first"}
    assert Notice.objects.filter(request=request, kind="waiting", user=office.users["first"]).count() == 1


def test_at_the_deadline_it_is_asked_again(office, alone, settings):
    with in_force({"kind": "staff_profile", "steps": [{**SIGN, "days": 2}]}):
        request = office.submitted(office.document())
    notices_make()
    appoint(office, "first")
    Absence.objects.create(user=office.users["supervisor"], valid_from=day(0), valid_to=day(120), made_by=office.users["supervisor"])
    settings.PINNED_TODAY = day(60)

    reminders_make()

    assert "first" in who_decides(office, request)
    heard = set(Notice.objects.filter(request=request, kind="overdue").values_list("user__username", flat=True))
    assert heard == {"supervisor", "first", "clerk"}


def test_who_comes_back_decides_alone_again(office, alone):
    appoint(office, "first")
    leave = away(office)
    request = office.submitted(office.document())
    notices_make()
    assert who_decides(office, request) == {"supervisor", "first"}

    absence_end(actor=office.users["supervisor"], absence=leave)

    assert who_decides(office, request) == {"supervisor"}
    assert request not in request_list(user=office.users["first"], which="waiting")


def test_a_deputy_removed_decides_no_more(office, alone):
    deputy = appoint(office, "first")
    away(office)
    request = office.submitted(office.document())
    notices_make()
    deputy_remove(actor=office.users["supervisor"], deputy=deputy)
    assert who_decides(office, request) == {"supervisor"}


def test_what_makes_no_sense_or_is_not_theirs_is_refused(office):
    with pytest.raises(AbsenceInvalid):
        away(office, days=0)
    away(office)
    with pytest.raises(AbsenceInvalid):
        away(office, start=5)
    with pytest.raises(NotAllowed):
        absence_record(actor=office.users["clerk"], user=office.users["supervisor"], valid_from=day(20), valid_to=day(30))
    administrator = user_make()
    grant_make(administrator, Role.ADMINISTRATOR, office.units["agency"])
    assert absence_record(actor=administrator, user=office.users["supervisor"], valid_from=day(20), valid_to=day(30)).made_by == administrator
    with pytest.raises(DelegationInvalid):
        appoint(office, "first", risks=[])
    for name in ("first", "clerk"):
        with pytest.raises(NotAllowed):
            deputy_appoint(
                actor=office.users[name],
                unit=office.units["agency"],
                user=office.users["first"],
                rank=1,
                risks=["A"],
                valid_from=day(0),
                valid_to=day(5),
                decision_number="1",
            )


def test_a_delegate_finds_stages_that_name_a_role_and_none_that_the_giver_spoke_on(office):
    giver, receiver = user_make(), user_make()
    grant_make(giver, Role.OFFICER, office.units["agency"])
    check = {**CHECK, "role": "officer"}
    with in_force({"kind": "staff_profile", "steps": [check, {**check, "name": "again"}, SIGN]}):
        request = office.submitted(office.document())
    delegation_give(
        actor=giver,
        giver=giver,
        receiver=receiver,
        unit=office.units["agency"],
        risks=ALL,
        valid_from=day(0),
        valid_to=day(9),
        decision_number="5",
    )

    def waits(user):
        return request in request_list(user=user, which="waiting")

    assert waits(receiver)
    assert mandate_of(actor=receiver, request=request).on_behalf_of == giver
    manifest = manifest_prepare(actor=receiver, request_id=request.pk)
    request_approve(actor=receiver, manifest_digest=bytes(manifest.digest))

    assert [waits(receiver), waits(giver)] == [False, False]


def test_what_is_overdue_is_seen_in_the_unit_and_nowhere_else(office, settings):
    with in_force({"kind": "staff_profile", "steps": [{**SIGN, "days": 2}]}):
        request = office.submitted(office.document())
    notices_make()

    def seen(name):
        return request in request_list(user=office.users[name], which="overdue")

    assert not seen("clerk")
    settings.PINNED_TODAY = day(60)
    assert [seen(name) for name in ("clerk", "supervisor", "auditor", "root", "stranger", "nobody")] == [True, True, True, True, False, False]
    page = office.client("auditor").get(reverse("workflows:request_list"), {"show": "overdue"}).content.decode()
    assert f">{request.number}<" in page


def test_on_the_page_one_leaves_and_comes_back_and_names_deputies(office):
    client, here = office.client("supervisor"), reverse("workflows:absence")
    period = {"absence-first_day": day(0), "absence-last_day": day(4)}
    wrong = client.post(here, {"what": "absence", "absence-first_day": day(0), "absence-last_day": day(-4)})
    assert wrong.status_code == 422
    assert f'value="{day(-4)}"' in wrong.content.decode()
    client.post(here, {"what": "absence", **period})
    leave = Absence.objects.get(ended_at=None)
    assert (leave.user, leave.valid_to) == (office.users["supervisor"], day(5))
    deputy = {"person": "first", "unit": office.units["agency"].pk, "rank": 1, "risks": ["A"], "first_day": day(0), "last_day": day(9)}
    client.post(here, {"what": "deputy", **{f"deputy-{name}": value for name, value in deputy.items()}, "deputy-decision_number": "77/QĐ"})
    made = Deputy.objects.get(revoked_at=None)
    page = client.get(here).content.decode()
    assert "77/QĐ" in page
    assert "77/QĐ" in office.client("clerk").get(here).content.decode()
    assert "77/QĐ" not in office.client("stranger").get(here).content.decode()

    office.client("clerk").post(reverse("workflows:deputy_remove", args=[made.pk]))
    assert Deputy.objects.filter(pk=made.pk, revoked_at=None).exists()
    client.post(reverse("workflows:deputy_remove", args=[made.pk]))
    assert office.client("clerk").post(reverse("workflows:absence_back", args=[leave.pk])).status_code == 404
    client.post(reverse("workflows:absence_back", args=[leave.pk]))

    assert not Deputy.objects.filter(revoked_at=None).exists()
    assert not Absence.objects.filter(ended_at=None).exists()


def test_units_of_another_authority_have_their_own_deputies(office):
    elsewhere = unit_make("Bộ", code="H77")
    boss, deputy = user_make(), user_make()
    grant_make(boss, Role.SUPERVISOR, elsewhere)
    made = deputy_appoint(actor=boss, unit=elsewhere, user=deputy, rank=1, risks=["A"], valid_from=day(0), valid_to=day(5), decision_number="1")
    assert made.made_by == boss
