"""One person, two agencies: found among what came in, asked, answered, decided, and closed by what the agencies do. Nobody is moved by it."""

from __future__ import annotations

import json

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from exchange.choices import ClaimAnswer, ClaimMatch, ClaimOutcome, ClaimState
from exchange.models import DoubleClaim, DoubleClaimMark, DoubleClaimStep
from exchange.selectors.claims import claim_status, claims_page, files_of, is_late, side_by_side
from exchange.services.claims import ClaimRefused, claim_answer, claim_ask, claim_decide, claims_find, claims_settle
from orgtree import clock
from registry.fields import label_of
from registry.models import StaffProfile
from tests.exchange.sender import Change
from tests.factories import superuser_make, user_make
from workflows.errors import NotAllowed
from workflows.models import AuditEvent, ReadEvent
from workflows.services.deadlines import working_days_after

SAME = ("birth_name", "birth_date", "gender", "home_town_area")


@pytest.fixture(scope="module")
def monitor(hub):
    return superuser_make("claims-monitor")


@pytest.fixture
def looked(hub):
    """Everything that came in before has been looked through."""
    claims_find()
    DoubleClaimMark.objects.update(looked_at=clock.now())
    return hub


def like(change, other, *fields):
    return Change(change.kind, change.key, {**change.document, **{name: other.document[name] for name in fields}}, change.base_version)


def one_number(hub):
    """H15 holds somebody, H16 claims the same number and is refused; gives both and the case."""
    held = hub.senders["H15"].person()
    claimed = like(hub.senders["H16"].person(), held, "citizen_id")
    hub.accept(held)
    results = hub.take(hub.senders["H16"].sign(claimed), sender="H16")
    assert [one.code for one in results.values()] == ["RULE"]
    claims_find()
    return held, claimed, DoubleClaim.objects.get(key_one=held.key, key_two=claimed.key)


def state_of(claim):
    claim.refresh_from_db()
    return claim.state, claim.outcome, claim.keeps.code if claim.keeps else ""


def test_one_number_at_two_agencies_is_a_case_once(looked, monitor):
    held, _claimed, claim = one_number(looked)
    assert (claim.match, claim.agency_one.code, claim.agency_two.code, claim.state) == (ClaimMatch.NUMBER, "H15", "H16", ClaimState.OPEN)
    # looked for again, with everything seen anew, it stays the one case
    DoubleClaimMark.objects.all().delete()
    assert claims_find() == 0
    assert DoubleClaim.objects.filter(key_one=held.key).count() == 1
    # and an agency hears nothing of it before the hub asks
    assert claim.pk not in {one.claim for one in claims_page(agency=claim.agency_two, after=None).claims}
    with pytest.raises(DoubleClaim.DoesNotExist):
        claim_answer(agency=claim.agency_two, number=claim.pk, answer=ClaimAnswer.OURS, reason="x")


