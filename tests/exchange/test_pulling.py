"""Taking over what the national platform holds: a new installation, one restored from an older backup, and what cannot be taken.

The agency and the hub, each on a database of its own, over the real API. `again` gives the agency another database and nothing else: what it
had sent before stays at the hub.
"""

from __future__ import annotations

import copy
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import time
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from django.test import override_settings
from django.urls import reverse

from exchange.choices import PullState
from exchange.contract import PROFILE_KIND, UNIT_KIND, encode
from exchange.holding_contract import HeldQuestion, HeldRecords
from exchange.models import Agency, BulkHours, Channel, Delivery, Pull, PullRecord, Reconciliation
from exchange.selectors.pull_causes import cause_words
from exchange.selectors.pulling import pulls_due
from exchange.services import holdings, pull_staging, pulling
from exchange.services.forming import deliveries_fan_out
from exchange.services.intake import batch_process, batch_receive
from exchange.services.pull_reading import some_fetch
from exchange.services.pull_staging import NothingToTake, pull_stage
from exchange.services.pulling import pull_again, pull_ask, pull_drive
from exchange.services.reconciling import reconcile
from orgtree import clock
from orgtree.choices import Role
from orgtree.models import OrgUnit
from registry.models import StaffProfile
from tests import databases
from tests.exchange.office import Office
from tests.exchange.trio import trio_open
from tests.factories import grant_make, superuser_make, user_make
from workflows.errors import NotAllowed
from workflows.models import ChangeItem, ChangeRequest, RecordVersion
from workflows.services.ledger import verify_ledger
from workflows.services.staging import request_stage
from workflows.targets import target


