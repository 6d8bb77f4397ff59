"""The real delivery path over each way, against the sandbox's gateway and node, over real HTTP and with their faults switched on."""

from __future__ import annotations

import base64
import json
from types import SimpleNamespace

import pytest
from django.core.exceptions import ValidationError

from exchange import connectors
from exchange.choices import DeliveryState, Transport
from exchange.connectors import CallFailed, connect
from exchange.contract import PROFILE_KIND, ErrorKind
from exchange.models import ArchivedExchange, Batch, Channel, Delivery
from exchange.sandbox.app import Sandbox
from exchange.sandbox.faults import Fault, Faults
from exchange.sandbox.serving import served
from exchange.services.channels import channel_drive, channel_set
from exchange.services.forming import deliveries_fan_out
from exchange.services.pulling import held_ask, pull_ask, pull_drive
from exchange.services.receipts import receipts_collect
from exchange.transports import Ask, Reply, way_of
from exchange.ways import OptionsInvalid, options_check, service_of

SECRET = "s" * 40
OPTIONS = {
    Transport.DIRECT: {},
    Transport.LGSP: {
        "receiver": "G09",
        "headers": {"X-Sender-Code": "{authority}", "X-Receiver-Code": "{receiver}", "X-Message-Id": "{message}", "X-Consumer": "{secret:consumer}"},
        "token_path": "/ndxp/token",
        "credentials": "form",
        "base": "/ndxp/api/v1",
        "services": {
            "POST /profiles": "/ndxp/services/CBCCVC-HO-SO",
            "GET /batches/*": "/ndxp/services/CBCCVC-LO/*",
            "GET /receipts": "/ndxp/services/CBCCVC-KET-QUA",
        },
    },
    Transport.AGENT_NODE: {"path": "/node/messages", "receiver": "G09"},
}
FAULTS = [
    (Transport.LGSP, Fault.GATEWAY_DOWN),
    (Transport.LGSP, Fault.GATEWAY_TOKEN),
    (Transport.LGSP, Fault.GATEWAY_LATE),
    (Transport.LGSP, Fault.TOO_MANY),
    (Transport.AGENT_NODE, Fault.NODE_BUSY),
    (Transport.AGENT_NODE, Fault.NODE_LATE),
    (Transport.AGENT_NODE, Fault.EMPTY),
]


@pytest.fixture
def sandbox():
    return Sandbox(SECRET, faults=Faults(seed=11), hang=1.0)


@pytest.fixture
def over(channel, settings, monkeypatch):
    """The channel over a way, to an address."""
    monkeypatch.setattr(connectors, "_tokens", {})
    settings.CHANNEL_SECRETS = {channel.code: SECRET, f"{channel.code}.consumer": "consumer-key"}

    def set_(address: str, transport: str, **options) -> Channel:
        channel.base_url, channel.transport, channel.transport_options = address, transport, {**OPTIONS[transport], **options}
        channel.full_clean()
        channel.save()
        return channel

    return set_


def until_received(channel, sandbox, *, faults=(), rounds=40) -> None:
    """Rounds with the waiting skipped; the faults strike in the first three of them."""
    for number in range(rounds):
        if number == 3:
            for fault in faults:
                sandbox.faults.set(fault, 0)
        deliveries_fan_out()
        channel_drive(channel_id=channel.pk)
        Batch.objects.filter(channel=channel).update(not_before="2020-01-01T00:00Z")
        receipts_collect(channel_id=channel.pk)
        Channel.objects.filter(pk=channel.pk).update(paused_until=None)
        Batch.objects.filter(channel=channel).update(not_before="2020-01-01T00:00Z")
        if not Delivery.objects.filter(channel=channel).exclude(state=DeliveryState.RECEIVED).exists():
            return
    raise AssertionError(list(Delivery.objects.filter(channel=channel).values_list("state", "error_code", "error_text")))


