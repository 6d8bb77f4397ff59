"""What the HTTP connector makes of every kind of answer. The other side is a function; the wire is httpx's own."""

import ssl
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import SimpleNamespace
from uuid import uuid4

import httpx
import pytest

from exchange import connectors
from exchange.connectors import CallFailed, HubConnector, retry_after
from exchange.contract import ErrorKind, encode
from exchange.transports import wire as wire_

BATCH = uuid4()
GOOD = {"batch": str(BATCH), "items": 1}


class Wire:
    """Answers token calls itself and everything else by `answer`; remembers what came."""

    def __init__(self, answer):
        self.answer, self.seen, self.tokens = answer, [], 0

    def __call__(self, request):
        if request.url.path == "/o/token/":
            self.tokens += 1
            return httpx.Response(200, json={"access_token": f"token-{self.tokens}", "expires_in": 3600, "token_type": "Bearer"})
        self.seen.append(request)
        return self.answer(request)


@pytest.fixture(autouse=True)
def _fresh(settings, monkeypatch):
    monkeypatch.setattr(connectors, "_tokens", {})
    settings.CHANNEL_SECRETS = {"national-hub": "very-secret"}


def connector(wire, **fields):
    told = {"code": "national-hub", "base_url": "https://hub.invalid", "client_id": "agency", "timeout_seconds": 5, "batch_size": 200}
    channel = SimpleNamespace(**{**told, "transport": "direct", "transport_options": {}, **fields})
    return HubConnector(channel, transport=httpx.MockTransport(wire))


def send(wire):
    return connector(wire).send(method="POST", path="/profiles", idempotency_key="k" * 20, body=b"{}")


def refused(wire, call=send):
    with pytest.raises(CallFailed) as failed:
        call(wire)
    assert "very-secret" not in str(failed.value)
    return failed.value


def test_a_call_carries_token_key_and_body():
    wire = Wire(lambda request: httpx.Response(202, json=GOOD))
    assert send(wire).batch == BATCH
    (request,) = wire.seen
    assert (request.method, request.url.path, request.content) == ("POST", "/api/v1/profiles", b"{}")
    assert (request.headers["authorization"], request.headers["idempotency-key"]) == ("Bearer token-1", "k" * 20)


def test_a_token_is_kept_until_it_is_refused_and_fetched_anew_once():
    answers = [httpx.Response(202, json=GOOD), httpx.Response(401), httpx.Response(202, json=GOOD), httpx.Response(401), httpx.Response(401)]
    wire = Wire(lambda request: answers.pop(0))
    send(wire)
    send(wire)
    assert (wire.tokens, [one.headers["authorization"] for one in wire.seen]) == (2, ["Bearer token-1", "Bearer token-1", "Bearer token-2"])
    failure = refused(wire)
    assert (failure.kind, wire.tokens, answers) == (ErrorKind.AUTH, 3, [])


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (200, ErrorKind.CONFIG),
        (302, ErrorKind.CONFIG),
        (400, ErrorKind.SCHEMA),
        (403, ErrorKind.AUTH),
        (404, ErrorKind.CONFIG),
        (409, ErrorKind.SCHEMA),
        (413, ErrorKind.SCHEMA),
        (418, ErrorKind.SCHEMA),
        (422, ErrorKind.SCHEMA),
        (429, ErrorKind.THROTTLED),
        (500, ErrorKind.AMBIGUOUS),
        (502, ErrorKind.AMBIGUOUS),
        (503, ErrorKind.THROTTLED),
        (504, ErrorKind.AMBIGUOUS),
        (599, ErrorKind.AMBIGUOUS),
    ],
)
def test_every_status_has_its_kind(status, kind):
    failure = refused(Wire(lambda request: httpx.Response(status, headers={"retry-after": "7", "location": "https://elsewhere.invalid"})))
    assert (failure.kind, failure.status, failure.retry_after, failure.code) == (kind, status, 7.0, f"HTTP_{status}")


def test_a_problem_is_told_with_its_code_and_place():
    problem = {"code": "INVALID", "message": "Expected int", "place": "$.items[0].leaf_index"}
    failure = refused(Wire(lambda request: httpx.Response(422, json=problem)))
    assert (failure.code, failure.detail) == ("INVALID", "Expected int $.items[0].leaf_index")


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b'{"batch":1,"items":1}', b"[" * 100_000, b'{"batch":"\\u0000","items":1}', b"\xff"])
def test_rubbish_for_an_answer_is_ambiguous(body):
    failure = refused(Wire(lambda request: httpx.Response(202, content=body)))
    assert (failure.kind, failure.code) == (ErrorKind.AMBIGUOUS, "ANSWER_UNREADABLE")


