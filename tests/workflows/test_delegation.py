"""Absence: who stands in for whom, and that nobody who wrote any part of a request decides on it, directly or through somebody."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orgtree import clock
from orgtree.choices import Role
from orgtree.models import User
from tests.factories import grant_make
from workflows.choices import RiskClass
from workflows.errors import AlreadyDecided, DelegationChain, DelegationInvalid, GateError, NotAllowed, OwnRequest
from workflows.manifest import read_manifest
from workflows.models import Decision, Delegation
from workflows.selectors.deciding import deciders, mandate_of
from workflows.selectors.requests import request_list
from workflows.services.approval import manifest_prepare, request_approve
from workflows.services.delegations import delegation_give, delegation_revoke
from workflows.services.staging import request_stage
from workflows.services.submission import request_submit

PEOPLE = 6
ALL = tuple(RiskClass)


@pytest.fixture(scope="module")
def people(gate):
    """Six people without any privilege; the first three may approve in the whole authority."""
    users = [User.objects.create(username=f"p{n}", last_name="Người", first_name=str(n)) for n in range(PEOPLE)]
    for user in users[:3]:
        grant_make(user, Role.SUPERVISOR, gate.unit)
    return users


@pytest.fixture(autouse=True)
def nobody_is_away(gate):
    yield
    revoke_all(gate)


def revoke_all(gate):
    for one in Delegation.objects.filter(revoked_at=None):
        delegation_revoke(actor=gate.author, delegation=one)


def give(gate, giver, receiver, *, risks=ALL, start=0, days=7, unit=None, actor=None, number="12/QĐ-UBND"):
    begin = clock.today() + timedelta(days=start)
    return delegation_give(
        actor=actor or giver,
        giver=giver,
        receiver=receiver,
        unit=unit or gate.unit,
        risks=risks,
        valid_from=begin,
        valid_to=begin + timedelta(days=days),
        decision_number=number,
    )


def submitted(gate, writers=()):
    staged = request_stage(actor=gate.author, unit=gate.unit, title="Vắng mặt", proposals=[gate.proposal()], contributors={"repairer": writers})
    return request_submit(actor=gate.author, request_id=staged.request.pk)


def test_a_delegate_decides_and_the_signed_line_says_for_whom(gate, people):
    from django.utils import translation

    request = submitted(gate)
    with pytest.raises(NotAllowed):
        mandate_of(actor=people[4], request=request)
    made = give(gate, people[0], people[4])
    assert request in request_list(user=people[4], which="waiting")
    manifest = manifest_prepare(actor=people[4], request_id=request.pk)
    with translation.override("vi"):
        assert read_manifest(bytes(manifest.body)).decider.name == mandate_of(actor=people[4], request=request).signature_line
    assert people[0].display_name in read_manifest(bytes(manifest.body)).decider.name
    assert "12/QĐ-UBND" in read_manifest(bytes(manifest.body)).decider.name
    assert [one.username for one in deciders(request)] == ["p0", "p1", "p2", "p4"]
    # taken back between reading and signing: the statement is worth nothing
    delegation_revoke(actor=people[0], delegation=made)
    with pytest.raises(NotAllowed):
        request_approve(actor=people[4], manifest_digest=bytes(manifest.digest), signature=b"x")
    assert request not in request_list(user=people[4])


def test_giver_and_delegate_are_one_voice(gate, people):
    from tests.workflows.test_routing import CHECK, SIGN, in_force

    with in_force({"steps": [{**CHECK, "action": "approve"}, SIGN]}):
        request = submitted(gate)
    give(gate, people[0], people[4])
    manifest = manifest_prepare(actor=people[4], request_id=request.pk)
    request_approve(actor=people[4], manifest_digest=bytes(manifest.digest))
    decision = Decision.objects.get(stage__request=request)
    assert (decision.user, decision.on_behalf_of) == (people[4], people[0])
    with pytest.raises(AlreadyDecided):
        mandate_of(actor=people[0], request=request)
    with pytest.raises(DatabaseError, match="decides twice"), transaction.atomic():
        Decision.objects.create(stage=request.stages.get(number=2), user=people[0], verdict="return", reason="x")
    assert mandate_of(actor=people[1], request=request).stage.number == 2


def test_it_reaches_no_further_than_its_class_unit_and_period(gate, people):
    request = submitted(gate)  # toy notes are of class A
    refused = [{"risks": ["B", "C"]}, {"start": 1}]
    for more in refused:
        made = give(gate, people[0], people[4], **more)
        with pytest.raises(NotAllowed):
            mandate_of(actor=people[4], request=request)
        delegation_revoke(actor=people[0], delegation=made)


@pytest.mark.parametrize(
    "wrong", [{"days": 0}, {"start": -9, "days": 3}, {"risks": []}, {"number": " "}], ids=["no day", "past", "no class", "no decision"]
)
def test_what_makes_no_sense_is_refused(gate, people, wrong):
    with pytest.raises(DelegationInvalid):
        give(gate, people[0], people[4], **wrong)


def test_nobody_gives_what_is_anothers(gate, people):
    with pytest.raises(NotAllowed):
        give(gate, people[0], people[4], actor=people[4])


def test_chains_of_two_and_no_circle(gate, people):
    give(gate, people[0], people[3])
    with pytest.raises(DelegationChain):
        give(gate, people[3], people[0])
    give(gate, people[3], people[4])
    request = submitted(gate)
    assert mandate_of(actor=people[4], request=request).on_behalf_of == people[0]
    for giver, receiver in ((4, 5), (5, 0)):
        with pytest.raises(DelegationChain):
            give(gate, people[giver], people[receiver])
        # and neither by the database's own words
        with pytest.raises(DatabaseError, match="passed on once"), transaction.atomic():
            Delegation.objects.create(
                giver=people[giver], receiver=people[receiver], unit=gate.unit, risks=["A"], valid_from=clock.today(),
                valid_to=clock.today() + timedelta(days=1), decision_number="1", made_by=people[giver],
            )  # fmt: skip
    # but when the others have returned, all is open again
    give(gate, people[4], people[5], start=30)


def test_a_delegation_is_history(gate, people):
    made = give(gate, people[0], people[4])
    for statement in ("update workflows_delegation set risks = '{A}', valid_to = '2099-01-01'", "delete from workflows_delegation"):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    delegation_revoke(actor=people[4], delegation=made)
    with pytest.raises(DatabaseError), transaction.atomic():
        Delegation.objects.filter(pk=made.pk).update(revoked_at=None)


numbers = st.integers(0, PEOPLE - 1)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(writers=st.sets(numbers, max_size=3), pairs=st.lists(st.tuples(numbers, numbers, st.booleans()), max_size=6))
def test_nobody_who_wrote_any_part_decides_directly_or_by_delegation(gate, people, writers, pairs):
    # given people who wrote parts, and whatever delegations can be made among them (some of other classes than the request's)
    revoke_all(gate)
    links = set()
    for giver, receiver, fits in pairs:
        try:
            give(gate, people[giver], people[receiver], risks=ALL if fits else ["C"])
        except GateError:
            continue
        if fits:
            links.add((giver, receiver))
    request = submitted(gate, [people[n] for n in writers])
    # then exactly those may decide who wrote nothing, and who hold the right themselves or for somebody who wrote nothing
    clean = set(range(PEOPLE)) - writers
    own = clean & {0, 1, 2}
    one_link = {b for a, b in links if a in own}
    two_links = {c for a, b in links if a in own and b in clean for b2, c in links if b2 == b}
    assert _those_who_may(request, people) == clean & (own | one_link | two_links)
    # and the database refuses writers, and those who would decide for them, by itself
    stage = request.stages.get()
    for link in Delegation.objects.on(clock.today()).select_related("giver", "receiver"):
        if int(link.giver.username[1:]) in writers:
            with pytest.raises(DatabaseError), transaction.atomic():
                Decision.objects.create(
                    stage=stage, user=link.receiver, on_behalf_of=link.giver, delegation=link, verdict="return", reason="x"
                )  # fmt: skip
    for n in writers:
        with pytest.raises(DatabaseError, match="contributed"), transaction.atomic():
            Decision.objects.create(stage=stage, user=people[n], verdict="return", reason="x")


def _those_who_may(request, people):
    allowed = set()
    for n, person in enumerate(people):
        try:
            mandate_of(actor=person, request=request)
        except (NotAllowed, OwnRequest):
            continue
        allowed.add(n)
    return allowed
