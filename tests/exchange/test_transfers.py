"""A person passes from one agency to another by offer and acceptance: two agencies and a hub on three databases, over the real API."""

from __future__ import annotations

import threading
import zipfile
from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from exchange.choices import ClaimAnswer, ClaimOutcome
from exchange.connectors import CallFailed
from exchange.models import Agency, ClaimNotice, Delivery, DoubleClaim, IncomingTransfer, OutgoingTransfer, TransferCase
from exchange.selectors.board import moved_until
from exchange.selectors.transfers import is_late
from exchange.services.acceptance import Place
from exchange.services.arrivals import ArrivalRefused, arrival_propose, arrival_wish
from exchange.services.buckets import Holding, tree_now
from exchange.services.case_notices import late_tell
from exchange.services.claim_notices import claim_say, claims_hear
from exchange.services.claims import claim_ask, claim_decide, claims_find, claims_settle
from exchange.services.evidence import verify_evidence
from exchange.services.intake import batch_process, batch_receive
from exchange.services.releases import release_propose, release_withdraw
from exchange.services.tally import tally_differences
from exchange.services.transfers import CaseMoved, owner_of, transfer_refuse, transfer_take, transfer_withdraw, transfers_expire
from orgtree import clock
from orgtree.models import OrgUnit
from registry.models import StaffProfile
from registry.selectors.staff import StaffFilter, staff_list
from tests.exchange.sender import Change
from tests.factories import gate_lifted, superuser_make, user_make
from tools.verify_evidence import Broken, verify
from workflows.documents import parse
from workflows.errors import NotAllowed
from workflows.models import Hold, Notice, OutboxMessage, ReadEvent, RecordVersion
from workflows.selectors.notices import address_of, text_of
from workflows.services.ledger import verify_ledger
from workflows.services.staging import Proposal, request_stage
from workflows.services.submission import request_submit, request_withdraw

DAY = clock.today()


def release(trio, code, key, to, day=None):
    with trio.at(code) as side:
        staged = release_propose(
            actor=side.office.author,
            profile=StaffProfile.objects.get(pk=key),
            to_agency=to,
            to_agency_name=f"Tỉnh {to}",
            effective_on=day or DAY,
            decision_number="12/QĐ-UBND",
            decision_date=DAY,
        )
        assert staged.request is not None, staged.returned
        return side.office.carry(staged.request)


def wish(trio, code, key, what, reason=""):
    with trio.at(code) as side:
        arrival = IncomingTransfer.objects.filter(person=key).order_by("-offered_at").first()
        arrival_wish(actor=side.office.author, arrival=arrival, wish=what, reason=reason)
    trio.drive(code)


def propose(trio, code, key):
    with trio.at(code) as side:
        place = Place(OrgUnit.objects.get(pk=side.sender.root), OrgUnit.objects.get(pk=side.sender.office), "Chuyên viên", "")
        arrival = IncomingTransfer.objects.filter(person=key).order_by("-offered_at").first()
        return arrival_propose(actor=side.office.author, arrival=arrival, place=place)


def accept(trio, code, key):
    staged = propose(trio, code, key)
    assert staged.request is not None, staged.returned
    with trio.at(code) as side:
        side.office.carry(staged.request)
    trio.deliver(code)


def owner(trio, key):
    with trio.at_hub():
        return Agency.objects.get(pk=owner_of(StaffProfile.objects.get(pk=key).using_unit_id)).code


def edit(trio, code, key, **changes):
    """Somebody changes the file by hand at an agency; gives the findings that kept it, or nothing."""
    with trio.at(code) as side:
        staged = request_stage(
            actor=side.office.author,
            unit=None,
            title="Sửa",
            proposals=[Proposal(kind="staff_profile", key=key, patch={"phone": "0900000001", **changes})],
        )
        if staged.request is None:
            return [one.code for found in staged.returned.values() for one in found]
        side.office.carry(staged.request)
        return []


def at_once(steps):
    """Run the steps in threads that begin together; gives what each returned or raised."""
    outcomes, start = [None] * len(steps), threading.Barrier(len(steps))

    def run(index):
        try:
            start.wait(timeout=10)
            outcomes[index] = steps[index]()
        except Exception as error:  # noqa: BLE001 (what a step raised is its outcome)
            outcomes[index] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(steps))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    return outcomes


