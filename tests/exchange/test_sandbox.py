"""The matching client against the sandbox, over real HTTP, with each fault switched on: nothing is lost and nothing is doubled."""

from __future__ import annotations

import http.client
import json
import threading
from collections import Counter
from datetime import UTC, datetime
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

import httpx
import pytest
from django.db import connection

from exchange import connectors
from exchange.choices import ChannelKind, MatchOutcome
from exchange.connectors import CallFailed, HubConnector
from exchange.contract import Envelope, ErrorKind, Item, encode
from exchange.models import Channel, PopulationMatch, RegisterEntry
from exchange.registers import connect_register
from exchange.sandbox.app import Sandbox
from exchange.sandbox.faults import Fault, Faults, fault_read
from exchange.sandbox.people import answer, invented
from exchange.sandbox.serving import served
from exchange.services.lanes import lanes_review, register_drive
from exchange.services.registers import PURPOSES
from tests.exchange.registers import pass_time, register_make
from tests.pages import Office
from workflows.documents import canonical, digest

SECRET = "s" * 32
PEOPLE = 7
# What a gateway or a node does stands in test_transports: on a direct line nobody meets it.
OF_WAYS = [one for one in Fault if one.value.startswith(("gateway-", "node-"))]


@pytest.fixture(scope="module")
def office(committed_db) -> Office:
    office = Office.open()
    for _ in range(PEOPLE):
        office.hired()
    return office


@pytest.fixture
def sandbox():
    return Sandbox(SECRET, faults=Faults(seed=7), hang=1.6)


def channel_to(address: str, settings, kind=ChannelKind.POPULATION) -> Channel:
    channel = register_make(kind, batch_size=3)
    Channel.objects.filter(pk=channel.pk).update(base_url=address, timeout_seconds=1)
    settings.CHANNEL_SECRETS = {channel.code: SECRET}
    connectors._tokens.clear()
    channel.refresh_from_db()
    return channel


def until_settled(channel, sandbox, *, faults=(), rounds=60) -> int:
    """Rounds with the waiting skipped; the faults strike for the first of them. Returns the rounds it took."""
    purpose = PURPOSES[channel.kind]
    for number in range(rounds):
        if number == 3:
            for fault in faults:
                sandbox.faults.set(fault, 0)
        lanes_review(channel=channel, purpose=purpose)
        register_drive(channel_id=channel.pk, purpose=purpose)
        if channel.lanes.filter(fingerprint__isnull=False).count() == PEOPLE:
            return number + 1
        pass_time(3_600)
    raise AssertionError("not settled")


@pytest.mark.parametrize("fault", [one for one in Fault if one not in (Fault.SLOW_DRIP, Fault.TIMEOUT, *OF_WAYS)])
def test_whatever_goes_wrong_everybody_is_answered_for_once(office, sandbox, settings, fault):
    # given
    PopulationMatch.objects.update(outcome=MatchOutcome.NOT_CHECKED, entry=None)
    sandbox.faults.set(fault, 0.7)
    with served(sandbox) as address:
        channel = channel_to(address, settings)
        # when
        until_settled(channel, sandbox, faults=[fault])
        # then what we hold is what the database says, for everybody
        for match in PopulationMatch.objects.select_related("staff"):
            asked = {name: str(getattr(match.staff, name)) for name in ("citizen_id", "birth_name", "birth_date", "gender")}
            said = answer({**asked, "ref": ""}, invented(asked, sandbox.seed))
            assert said["code"].lower() == match.outcome or (said["code"] == "E-500" and match.outcome == MatchOutcome.ERROR)
        # and nobody was answered for twice by answers that count
        good = RegisterEntry.objects.filter(batch__channel=channel, answered_at__isnull=False).exclude(code__in=["CODE_UNKNOWN", "V1-07"])
        assert max(Counter(good.values_list("staff", flat=True)).values()) == 1
    assert sandbox.faults.struck[fault] >= 1


