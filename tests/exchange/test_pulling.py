"""Taking over what the national platform holds: a new installation, one restored from an older backup, and what cannot be taken.

The agency and the hub, each on a database of its own, over the real API. `again` gives the agency another database and nothing else: what it
had sent before stays at the hub.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from uuid import uuid4

import pytest

from exchange.choices import PullState
from exchange.contract import PROFILE_KIND, UNIT_KIND
from exchange.models import Channel, Delivery, Reconciliation
from exchange.services.pull_staging import NothingToTake, pull_stage
from exchange.services.pulling import pull_ask, pull_drive
from exchange.services.reconciling import reconcile
from registry.models import StaffProfile
from tests import databases
from tests.exchange.office import Office
from tests.exchange.trio import trio_open
from tests.factories import superuser_make
from workflows.models import ChangeRequest, RecordVersion
from workflows.services.ledger import verify_ledger


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


def asked(trio, kind, **scope):
    """A run that has come to its end."""
    pull = pull_ask(actor=trio.sides["H15"].office.author, kind=kind, **scope)
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