@pytest.mark.parametrize("transport", list(OPTIONS))
def test_what_is_delivered_arrives_over_every_way(office, sender, over, sandbox, transport):
    # given
    people = [sender.person() for _ in range(3)]
    office.apply(*people)
    with served(sandbox) as address:
        channel = over(address, transport)
        # when
        until_received(channel, sandbox)
        pull = pull_drive(pull_id=pull_ask(actor=None, kind=PROFILE_KIND).pk)
        with connect(channel) as line:
            told = held_ask(line, PROFILE_KIND, [one.key for one in people])
    # then the other side holds the very documents, and tells them over the same way
    assert (pull.state, pull.equal, pull.records.count()) == ("ready", 3, 0)
    assert {one.key: one.document for one in told.records} == {one.key: one.document for one in people}
    held = {number: fields["digest"] for number, fields in sandbox.store.holdings("hub")}
    assert held == {str(one.key): one.digest.hex() for one in people}
    kept = ArchivedExchange.objects.filter(channel=channel)
    assert set(kept.values_list("transport", "outcome")) == {(transport, "ok")}
    assert "consumer-key" not in str(list(kept.values_list("request_headers", flat=True)))


@pytest.mark.parametrize(("transport", "fault"), FAULTS)
def test_faults_of_a_way_lose_and_double_nothing(office, sender, over, sandbox, transport, fault):
    # given
    people = [sender.person() for _ in range(4)]
    office.apply(*people)
    with served(sandbox) as address:
        channel = over(address, transport)
        Channel.objects.filter(pk=channel.pk).update(batch_size=1)
        sandbox.faults.set(fault, 0.6)
        # when
        until_received(channel, sandbox, faults=[fault])
    # then
    assert sandbox.faults.struck[fault] >= 1
    assert {number for number, _fields in sandbox.store.holdings("hub")} == {str(one.key) for one in people}
    assert Batch.objects.filter(channel=channel).count() == 4  # no batch was made anew


def channel_of(transport, **options):
    told = {"code": "line", "base_url": "https://gw.invalid", "client_id": "agency", "transport": transport, "timeout_seconds": 1, "batch_size": 1}
    return SimpleNamespace(**told, pk=None, transport_options={**OPTIONS[transport], **options})


@pytest.mark.parametrize(
    ("body", "status", "kind", "code"),
    [
        ({"fault": {"code": 900901, "message": "Invalid Credentials"}}, 401, ErrorKind.AUTH, "900901"),
        ({"fault": {"code": 900802, "message": "throttled"}}, 429, ErrorKind.THROTTLED, "900802"),
        ({"code": "900800", "message": "Message throttled out"}, 429, ErrorKind.THROTTLED, "900800"),
        ({"fault": {"code": 101503, "message": "no connection"}}, 500, ErrorKind.TRANSIENT, "101503"),
        ({"fault": {"code": 101504, "message": "timed out"}}, 504, ErrorKind.AMBIGUOUS, "101504"),
        ({"fault": {"code": 900906, "message": "no resource"}}, 404, ErrorKind.CONFIG, "900906"),
        ({"fault": {"code": "P-17", "message": "the province's own"}}, 200, ErrorKind.TRANSIENT, "P-17"),
        ({"fault": {"code": "?", "message": "new"}}, 200, ErrorKind.AMBIGUOUS, "?"),
    ],
)
def test_a_gateway_s_faults_are_kinds_by_a_table(body, status, kind, code):
    way = way_of(channel_of(Transport.LGSP, faults={"P-17": "transient"}))
    with pytest.raises(CallFailed) as failed:
        way.read(Reply(status, {}, json.dumps(body).encode()))
    assert (failed.value.kind, failed.value.code, failed.value.status) == (kind, code, status)


def test_an_answer_of_the_other_side_passes_a_gateway_unchanged():
    for body in (b'{"batch": "x", "items": 1}', b'{"code": "NOT_FOUND", "message": "no such batch", "place": ""}', b"", b"[]", b"not json"):
        assert way_of(channel_of(Transport.LGSP)).read(Reply(404, {}, body)).body == body