@pytest.mark.parametrize("fault", [Fault.TIMEOUT, Fault.SLOW_DRIP])
def test_a_call_that_does_not_end_in_time_is_asked_for(office, sandbox, settings, fault):
    # given one call that hangs, or drips for longer than it may
    with served(sandbox) as address:
        channel = channel_to(address, settings)
        Channel.objects.filter(pk=channel.pk).update(batch_size=PEOPLE)
        connect_register(channel)._token_fetch()
        sandbox.faults.set(fault, 1)
        lanes_review(channel=channel, purpose=PURPOSES[channel.kind])
        register_drive(channel_id=channel.pk, purpose=PURPOSES[channel.kind])
        batch = channel.register_batches.get()
        assert (batch.unsure, batch.answered) == (True, 0)
        # when
        sandbox.faults.set(fault, 0)
        pass_time(3_600)
        register_drive(channel_id=channel.pk, purpose=PURPOSES[channel.kind])
        # then
        batch.refresh_from_db()
        assert batch.answered == PEOPLE
    what = [one[2] for one in sandbox.store.calls() if one[1] == "population"]
    assert Counter(one.split()[0] for one in what) == {"POST": 1, "GET": 1}


def test_two_workers_at_once_ask_about_everybody_once(office, sandbox, settings):
    # given
    with served(sandbox) as address:
        channel = channel_to(address, settings)
        lanes_review(channel=channel, purpose=PURPOSES[channel.kind])
        begin = threading.Barrier(2)

        def work() -> None:
            begin.wait()
            try:
                register_drive(channel_id=channel.pk, purpose=PURPOSES[channel.kind])
            finally:
                connection.close()

        # when
        workers = [threading.Thread(target=work) for _ in range(2)]
        for one in workers:
            one.start()
        for one in workers:
            one.join()
    # then
    asked = Counter(RegisterEntry.objects.filter(batch__channel=channel).values_list("staff", flat=True))
    assert (len(asked), set(asked.values())) == (PEOPLE, {1})
    assert set(channel.register_batches.values_list("calls", "state")) == {(1, "done")}
    assert [one[2].split()[0] for one in sandbox.store.calls() if one[1] == "population"] == ["POST"] * channel.register_batches.count()


def test_a_certificate_that_has_ended_pauses_the_line_and_says_so(office, sandbox, settings):
    with served(sandbox, expired_tls=True) as address:
        channel = channel_to(address, settings)
        lanes_review(channel=channel, purpose=PURPOSES[channel.kind])
        register_drive(channel_id=channel.pk, purpose=PURPOSES[channel.kind])
    channel.refresh_from_db()
    assert (channel.last_error_kind, channel.last_error.partition(":")[0]) == (ErrorKind.CONFIG, "CERTIFICATE_UNTRUSTED")
    assert channel.paused_until is not None


def test_the_party_database_of_the_sandbox_is_told_and_tells(office, sandbox, settings):
    with served(sandbox) as address:
        channel = channel_to(address, settings, ChannelKind.PARTY)
        until_settled(channel, sandbox)
        sandbox.store.fact_add("066185000001", {"first_org_date": "2003-03-26"})
        with connect_register(channel) as line:
            told = line.facts(after=0)
    assert len(sandbox.store.holdings("party")) == PEOPLE
    assert [one.fields for one in told.facts] == [{"first_org_date": "2003-03-26"}]


def test_the_gateway_wants_its_headers(sandbox):
    with served(sandbox) as address:
        token = httpx.post(f"{address}/ndxp/token", data={"client_secret": SECRET}).json()["access_token"]
        headers = {"authorization": f"Bearer {token}"}
        bare = httpx.get(f"{address}/ndxp/api/v1/batches", headers=headers)
        whole = {**headers, "x-sender-code": "H15", "x-receiver-code": "G09", "x-message-id": "1"}
        through = httpx.get(f"{address}/ndxp/api/v1/batches", params={"idempotency_key": "k" * 20}, headers=whole)
    assert (bare.status_code, bare.json()["code"]) == (400, "HEADER_MISSING")
    assert (through.status_code, through.json()["code"]) == (404, "NOT_FOUND")