def states(trio, code, key):
    with trio.at(code):
        out = OutgoingTransfer.objects.filter(release__person=key).order_by("changed_at").values_list("state", flat=True)
        came = IncomingTransfer.objects.filter(person=key).order_by("offered_at").values_list("state", flat=True)
        return list(out), list(came)


def test_a_person_passes_and_the_versions_go_on(trio, tmp_path):
    # given somebody with two versions at the first agency
    change = trio.hired("H15")
    with trio.at("H15") as side:
        side.office.apply(change.again(phone="0912345679"))
    trio.deliver("H15")
    key = change.key
    # when the agency releases them
    release(trio, "H15", key, "H16")
    # then the file stands still here at once
    assert edit(trio, "H15", key) == ["RECORD_HELD"]
    with trio.at("H15"):
        with pytest.raises(DatabaseError):
            RecordVersion.objects.filter(kind="staff_profile", key=key).update(version=9)
        assert Hold.objects.get(key=key).text == "Tỉnh H16"
    # and the hub keeps the case while the person stays with the first agency
    trio.drive("H15")
    trio.drive("H16")
    assert states(trio, "H15", key) == (["offered"], [])
    assert states(trio, "H16", key) == ([], ["offered"])
    assert owner(trio, key) == "H15"
    # when the second agency takes the offer up, the file comes with its proof
    wish(trio, "H16", key, "take")
    with trio.at("H16"):
        arrival = IncomingTransfer.objects.get(person=key)
        assert (arrival.state, arrival.error_code, arrival.document is not None) == ("taken", "", True)
        assert arrival.evidence["agency"] == "H15"
    assert owner(trio, key) == "H15"
    # then it can no longer be withdrawn
    with trio.at("H15") as side:
        trio_transfer = OutgoingTransfer.objects.get(release__person=key)
        release_withdraw(actor=side.office.author, transfer=trio_transfer, reason="Nhầm")
    trio.drive("H15")
    assert states(trio, "H15", key) == (["taken"], [])
    # when its gate has accepted and the version has arrived
    accept(trio, "H16", key)
    # then the person is the second agency's, the hub goes on counting, and the first one reads that they are gone
    assert owner(trio, key) == "H16"
    trio.drive("H15")
    trio.drive("H16")
    assert (states(trio, "H15", key), states(trio, "H16", key)) == ((["completed"], []), ([], ["completed"]))
    with trio.at_hub():
        assert list(RecordVersion.objects.filter(key=key).order_by("version").values_list("version", flat=True)) == [1, 2, 3]
        case = TransferCase.objects.get(key=key)
        assert [step.what for step in case.steps.all()] == ["offered", "taken", "completed"]
        assert case.passed_as == 3
    with trio.at("H15"):
        assert Hold.objects.get(key=key).final
    assert edit(trio, "H15", key) == ["RECORD_HELD"]
    # and the second agency's next version, its second, is the hub's fourth
    assert edit(trio, "H16", key) == []
    trio.deliver("H16")
    with trio.at_hub():
        assert StaffProfile.objects.get(pk=key).version == 4
        assert StaffProfile.objects.get(pk=key).phone == "0900000001"
        posts = StaffProfile.objects.get(pk=key).postings.order_by("valid_from")
        assert [(one.unit_id, one.valid_to) for one in posts][-1][1] is None
        assert posts[0].unit_id is None
        assert posts[0].valid_to == DAY
        assert verify_evidence().ok
        assert verify_ledger().ok
        # and the board counts the person where they are
        assert tally_differences() == []
    evidence_is_shown(trio, key, tmp_path)


def shown_within(client, address):
    """The evidence on a page that asks at most twelve queries."""
    with CaptureQueriesContext(connection) as asked:
        evidence = client.get(address).context["evidence"]
    assert len(asked) <= 12, [one["sql"][:120] for one in asked]
    return evidence