def test_an_answer_without_end_is_cut(monkeypatch):
    monkeypatch.setattr(wire_, "MAX_ANSWER", 1_000)
    read = []

    def endless():
        while True:
            read.append(1)
            yield b"x" * 100

    failure = refused(Wire(lambda request: httpx.Response(202, content=endless())))
    assert (failure.kind, failure.code, len(read) < 20) == (ErrorKind.AMBIGUOUS, "ANSWER_TOO_LARGE", True)


def raising(error):
    def answer(request):
        raise error

    return Wire(answer)


def untrusted():
    error = httpx.ConnectError("certificate verify failed")
    error.__cause__ = ssl.SSLCertVerificationError("self-signed certificate")
    return error


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (httpx.ConnectError("refused"), ErrorKind.TRANSIENT, "UNREACHABLE"),
        (httpx.ConnectTimeout("slow"), ErrorKind.TRANSIENT, "UNREACHABLE"),
        (untrusted(), ErrorKind.CONFIG, "CERTIFICATE_UNTRUSTED"),
        (httpx.ReadTimeout("slow"), ErrorKind.AMBIGUOUS, "NO_ANSWER"),
        (httpx.WriteError("cut"), ErrorKind.AMBIGUOUS, "NO_ANSWER"),
        (httpx.RemoteProtocolError("rubbish"), ErrorKind.AMBIGUOUS, "NO_ANSWER"),
    ],
)
def test_failures_of_transport(error, kind, code):
    failure = refused(raising(error))
    assert (failure.kind, failure.code) == (kind, code)


def test_a_question_is_never_ambiguous():
    wire = raising(httpx.ReadTimeout("slow"))
    assert refused(wire, lambda wire: connector(wire).status(batch=BATCH)).kind == ErrorKind.TRANSIENT
    wire = Wire(lambda request: httpx.Response(200, content=b"<html>"))
    assert refused(wire, lambda wire: connector(wire).find(idempotency_key="k" * 20)).kind == ErrorKind.TRANSIENT


def test_only_the_hubs_own_not_found_means_that_a_batch_did_not_arrive():
    own = Wire(lambda request: httpx.Response(404, json={"code": "NOT_FOUND", "message": "", "place": ""}))
    assert connector(own).find(idempotency_key="k" * 20) is None
    strange = Wire(lambda request: httpx.Response(404, content=b"<html>nginx</html>"))
    assert refused(strange, lambda wire: connector(wire).find(idempotency_key="k" * 20)).kind == ErrorKind.CONFIG


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, b"{}", ErrorKind.AUTH),
        (400, b'{"error":"invalid_client"}', ErrorKind.AUTH),
        (200, b"<html>", ErrorKind.CONFIG),
        (200, b"[]", ErrorKind.CONFIG),
        (200, b'{"access_token":"x"}', ErrorKind.CONFIG),
        (404, b"", ErrorKind.CONFIG),
        (500, b"", ErrorKind.TRANSIENT),
        (503, b"", ErrorKind.THROTTLED),
    ],
)
def test_a_token_that_cannot_be_had(status, body, kind):
    calls = []

    def wire(request):
        calls.append(request.url.path)
        return httpx.Response(status, content=body)

    assert refused(wire).kind == kind
    assert calls == ["/o/token/"]


def test_a_channel_without_a_secret(settings):
    settings.CHANNEL_SECRETS = {}
    failure = refused(Wire(lambda request: httpx.Response(202, content=encode(GOOD))))
    assert (failure.kind, failure.code) == (ErrorKind.CONFIG, "SECRET_MISSING")


def test_retry_after_as_number_or_date():
    assert retry_after("120") == 120
    assert retry_after("99999999") == 3_600
    soon = datetime.now(UTC) + timedelta(seconds=60)
    assert 50 < retry_after(format_datetime(soon, usegmt=True)) <= 60
    assert retry_after(format_datetime(soon - timedelta(days=1), usegmt=True)) == 0
    assert [retry_after(value) for value in (None, "", "soon", "-5", "1e9")] == [None] * 5