@pytest.fixture(scope="module")
def trio(django_db_setup, django_db_blocker, worker_id, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pulling")
    with django_db_blocker.unblock(), trio_open(f"{worker_id}_{uuid4().hex[:6]}", folder, codes=("H15",)) as trio:
        yield trio


@contextmanager
def again(trio, *, backup=""):
    """The agency on another database: a new installation, or that of a backup."""
    old = trio.sides["H15"]
    with databases.clone(f"again_{uuid4().hex[:6]}", backup) as database:
        with databases.default_connection_on(database):
            if backup:
                channel, office = Channel.objects.get(code="national-hub"), old.office
            else:
                office = Office(superuser_make("author"), superuser_make("approver", personal_number="066075001230"), old.office.p12)
                channel = Channel.objects.create(
                    code="national-hub", name="Nền tảng quốc gia", base_url="http://testserver", client_id="client-H15", timeout_seconds=5
                )
        trio.sides["H15"] = replace(old, database=database, office=office, channel=channel)
        try:
            yield trio.sides["H15"]
        finally:
            trio.sides["H15"] = old


def asked(trio, kind, actor=None, **scope):
    """A run that has come to its end."""
    pull = pull_ask(actor=actor or trio.sides["H15"].office.author, kind=kind, **scope)
    pull = pull_drive(pull_id=pull.pk, connector=trio.connect)
    assert (pull.state, pull.error_code, pull.error_text) == (PullState.READY, "", "")
    return pull


def found(pull):
    return {(one.key, one.what, one.cause) for one in pull.records.all()}


def taken(trio, pull):
    """What is offered, in requests that were carried to their end; gives those."""
    office = trio.sides["H15"].office
    pull_stage(actor=office.author, pull=pull)
    pull_drive(pull_id=pull.pk, connector=trio.connect)
    requests = [ChangeRequest.objects.get(pk=pk) for pk in dict.fromkeys(pull.records.exclude(request=None).values_list("request", flat=True))]
    return [office.carry(one) for one in requests]


def sent_by_an_old_program(trio, *changes):
    """The hub holds these, signed by the agency's people, and the agency's books know nothing of it."""
    side = trio.sides["H15"]
    with trio.at_hub():
        agency = Agency.objects.select_related("root").get(code="H15")
        for one in changes:
            signed = side.sender.sign(one)
            batch = batch_receive(agency=agency, kind=one.kind, idempotency_key=uuid4().hex, body=signed.body())
            results = batch_process(batch_id=batch.pk).results.all()
            assert [(each.outcome, each.code) for each in results] == [("accepted", "")]


def equal(trio):
    run = reconcile(actor=None, channel=trio.sides["H15"].channel, connector=trio.connect)
    return run.state, [(str(one.key), one.what, one.version_here, one.version_there) for one in run.differences.all()]


def test_a_backup_is_brought_up_to_what_the_platform_holds(trio):
    # given: a backup, after which the agency changed and delivered more
    hoa, binh = trio.hired("H15"), trio.hired("H15")
    with databases.clone(f"backup_{uuid4().hex[:6]}", trio.sides["H15"].database) as backup:
        for phone in ("0905000011", "0905000012"):
            hoa, binh = hoa.again(phone=phone), binh.again(phone=phone)
            with trio.at("H15") as side:
                side.office.apply(hoa, binh)
            trio.deliver("H15")
        dung = trio.hired("H15")
        with again(trio, backup=backup) as side, trio.at("H15"):
            # and: before anybody knew, somebody changed a person here, which the hub refuses
            stray = replace(hoa, base_version=0).again(phone="0905999999")
            side.office.apply(stray)
            trio.deliver("H15")
            assert Delivery.objects.get(message__key=hoa.key, message__version=2).error_code == "VERSION_CONFLICT"
            state, differences = equal(trio)
            assert (state, len(differences)) == ("different", 3)
            # when: what the comparison found is taken over
            run = Reconciliation.objects.first()
            pull = asked(trio, PROFILE_KIND, reconciliation=run)
            assert found(pull) == {(hoa.key, "differs", ""), (binh.key, "differs", ""), (dung.key, "missing", "")}
            taken(trio, pull)
            trio.deliver("H15")
            # then: the refused version is settled, both sides hold the same, and count on
            assert Delivery.objects.get(message__key=hoa.key, message__version=2).state == "replaced"
            assert equal(trio) == ("equal", [])
            side.office.apply(replace(hoa, base_version=2).again(phone="0905000013"), replace(binh, base_version=1).again(phone="0905000014"))
            trio.deliver("H15")
            assert equal(trio) == ("equal", [])
            assert verify_ledger().ok


@pytest.mark.long
def test_a_new_installation_takes_over_what_the_platform_holds_and_goes_on(trio):
    # given: two people at the hub, one of them in a third version
    hoa, binh = trio.hired("H15"), trio.hired("H15")
    for phone in ("0905000001", "0905000002"):
        hoa = hoa.again(phone=phone)
        with trio.at("H15") as side:
            side.office.apply(hoa)
        trio.deliver("H15")
    with again(trio) as side, trio.at("H15"):
        # when: people first
        people = asked(trio, PROFILE_KIND)
        # then: they wait, and name the units that are not here
        assert found(people) >= {(one.key, "missing", "UNKNOWN_UNIT") for one in (hoa, binh)}
        assert all("Đơn vị" in one.value for one in people.records.all())
        with pytest.raises(NothingToTake):
            pull_stage(actor=side.office.author, pull=people)

        # when: units, then people
        units = asked(trio, UNIT_KIND)
        assert {what for _key, what, _cause in found(units)} == {"missing"}
        taken(trio, units)
        people = asked(trio, PROFILE_KIND)
        assert found(people) >= {(one.key, "missing", "") for one in (hoa, binh)}
        (request,) = taken(trio, people)
        # then: what stands here is what the platform holds, by this agency's own gate
        assert (request.author, request.evidence["from"]) == (side.office.author, "G01")
        assert bytes(StaffProfile.objects.get(pk=hoa.key).digest) == hoa.digest
        assert verify_ledger().ok

        # when: it is delivered, which the hub takes though it counts these people further
        trio.deliver("H15")
        assert set(Delivery.objects.values_list("state", flat=True)) == {"received"}
        assert equal(trio) == ("equal", [])
        # and: the next change goes on from there
        side.office.apply(replace(hoa, base_version=0).again(phone="0905000003"))
        trio.deliver("H15")
        assert equal(trio) == ("equal", [])
        assert found(asked(trio, PROFILE_KIND)) == set()
    with trio.at_hub():
        assert RecordVersion.objects.filter(kind=PROFILE_KIND, key=hoa.key).count() == 4


def test_what_an_old_program_sent_is_offered_once_and_waits_in_its_request(trio):
    # given
    with trio.at("H15") as side:
        sent, clerk = side.sender.person(), user_make("clerk-of-the-office")
        sent_by_an_old_program(trio, sent)
        # when: looked at by whoever operates or edits in the unit, and by nobody else
        with pytest.raises(NotAllowed):
            pull_ask(actor=clerk, kind=PROFILE_KIND, unit=OrgUnit.objects.get(pk=side.sender.office))
        grant_make(clerk, Role.OPERATOR, OrgUnit.objects.get(pk=side.sender.office), giver=side.office.author)
        with pytest.raises(NotAllowed):
            pull_ask(actor=clerk, kind=PROFILE_KIND)
        pull = asked(trio, PROFILE_KIND, actor=clerk, unit=OrgUnit.objects.get(pk=side.sender.office))
        # then
        assert (sent.key, "missing", "") in found(pull)
        assert not StaffProfile.objects.filter(pk=sent.key).exists()
        with pytest.raises(NotAllowed):
            pull_stage(actor=clerk, pull=pull)

        # when: somebody who edits there takes it over
        pull_stage(actor=side.office.author, pull=pull, keys=[sent.key])
        pull_drive(pull_id=pull.pk, connector=trio.connect)
        request = pull.records.get(key=sent.key).request
        assert (request.state, request.count) == ("ready", 1)
        # then: nobody puts it into a second request
        again_ = asked(trio, PROFILE_KIND)
        assert (sent.key, "missing", "WAITING") in found(again_)
        assert again_.records.get(key=sent.key).value == str(request.pk)
        assert not pull.records.get(key=sent.key).document
        # and: it becomes true by the gate, and stands equal
        side.office.carry(request)
        assert sent.key not in {key for key, _what, _cause in found(asked(trio, PROFILE_KIND))}


def test_the_pages_lead_from_asking_to_the_request(trio, client):
    with trio.at("H15") as side:
        sent = side.sender.person()
        sent_by_an_old_program(trio, sent)
        client.force_login(side.office.author)
        # when: asked for, with a mistake first
        address = reverse("exchange:pull_list")
        assert "tra mã" in client.post(address, {"kind": PROFILE_KIND, "unit": "NO.SUCH"}).content.decode().lower()
        shown = client.post(address, {"kind": PROFILE_KIND, "unit": ""}, follow=True)
        pull = Pull.objects.first()
        assert "data-watch" in shown.content.decode()
        assert client.post(reverse("exchange:pull_act", args=[pull.pk]), {"act": "all"}, follow=True).redirect_chain
        pull_drive(pull_id=pull.pk, connector=trio.connect)
        assert "data-finished" in client.get(reverse("exchange:pull_detail", args=[pull.pk]) + "?part=progress").content.decode()
        # then: the person is shown, unmasked only where the file itself would be
        shown = client.get(reverse("exchange:pull_detail", args=[pull.pk]) + "?what=missing").content.decode()
        assert sent.document["birth_name"] in shown
        assert sent.document["citizen_id"] not in shown
        # when: it is chosen
        chosen = client.post(reverse("exchange:pull_act", args=[pull.pk]), {"act": "chosen", "keys": [str(sent.key)]})
        # then
        request = ChangeItem.objects.get(key=sent.key).request
        assert chosen.url == reverse("workflows:request_detail", args=[request.pk])
        assert request.title == f"Lấy từ nền tảng quốc gia: {sent.document['birth_name']}"
        assert client.get(chosen.url).status_code == 200


class Killed(BaseException):
    """The worker is gone."""


@dataclass
class Dying:
    """A line over which one call is made; with the second the worker dies."""

    connect: Any
    made: int = 0

    def __call__(self, channel):
        self.line, self.made = self.connect(channel), 0
        return self

    def __enter__(self):
        return self

    def __exit__(self, *details):
        self.line.__exit__(*details)

    def call(self, *asked, **more):
        self.made += 1
        if self.made == 2:
            raise Killed
        return self.line.call(*asked, **more)


def test_a_run_goes_on_where_its_worker_was_killed(trio, monkeypatch):
    # given: more records than a page and a question hold
    monkeypatch.setattr(holdings, "PAGE", 2)
    monkeypatch.setattr(pulling, "MAX_KEYS", 1)
    with trio.at("H15") as side:
        people = [side.sender.person() for _ in range(3)]
        sent_by_an_old_program(trio, *people)
        pull, deaths = pull_ask(actor=side.office.author, kind=PROFILE_KIND), 0
        # when: the worker dies with every second call, and another one comes
        while pull.state == PullState.RUNNING:
            try:
                pull = pull_drive(pull_id=pull.pk, connector=Dying(trio.connect))
            except Killed:
                deaths += 1
                held = pull_drive(pull_id=pull.pk, connector=Dying(trio.connect))  # nobody else may, until its term ends
                assert held.state == PullState.RUNNING
                Pull.objects.filter(pk=pull.pk).update(claimed_until=clock.now())
                assert pulls_due() == [pull.pk]
        # then
        assert deaths >= 3
        assert {key for key, what, cause in found(pull) if (what, cause) == ("missing", "")} >= {one.key for one in people}

        # when: it dies while it puts them into requests, after the first
        monkeypatch.setattr(pull_staging, "SHARE", 1)
        monkeypatch.setattr(pull_staging, "request_stage", dying_after(pull_staging.request_stage, 1))
        pull_stage(actor=side.office.author, pull=pull, keys=[one.key for one in people])
        with pytest.raises(Killed):
            pull_drive(pull_id=pull.pk)
        Pull.objects.filter(pk=pull.pk).update(claimed_until=clock.now())
        monkeypatch.setattr(pull_staging, "request_stage", request_stage)
        pull = pull_drive(pull_id=pull.pk)
        # then: each is in one request
        assert pull.state == PullState.READY
        items = ChangeItem.objects.filter(kind=PROFILE_KIND, key__in=[one.key for one in people])
        assert sorted(items.values_list("key", flat=True)) == sorted(one.key for one in people)
        assert items.values("request").distinct().count() == 3


def dying_after(stage, times):
    """`stage`, some times; then its worker dies when it is done, and before anything of it commits."""
    left = [times]

    def dies(**asked):
        staged = stage(**asked)
        if not left[0]:
            raise Killed
        left[0] -= 1
        return staged

    return dies


def test_what_is_not_what_our_people_signed_is_named_and_not_kept(trio):
    # given: what the hub tells of one person, and what may come instead
    with trio.at("H15") as side:
        sent, other = side.sender.person(), side.sender.person()
        sent_by_an_old_program(trio, sent)
        sent_by_an_old_program(trio, other)
        question = HeldQuestion(kind=PROFILE_KIND, keys=[sent.key, other.key])
        with trio.at_hub():
            told = msgspec.json.decode(encode(holdings.held_records(agency=Agency.objects.get(code="H15"), question=question)), type=HeldRecords)
        spoilt = {
            "OTHER_DIGEST": lambda one, rest: one.document.update(phone="0999999999"),
            "PROOF_INVALID": lambda one, rest: setattr(one, "leaf_index", 1),
            "MANIFEST_MISSING": lambda one, rest: setattr(one, "manifest", "0" * 64),
            "SCHEMA_UNKNOWN": lambda one, rest: one.document.update(schema="staff_profile/2"),
            "DOCUMENT_INVALID": lambda one, rest: one.document.pop("phone"),
            "NOT_PROVED": lambda one, rest: rest.records.remove(one),
            "NOT_HELD": lambda one, rest: setattr(rest, "entries", [each for each in rest.entries if each.key != one.key]),
            "SIGNATURE_REFUSED": lambda one, rest: [setattr(each, "signature", each.signature[:-9] + bytes(9)) for each in rest.manifests],
            "MANIFEST_INVALID": None,
            "": lambda one, rest: None,
        }
        for cause, spoil in spoilt.items():
            pull = Pull.objects.create(channel=side.channel, kind=PROFILE_KIND)
            row = PullRecord.objects.create(pull=pull, key=sent.key, what="missing", version_there=1, digest=sent.digest)
            mine = copy.deepcopy(told)
            one = next(each for each in mine.records if each.key == sent.key)
            # when
            with override_settings(AUTHORITY="H16" if spoil is None else "H15"):
                if spoil is not None:
                    spoil(one, mine)
                some_fetch(pull, [row], mine)
            # then
            row.refresh_from_db()
            assert (row.cause, row.document is None) == (cause, cause != "")
            title, _advice = cause_words(target(PROFILE_KIND), cause=row.cause, field=row.field, value=row.value) if cause else ("", "")
            assert title != row.cause or not cause
            pull.delete()


def test_large_amounts_wait_for_the_hours_of_the_line(trio, monkeypatch):
    # given: a line that carries more than one record at night only, and a working day
    with trio.at("H15") as side:
        sent_by_an_old_program(trio, side.sender.person(), side.sender.person())
        BulkHours.objects.create(channel=side.channel, opens=time(19), closes=time(6), above=1)
        monkeypatch.setattr(pulling, "is_open", lambda hours, at: False)
        pull = pull_ask(actor=side.office.author, kind=PROFILE_KIND)
        # when
        pull = pull_drive(pull_id=pull.pk, connector=trio.connect)
        # then: it was compared, and waits
        assert (pull.state, pull.stage, pull.error_code) == (PullState.RUNNING, "fetching", "BULK_HOURS")
        assert pull.pk not in pulls_due()
        # when: the hours come
        monkeypatch.setattr(pulling, "is_open", lambda hours, at: True)
        Pull.objects.filter(pk=pull.pk).update(not_before=clock.now())
        assert pull_drive(pull_id=pull.pk, connector=trio.connect).state == PullState.READY
        BulkHours.objects.all().delete()


def test_a_line_that_is_down_is_tried_again_and_one_that_is_wrong_waits_for_a_person(trio, monkeypatch):
    with trio.at("H15") as side:
        pull = pull_ask(actor=side.office.author, kind=UNIT_KIND)
        trio.line.lose = ["before"]
        # when
        pull = pull_drive(pull_id=pull.pk, connector=trio.connect)
        # then
        assert (pull.state, pull.failures) == (PullState.RUNNING, 1)
        assert pull.not_before > clock.now()
        # when: the hub tells no more
        Pull.objects.filter(pk=pull.pk).update(not_before=clock.now())
        with trio.at_hub():
            Agency.objects.filter(code="H15").update(calls_a_minute=0)
        pull = pull_drive(pull_id=pull.pk, connector=trio.connect)
        assert (pull.state, pull.error_code) == (PullState.RUNNING, "TOO_MANY")
        # when: the agency is switched off there
        with trio.at_hub():
            Agency.objects.filter(code="H15").update(calls_a_minute=10_000, active=False)
        Pull.objects.filter(pk=pull.pk).update(not_before=clock.now())
        pull = pull_drive(pull_id=pull.pk, connector=trio.connect)
        assert pull.state == PullState.FAILED
        # then: mended, it goes on
        with trio.at_hub():
            Agency.objects.filter(code="H15").update(active=True)
        pull_again(actor=side.office.author, pull=pull)
        assert pull_drive(pull_id=pull.pk, connector=trio.connect).state == PullState.READY


def test_a_unit_is_compared_by_itself_wherever_the_other_side_holds_its_people(trio):
    # given: a department below the office, known to the hub, which holds in the office whom we moved there
    with trio.at("H15") as side:
        below = side.sender.unit(parent=str(side.sender.office))
        side.office.apply(below)
    moved = trio.hired("H15")
    with trio.at("H15") as side:
        new = side.sender.person(using_unit=str(below.key))
        side.office.apply(moved.again(using_unit=str(below.key)), new)
        deliveries_fan_out()
        # when
        pull = asked(trio, PROFILE_KIND, unit=OrgUnit.objects.get(pk=below.key))
        # then: what is on its way is not offered, and only the new one stands only here
        assert found(pull) == {(moved.key, "ours_newer", "ON_THE_WAY")}
        assert (pull.equal, pull.only_here) == (0, 1)
        with pytest.raises(NothingToTake):
            pull_stage(actor=side.office.author, pull=pull, keys=[moved.key, new.key])
    trio.deliver("H15")
    with trio.at("H15"):
        pull = asked(trio, PROFILE_KIND, unit=OrgUnit.objects.get(pk=below.key))
        assert (found(pull), pull.equal, pull.only_here) == (set(), 2, 0)