def evidence_is_shown(trio, key, folder):
    """What proves the transfer, at the old agency and at the hub: four versions there, two here, and each zip good for the offline checker."""
    with trio.at("H15") as side:
        transfer = OutgoingTransfer.objects.get(release__person=key)
        assert (transfer.taken_at is not None, transfer.passed_at > transfer.taken_at) == (True, True)
        clerk, nobody = Client(), Client()
        clerk.force_login(side.office.author)
        nobody.force_login(user_make("evidence-nobody"))
        address = reverse("exchange:transfer_out_evidence", args=[transfer.pk])
        here = shown_within(clerk, address)
        assert [(one.version, one.handed_over, len(one.signed)) for one in here.lines] == [(1, False, 1), (2, True, 1)]
        assert here.released[0].by == "Nguyễn Văn An"  # and no number of theirs
        zips = {address: clerk.get(address).content for address in (here.release_address, *(one.address for one in here.lines))}
        assert nobody.get(address).status_code == 404
        assert ReadEvent.objects.filter(actor=side.office.author, key=key, what="transfer evidence").count() == 1
    with trio.at_hub():
        case, monitor = TransferCase.objects.get(key=key), Client()
        monitor.force_login(boss := superuser_make("evidence-monitor"))
        there = shown_within(monitor, reverse("exchange:transfer_case_evidence", args=[case.pk]))
        said = [(one.version, one.number, one.agency, one.handed_over, one.passing) for one in there.lines]
        first, second = "Tỉnh H15", "Tỉnh H16"
        assert said == [(1, 1, first, False, False), (2, 2, first, True, False), (3, 1, second, False, True), (4, 2, second, False, False)]
        zips |= {address: monitor.get(address).content for address in (there.release_address, *(one.address for one in there.lines))}
        assert ReadEvent.objects.filter(actor=boss, key=key).count() == 6
        assert monitor.get(reverse("exchange:case_version", args=[case.pk, 9])).status_code == 404
        outsider = Client()
        outsider.force_login(user_make("evidence-outsider"))
        assert {outsider.get(address).status_code for address in zips if "case" in address} == {404}
    anchor = settings.TRUST_DIRECTORY / "root.pem"
    for number, body in enumerate(zips.values()):
        path = folder / f"{number}.zip"
        path.write_bytes(body)
        assert verify(path, anchor)[-1] == "GOOD"
    # the hub's says who holds it for whom, and what its own link names; a changed one is not good
    with zipfile.ZipFile(path) as packed:
        files = {name: packed.read(name) for name in packed.namelist()}
    held = parse(files["seal.json"])
    assert (held["schema"], held["authority"], held["agency"]) == ("held/1", "G01", "H16")
    assert (held["held"]["evidence"]["manifest"], held["held"]["evidence"]["signature"]) == (held["manifests"][-1], held["signatures"][-1])
    for old, new in ((b'"skipped":[]', b'"skipped":[0]'), (b'"manifests":["', b'"manifests":["0')):
        with zipfile.ZipFile(path, "w") as packed:
            for name, body in {**files, "seal.json": files["seal.json"].replace(old, new)}.items():
                packed.writestr(name, body)
        with pytest.raises(Broken):
            verify(path, anchor)


def offered(trio, frm="H15", to="H16", day=None):
    key = trio.hired(frm).key
    release(trio, frm, key, to, day)
    trio.drive(frm)
    trio.drive(to)
    return key


def test_an_offer_that_is_refused_leaves_the_file_where_it_was(trio):
    key = offered(trio)
    # when it is refused, with a reason
    with trio.at("H16") as side, pytest.raises(ArrivalRefused):
        arrival_wish(actor=side.office.author, arrival=IncomingTransfer.objects.get(person=key), wish="refuse")
    wish(trio, "H16", key, "refuse", "Không có biên chế")
    trio.drive("H15")
    # then both read the reason, and the file moves again
    with trio.at("H15"):
        assert OutgoingTransfer.objects.get(release__person=key).reason == "Không có biên chế"
    assert (states(trio, "H15", key), states(trio, "H16", key)) == ((["refused"], []), ([], ["refused"]))
    assert edit(trio, "H15", key) == []
    # and the person may be offered once more
    trio.deliver("H15")
    release(trio, "H15", key, "H16")
    trio.drive("H15")
    assert states(trio, "H15", key)[0] == ["refused", "offered"]