def test_asked_answered_decided_and_given_up(looked, monitor):
    held, claimed, claim = one_number(looked)
    # when the hub asks
    claim_ask(actor=monitor, claim=claim)
    claim.refresh_from_db()
    assert claim.due_on == working_days_after(clock.today(), 10)
    # then each agency sees its own file, and of the other one whose it is
    told = {one.claim: one for one in claims_page(agency=claim.agency_two, after=None).claims}[claim.pk]
    assert (told.person, told.other_agency, told.state, told.answer) == (claimed.key, "H15", "asked", "")
    assert str(held.key) not in str(told)
    # when both have answered and the hub has decided
    claim_answer(agency=claim.agency_one, number=claim.pk, answer=ClaimAnswer.OURS, reason="quyết định 12/QĐ")
    claim_answer(agency=claim.agency_two, number=claim.pk, answer=ClaimAnswer.OURS, reason="đang công tác")
    with pytest.raises(ClaimRefused):
        claim_decide(actor=monitor, claim=claim, outcome=ClaimOutcome.DIFFERENT, keeps=None, reason="một số, hai người")
    with pytest.raises(ClaimRefused):
        claim_decide(actor=monitor, claim=claim, outcome=ClaimOutcome.WITHDRAWN, keeps=None, reason="ai giữ?")
    claim_decide(actor=monitor, claim=claim, outcome=ClaimOutcome.WITHDRAWN, keeps=claim.agency_one, reason="đã biệt phái về")
    assert state_of(claim) == ("decided", "withdrawn", "H15")
    # then it ends when the one that is to give up says so, and not by the other's word
    claim_answer(agency=claim.agency_one, number=claim.pk, answer=ClaimAnswer.THEIRS, reason="nhầm")
    assert state_of(claim)[0] == "decided"
    claim_answer(agency=claim.agency_two, number=claim.pk, answer=ClaimAnswer.THEIRS, reason="đã kết thúc hồ sơ")
    assert state_of(claim) == ("closed", "withdrawn", "H15")
    with pytest.raises(ClaimRefused):
        claim_answer(agency=claim.agency_two, number=claim.pk, answer=ClaimAnswer.OURS, reason="thôi")
    # and every step is kept and audited; the file has stood where it stood
    assert [step.state for step in claim.steps.all()] == ["open", "asked", "asked", "asked", "decided", "decided", "decided", "closed"]
    trail = AuditEvent.objects.filter(detail__claim=str(claim.pk)).order_by("pk").values_list("action", flat=True)
    assert list(trail) == ["claim.found", "claim.asked", *["claim.answered"] * 2, "claim.decided", *["claim.answered"] * 2, "claim.closed"]
    assert not StaffProfile.objects.filter(pk=claimed.key).exists()


def test_a_wrong_number_that_is_corrected_closes_the_case_by_itself(looked, monitor):
    held, claimed, claim = one_number(looked)
    claim_ask(actor=monitor, claim=claim)
    assert claims_settle() == 0
    # when the holder corrects its file, and the other's version comes again
    looked.accept(held.again(citizen_id="066185" + str(claimed.key.int)[:6]))
    assert claims_settle() == 1
    assert state_of(claim) == ("closed", "corrected", "")
    looked.accept(claimed, sender="H16")
    assert claims_settle() == 0
    # and it opens again when a later version says the same number once more
    again = held.again(citizen_id="066185" + str(claimed.key.int)[:6]).again(citizen_id=claimed.document["citizen_id"])
    looked.take(looked.senders["H15"].sign(again))
    claims_find()
    claim.refresh_from_db()
    assert (claim.state, claim.agency_one.code, claim.agency_two.code) == (ClaimState.OPEN, "H16", "H15")


def test_one_name_birth_and_home_town_at_two_agencies(looked, monitor):
    one = looked.senders["H15"].person(birth_name="Y Bhăm Niê Kđăm", home_town_area="2025-24133")
    two = like(looked.senders["H16"].person(), one, *SAME)
    near = Change(two.kind, looked.senders["H16"].person().key, {**looked.senders["H16"].person().document, "birth_name": "Y BHAM NIE KDAM"})
    own = like(looked.senders["H15"].person(), one, *SAME)  # in the same agency: its own affair
    looked.accept(one, own)
    looked.accept(two, near, sender="H16")
    claims_find()
    pairs = DoubleClaim.objects.filter(match=ClaimMatch.NAME_BIRTH)
    assert {frozenset((found.key_one, found.key_two)) for found in pairs} == {frozenset((one.key, two.key)), frozenset((own.key, two.key))}
    # two different people: said once, with a reason, and not found again
    claim = pairs.filter(key_one__in=[one.key, two.key]).exclude(key_two=own.key).exclude(key_one=own.key).get()
    with pytest.raises(ClaimRefused):
        claim_decide(actor=monitor, claim=claim, outcome=ClaimOutcome.DIFFERENT, keeps=None, reason=" ")
    claim_decide(actor=monitor, claim=claim, outcome=ClaimOutcome.DIFFERENT, keeps=None, reason="hai anh em sinh đôi")
    looked.accept(one.again(phone="0987654321"))
    claims_find()
    assert state_of(claim) == ("closed", "different", "")