def test_a_repeated_call_has_the_same_number_and_a_question_a_new_one(settings):
    settings.CHANNEL_SECRETS = {"line.consumer": "c"}
    way = way_of(channel_of(Transport.LGSP))
    sent = [way.place(Ask("POST", "/profiles", {"idempotency-key": "k" * 20}, b"{}")) for _ in range(2)]
    asked = [way.place(Ask("GET", "/agencies")) for _ in range(2)]
    assert sent[0].headers["X-Message-Id"] == sent[1].headers["X-Message-Id"] != asked[0].headers["X-Message-Id"] != asked[1].headers["X-Message-Id"]
    assert (sent[0].url, asked[0].url) == ("https://gw.invalid/ndxp/services/CBCCVC-HO-SO", "https://gw.invalid/ndxp/api/v1/agencies")
    assert sent[0].secrets == ["X-Consumer"]
    settings.CHANNEL_SECRETS = {}
    with pytest.raises(CallFailed, match=r"line\.consumer"):
        way.place(Ask("GET", "/agencies"))


def test_a_call_without_a_service_code_says_what_to_do():
    way = way_of(channel_of(Transport.LGSP, base="", headers={}))
    assert way.place(Ask("GET", "/batches/7")).url.endswith("/CBCCVC-LO/7")
    with pytest.raises(CallFailed, match="ask the gateway's operator") as failed:
        way.place(Ask("GET", "/agencies"))
    assert (failed.value.kind, failed.value.code) == (ErrorKind.CONFIG, "SERVICE_UNMAPPED")


def test_a_node_s_message_carries_the_body_byte_for_byte():
    body = '{"a": "{authority}", "b": "Đắk Lắk"}'.encode()
    placed = way_of(channel_of(Transport.AGENT_NODE)).place(Ask("POST", "/profiles", {"idempotency-key": "k" * 20}, body, {"x": "1"}))
    message = json.loads(placed.content)
    assert base64.b64decode(message["request"]["body"]) == body  # placeholders inside a value are never filled
    assert (message["request"]["idempotencyKey"], message["request"]["query"], message["header"]["receiver"]) == ("k" * 20, "x=1", "G09")


@pytest.mark.parametrize(
    ("transport", "options", "named"),
    [
        ("direct", {"receiver": "G09"}, "receiver"),
        ("lgsp", {"token_path": "token"}, "token_path"),
        ("lgsp", {"headers": {"X": "{nonsense}"}}, "nonsense"),
        ("lgsp", {"headers": {"X Y": "1"}}, "headers"),
        ("lgsp", {"faults": {"1": "perhaps"}}, "faults"),
        ("lgsp", {"services": {"DELETE /profiles": "/x"}}, "services"),
        ("agent_node", {"message": {"a": ["{secret}"]}}, "secret"),
        ("agent_node", {"answer_status": "status"}, "answer_status"),
        ("pigeon", {}, "pigeon"),
        ("direct", [], "object"),
    ],
)
def test_options_that_cannot_be_are_refused_by_place(transport, options, named):
    with pytest.raises(OptionsInvalid, match=named):
        options_check(transport, options)


def test_a_channel_with_wrong_options_is_not_set_and_a_carried_one_is_not_called(office, channel):
    with pytest.raises(ValidationError, match="token_path"):
        channel_set(
            actor=None, code="wrong", name="x", base_url="https://x.vn", client_id="x", transport="lgsp", transport_options={"token_path": "x"}
        )
    channel.transport = Transport.CARRIED
    with connect(channel) as line, pytest.raises(CallFailed, match="carried by hand"):
        line.find(idempotency_key="k" * 20)


def test_stars_are_carried_over_in_order():
    services = {"GET /transfers/*/file": "/svc/FILE/*", "GET /transfers/*": "/svc/T/*"}
    assert service_of(services, "GET", "/transfers/7/file") == ("/svc/FILE/*", ["7"])
    assert service_of(services, "GET", "/transfers/7") == ("/svc/T/*", ["7"])
    assert service_of(services, "PUT", "/transfers/7") is None