def test_an_offer_is_withdrawn_even_when_answers_are_lost(trio):
    key = trio.hired("H15").key
    release(trio, "H15", key, "H16")
    # given an offer whose answer was lost, and a withdrawal whose first answer is lost as well
    trio.line.lose = [None, "after"]
    trio.drive("H15")
    with trio.at("H15") as side:
        release_withdraw(actor=side.office.author, transfer=OutgoingTransfer.objects.get(release__person=key), reason="Đổi ý")
    trio.line.lose = [None, "after"]
    trio.drive("H15")
    trio.drive("H15")
    trio.drive("H15")
    # then it is withdrawn, once, on both sides
    assert states(trio, "H15", key)[0] == ["withdrawn"]
    with trio.at_hub():
        assert [step.what for step in TransferCase.objects.get(key=key).steps.all()] == ["offered", "withdrawn"]
    assert edit(trio, "H15", key) == []


def test_an_offer_that_nobody_takes_up_is_late_and_then_lapses(trio, settings):
    key = offered(trio)
    with trio.at_hub():
        case = TransferCase.objects.get(key=key)
        settings.PINNED_TODAY = (case.due_on + timedelta(days=1)).isoformat()
        assert is_late(case)
        assert transfers_expire() == 0
        settings.PINNED_TODAY = (case.expires_on + timedelta(days=1)).isoformat()
        assert transfers_expire() >= 1
        assert transfers_expire() == 0
    trio.drive("H15")
    trio.drive("H16")
    assert (states(trio, "H15", key)[0], states(trio, "H16", key)[1]) == (["expired"], ["expired"])


def test_what_cannot_be_carried_through_is_given_back(trio):
    key = offered(trio)
    wish(trio, "H16", key, "take")
    staged = propose(trio, "H16", key)
    # while its request is open it cannot be given back
    with trio.at("H16") as side:
        request_submit(actor=side.office.author, request_id=staged.request.pk)
        with pytest.raises(ArrivalRefused):
            arrival_wish(actor=side.office.author, arrival=IncomingTransfer.objects.get(person=key), wish="give-back", reason="Thiếu giấy tờ")
        request_withdraw(actor=side.office.author, request_id=staged.request.pk)
    # when it is given back, and the answer is lost once
    trio.line.lose = [None, "after"]
    wish(trio, "H16", key, "give-back", "Thiếu giấy tờ")
    trio.drive("H16")
    assert states(trio, "H16", key)[1] == ["offered"]
    # then nothing of the person can become true there, and the old agency may withdraw
    with trio.at("H16") as side:
        again = request_stage(
            actor=side.office.author, unit=None, title="Lén", proposals=[Proposal(kind="staff_profile", key=key, patch=side.sender.person().document)]
        )
        assert [one.code for one in again.returned[0]] == ["RECORD_HELD"]
    with trio.at("H15") as side:
        release_withdraw(actor=side.office.author, transfer=OutgoingTransfer.objects.get(release__person=key), reason="Thôi")
    trio.drive("H15")
    assert states(trio, "H15", key)[0] == ["withdrawn"]


@pytest.mark.long
def test_somebody_comes_back_and_the_numbers_stay_straight(trio):
    # given somebody who passed to the second agency
    key = offered(trio, day=DAY - timedelta(days=30))
    wish(trio, "H16", key, "take")
    accept(trio, "H16", key)
    trio.drive("H15")
    trio.drive("H16")
    # when they return
    release(trio, "H16", key, "H15")
    trio.drive("H16")
    trio.drive("H15")
    wish(trio, "H15", key, "take")
    assert edit(trio, "H15", key) == ["RECORD_HELD"]
    accept(trio, "H15", key)
    trio.drive("H16")
    trio.drive("H15")
    # then the first agency owns them with its second version, the hub's third
    assert owner(trio, key) == "H15"
    assert edit(trio, "H15", key) == []
    trio.deliver("H15")
    with trio.at_hub():
        assert StaffProfile.objects.get(pk=key).version == 4
        assert verify_evidence().ok
    assert edit(trio, "H16", key) == ["RECORD_HELD"]
    # and both compare equal with the hub
    for code in ("H15", "H16"):
        assert compared_equal(trio, code)