def test_the_page_switches_faults_and_no_other_site_does(sandbox):
    with served(sandbox) as address:
        place = urlsplit(address).netloc
        form, plain = urlencode({"fault": "too-many", "share": "0.5"}), {"Content-Type": "application/x-www-form-urlencoded"}

        def post(origin: str) -> int:
            line = http.client.HTTPConnection(place)
            line.request("POST", "/faults", form, {**plain, "Origin": origin})
            status = line.getresponse().status
            line.close()
            return status

        assert post("http://elsewhere.example") == 403
        assert json.loads(httpx.get(f"{address}/state.json").content)["faults"]["too-many"] == 0
        assert post(address) == 303
        assert json.loads(httpx.get(f"{address}/state.json").content)["faults"]["too-many"] == 0.5
        assert "too-many" in httpx.get(address).text


def test_the_police_s_button_lets_the_database_hold_what_it_was_asked(sandbox):
    asked = {"citizen_id": "066185000009", "birth_name": "Nguyễn Văn A", "birth_date": "1985-08-15", "gender": "1"}
    sandbox.store.hold("population", asked["citizen_id"], {"state": "twice", "asked": {k: v for k, v in asked.items() if k != "citizen_id"}})
    sandbox.sides["population"].agree(asked["citizen_id"])
    assert answer({**asked, "ref": "x"}, sandbox.store.held("population", asked["citizen_id"]))["code"] == "MATCHED"


def test_the_same_seed_strikes_with_the_same_faults():
    runs = [[one.strikes(Fault.REPLAY) for _ in range(50)] for one in (Faults(3, {Fault.REPLAY: 0.4}), Faults(3, {Fault.REPLAY: 0.4}))]
    assert runs[0] == runs[1]
    assert True in runs[0]
    assert False in runs[0]
    assert fault_read("timeout=0.2") == (Fault.TIMEOUT, 0.2)
    with pytest.raises(ValueError, match="nonsense"):
        fault_read("nonsense")


def test_the_hub_of_the_sandbox_takes_envelopes_and_gives_a_receipt_for_each_record(sandbox, settings):
    # given
    documents = [{"name": "Văn phòng"}, {"name": "Phòng Tổ chức"}]
    items = [
        Item(kind="org_unit", key=uuid4(), op="create", base_version=0, document=one, leaf_index=place, proof=[])
        for place, one in enumerate(documents)
    ]
    body = encode(Envelope(manifest=b"{}", signature=b"00", received_at=datetime.now(UTC), items=items))
    channel = Channel(code="sandbox-hub", base_url="", client_id="H15", timeout_seconds=5)
    settings.CHANNEL_SECRETS = {"sandbox-hub": SECRET}
    key = "k" * 32
    with served(sandbox) as address:
        channel.base_url = address
        with HubConnector(channel) as line:
            # when: taken, and nothing said of it
            sandbox.faults.set(Fault.EMPTY, 1)
            with pytest.raises(CallFailed):
                line.send(method="PUT", path="/org-units", idempotency_key=key, body=body)
            sandbox.faults.set(Fault.EMPTY, 0)
            # then it is found by its key, and the same again is the same
            found = line.find(idempotency_key=key)
            again = line.send(method="PUT", path="/org-units", idempotency_key=key, body=body)
            receipts = line.receipts(batch=found.batch, after=0).receipts
            missing = line.find(idempotency_key="z" * 32)
    assert (again.batch, again.items, missing) == (found.batch, 2, None)
    assert [one.digest for one in receipts] == [digest(canonical(one)).hex() for one in documents]