def test_late_is_told(looked, monitor):
    _held, _claimed, claim = one_number(looked)
    claim_ask(actor=monitor, claim=claim)
    DoubleClaim.objects.filter(pk=claim.pk).update(due_on="2020-01-02")
    claim.refresh_from_db()
    assert is_late(claim)
    assert claim_status(claim, claim.agency_one).late


def test_the_walls(looked, monitor):
    _held, _claimed, claim = one_number(looked)
    with pytest.raises(NotAllowed):
        claim_ask(actor=user_make("claims-nobody"), claim=claim)
    for statement in ("delete from exchange_doubleclaim", "update exchange_doubleclaimstep set reason = 'x'", "delete from exchange_doubleclaimstep"):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    assert DoubleClaimStep.objects.filter(claim=claim).count() == 1


@override_settings(ROLE="hub")
def test_the_hubs_pages_show_both_files_masked_and_lead_to_a_decision(looked, monitor):
    held, _claimed, claim = one_number(looked)
    client = Client()
    client.force_login(monitor)
    queue = client.get(reverse("exchange:claim_list")).content.decode()
    assert reverse("exchange:claim_case", args=[claim.pk]) in queue
    # the number is the same, and nobody sees it
    with CaptureQueriesContext(connection) as asked:
        page = client.get(reverse("exchange:claim_case", args=[claim.pk])).content.decode()
    assert len(asked) <= 12
    assert held.document["citizen_id"] not in page
    assert {pair.label: pair.same for pair in side_by_side(claim, files_of(claim))}[label_of("citizen_id")]
    assert ReadEvent.objects.filter(actor=monitor, key=held.key, what="claim").exists()
    # asked, then decided with a word of why
    act = reverse("exchange:claim_act", args=[claim.pk])
    client.post(act, {"act": "ask"})
    client.post(act, {"act": "decide", "outcome": "transfer:two", "reason": ""})
    assert state_of(claim)[0] == "asked"
    client.post(act, {"act": "decide", "outcome": "transfer:two", "reason": "đã chuyển công tác"})
    assert state_of(claim) == ("decided", "transfer", "H16")
    # who operates nothing at the hub has no such page
    client.force_login(user_make("claims-stranger"))
    assert client.get(reverse("exchange:claim_list")).status_code == 404
    assert client.get(reverse("exchange:claim_case", args=[claim.pk])).status_code == 404
    assert client.post(act, {"act": "ask"}).status_code == 404


@pytest.mark.urls("tests.exchange.hub_urls")
def test_the_agencies_hear_and_answer_through_the_api(looked, monitor, client):
    _held, claimed, claim = one_number(looked)
    claim_ask(actor=monitor, claim=claim)
    token = client.post(
        "/o/token/", {"grant_type": "client_credentials", "scope": "exchange", "client_id": "client-H16", "client_secret": "H16-" + "s" * 40}
    )
    named = {"HTTP_AUTHORIZATION": f"Bearer {token.json()['access_token']}"}
    told = {one["claim"]: one for one in client.get("/api/v1/claims", **named).json()["claims"]}[str(claim.pk)]
    assert (told["person"], told["other_agency"]) == (str(claimed.key), "H15")

    def say(number, **said):
        return client.post(f"/api/v1/claims/{number}/answer", json.dumps(said), content_type="application/json", **named)

    assert say(claim.pk, answer="ours", reason="đang công tác").json()["answer"] == "ours"
    assert say(claim.pk, answer="perhaps", reason="x").status_code == 422
    assert say(claimed.key, answer="ours", reason="x").status_code == 404
    claim_decide(actor=monitor, claim=claim, outcome=ClaimOutcome.WITHDRAWN, keeps=claim.agency_one, reason="theo quyết định")
    assert say(claim.pk, answer="theirs", reason="đã thôi").json()["state"] == "closed"
    assert say(claim.pk, answer="ours", reason="khoan").json()["code"] == "WRONG_STATE"