def compared_equal(trio, code):
    """Are the digests of all people the same on both sides?"""
    with trio.at(code):
        mine = tree_now(Holding(None), "staff_profile").root
    with trio.at_hub():
        return mine == tree_now(Holding(Agency.objects.get(code=code)), "staff_profile").root


def test_a_file_never_passes_without_a_case(trio):
    # given somebody of the first agency, and a version of theirs that the second one signs without an offer
    key = trio.hired("H15").key
    with trio.at("H16") as side:
        stolen = Change("staff_profile", key, side.sender.person().document, 0)
        side.office.apply(stolen)
    trio.deliver("H16")
    # then the hub refuses it, and the person stays
    assert owner(trio, key) == "H15"
    with trio.at("H16"):
        assert Delivery.objects.get(message__key=key).error_code == "WRONG_OWNER"
    # and the database itself lets no file pass
    with trio.at_hub(), pytest.raises(DatabaseError, match="without a transfer"), transaction.atomic(), gate_lifted("registry_staffprofile"):
        StaffProfile.objects.filter(pk=key).update(using_unit=trio.sides["H16"].sender.office)


def test_a_place_to_leave_is_no_place_to_go(trio):
    """Whoever takes somebody over may touch the unit that they leave, and put nobody else there."""
    key = offered(trio)
    wish(trio, "H16", key, "take")
    staged = propose(trio, "H16", key)
    elsewhere = str(trio.sides["H15"].sender.office)
    with trio.at("H16") as side:
        side.office.carry(staged.request)
        message = OutboxMessage.objects.get(key=key)
        document = parse(bytes(message.document.body))
    passing = Change("staff_profile", key, document)
    intruder = trio.sides["H16"].sender.person(managing_agency=str(trio.sides["H15"].sender.root), using_unit=elsewhere, postings=[])
    signed = trio.sides["H16"].sender.sign(passing, intruder)
    with trio.at_hub():
        batch = batch_receive(agency=Agency.objects.get(code="H16"), kind="staff_profile", idempotency_key=uuid4().hex, body=signed.body())
        results = {one.index: one for one in batch_process(batch_id=batch.pk).results.all()}
        assert (results[0].outcome, results[1].outcome, results[1].code) == ("accepted", "rejected", "WRONG_OWNER")


@pytest.mark.parametrize("_round", range(1))
def test_two_agencies_at_one_moment_at_the_hub(trio, _round):
    """Withdrawing, taking up and refusing race: one wins, the others read so, and the case has exactly one story."""
    key = offered(trio)
    with trio.at_hub():
        case = TransferCase.objects.get(key=key)
        old, new = (Agency.objects.get(code=code) for code in ("H15", "H16"))
        steps = [
            partial(transfer_withdraw, agency=old, number=case.pk, reason="Thôi"),
            partial(transfer_take, agency=new, number=case.pk),
            partial(transfer_refuse, agency=new, number=case.pk, reason="Không"),
        ]
        outcomes = at_once(steps)
        assert [type(one) for one in outcomes].count(CaseMoved) == 2, outcomes
        assert case.steps.count() == 2


def test_agencies_hear_of_a_person_whom_both_claim_and_the_transfer_closes_the_case(trio):
    # given one person on file at both agencies under two numbers, found by the hub and put to both
    one = trio.hired("H15", home_town_area="2025-24133", birth_name="H'Bia Êban")
    alike = {name: one.document[name] for name in ("birth_name", "birth_date", "gender", "home_town_area")}
    two = trio.hired("H16", **alike)
    with trio.at_hub():
        claims_find()
        claim = DoubleClaim.objects.get(key_one__in=[one.key, two.key], key_two__in=[one.key, two.key])
        claim_ask(actor=superuser_make("claims-monitor"), claim=claim)
    # when an agency's worker asks, then it hears of it once
    with trio.at("H16") as side:
        assert (claims_hear(connector=trio.connect), claims_hear(connector=trio.connect)) == (1, 0)
        notice = ClaimNotice.objects.get(pk=claim.pk)
        assert (notice.person, notice.other_code, notice.state) == (two.key, "H15", "asked")
        # and an answer that does not reach the hub is not kept
        trio.line.lose = ["before"]
        with pytest.raises(CallFailed):
            claim_say(actor=side.office.author, notice=notice, answer=ClaimAnswer.OURS, reason="đang công tác", connector=trio.connect)
        assert ClaimNotice.objects.get(pk=claim.pk).answer == ""
        notice = claim_say(actor=side.office.author, notice=notice, answer=ClaimAnswer.OURS, reason="đang công tác", connector=trio.connect)
        assert notice.answer == "ours"
        with pytest.raises(NotAllowed):
            claim_say(actor=user_make("claims-nobody"), notice=notice, answer=ClaimAnswer.THEIRS, reason="x", connector=trio.connect)
    # when the hub decides that the person passes, then the case ends once that is a fact
    with trio.at_hub():
        keeps = Agency.objects.get(code="H16")
        claim_decide(actor=superuser_make("claims-decider"), claim=claim, outcome=ClaimOutcome.TRANSFER, keeps=keeps, reason="QĐ 12")
    release(trio, "H15", one.key, "H16")
    trio.drive("H15")
    trio.drive("H16")
    wish(trio, "H16", one.key, "take")
    trio.drive("H15")
    with trio.at_hub():
        assert claims_settle() == 0  # taken up is not passed
        before = {agency.code: moved_until(clock.today()).get(agency.pk, 0) for agency in Agency.objects.all()}
    accept(trio, "H16", one.key)
    with trio.at_hub():
        assert claims_settle() == 1
        # and the file counts on the board where the person is
        after = {agency.code: moved_until(clock.today()).get(agency.pk, 0) for agency in Agency.objects.all()}
        assert after == {"H15": before["H15"] - 1, "H16": before["H16"] + 1}
        assert moved_until(clock.today() - timedelta(days=2)) == {}
        claim.refresh_from_db()
        assert (claim.state, claim.outcome, claim.keeps.code) == ("closed", "transfer", "H16")
    with trio.at("H16"):
        assert claims_hear(connector=trio.connect) == 1
        assert ClaimNotice.objects.get(pk=claim.pk).state == "closed"
    # and each side was told under the bell what happened, once, and nobody's name
    with trio.at_hub():
        number = TransferCase.objects.get(key=one.key).pk
    with trio.at("H16") as side:
        assert told(side, claim.pk, number) == ["asked", "offered", "closed"]
    trio.drive("H15")
    with trio.at("H15") as side:
        assert told(side, number) == ["taken", "completed"]
        # who has left is no longer in the list of the old agency, unless one asks for those, and the file can be read
        listed = staff_list(user=side.office.author, wanted=StaffFilter())
        assert not listed.filter(pk=one.key).exists()
        assert staff_list(user=side.office.author, wanted=StaffFilter(values={"gone": "yes"})).filter(pk=one.key).exists()
        client = Client()
        client.force_login(side.office.author)
        assert client.get(reverse("registry:staff_detail", args=[one.key])).status_code == 200


def told(side, *numbers):
    """What the author was told under the bell of these cases, oldest first; every text and address can be made."""
    notices = Notice.objects.filter(user=side.office.author, detail__number__in=[str(one) for one in numbers]).order_by("pk")
    for one in notices:
        assert "Tỉnh H" in text_of(one)
        assert "Êban" not in text_of(one)
        assert address_of(one).startswith("/exchange/")
    return [one.detail["matter"] for one in notices]


def test_what_is_late_is_told_once(trio):
    change = trio.hired("H15")
    release(trio, "H15", change.key, "H16")
    trio.drive("H15")
    with trio.at("H15") as side:
        transfer = OutgoingTransfer.objects.get(release__person=change.key)
        late_tell()
        assert told(side, transfer.pk) == []
        OutgoingTransfer.objects.filter(pk=transfer.pk).update(due_on=DAY - timedelta(days=1))
        late_tell()
        late_tell()
        assert told(side, transfer.pk) == ["late"]
