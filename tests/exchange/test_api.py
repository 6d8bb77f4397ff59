"""The hub's API as a client sees it: credentials, batches, receipts, refusals, and its published description."""

import base64
import json
from pathlib import Path
from uuid import uuid4

import pytest
from django.test import Client

from exchange.api import api
from exchange.contract import MAX_BODY
from exchange.models import Agency, InboundBatch
from exchange.services.intake import batch_process

COMMITTED = Path(__file__).resolve().parents[2] / "docs" / "api" / "openapi.json"


@pytest.fixture(autouse=True)
def _hub_urls(settings):
    settings.ROOT_URLCONF = "tests.exchange.hub_urls"


def token(code="H15", secret=None):
    secret = secret or f"{code}-" + "s" * 40
    basic = base64.b64encode(f"client-{code}:{secret}".encode()).decode()
    return Client().post("/o/token/", {"grant_type": "client_credentials", "scope": "exchange"}, headers={"authorization": f"Basic {basic}"})


@pytest.fixture(scope="module")
def tokens(hub):
    from django.test import override_settings

    with override_settings(ROOT_URLCONF="tests.exchange.hub_urls"):
        return {code: token(code).json()["access_token"] for code in ("H15", "H16")}


@pytest.fixture
def client(tokens):
    return Client(headers={"authorization": f"Bearer {tokens['H15']}"})


def post(client, body, key=None, path="/api/v1/profiles", method="POST", **headers):
    return client.generic(
        method, path, body, content_type=headers.pop("content_type", "application/json"), headers={"idempotency-key": key or uuid4().hex, **headers}
    )


def test_a_batch_is_answered_at_once_and_its_receipts_follow(hub, client):
    sender, key = hub.senders["H15"], uuid4().hex
    change = sender.person()
    body = sender.sign(change).body()
    # when it is sent
    answer = post(client, body, key)
    assert (answer.status_code, answer.json()["items"]) == (202, 1)
    batch = answer.json()["batch"]
    # then it is stored as it came, and not processed yet
    assert bytes(InboundBatch.objects.get(pk=batch).body) == body
    assert client.get(f"/api/v1/batches/{batch}").json()["state"] == "received"
    assert client.get(f"/api/v1/receipts?batch={batch}").json() == {"receipts": [], "next": None}
    # when a worker has processed it
    batch_process(batch_id=batch)
    # then the receipt names record, version and digest
    (receipt,) = client.get(f"/api/v1/receipts?batch={batch}").json()["receipts"]
    assert (receipt["key"], receipt["version"], receipt["outcome"], receipt["digest"]) == (str(change.key), 1, "accepted", change.digest.hex())
    assert client.get(f"/api/v1/batches?idempotency_key={key}").json()["accepted"] == 1
    # and a repetition gets the same answer
    assert post(client, body, key).json() == answer.json()


def test_units_are_put(hub, client):
    sender = hub.senders["H15"]
    answer = post(client, sender.sign(sender.unit(parent=str(sender.root))).body(), path="/api/v1/org-units", method="PUT")
    assert answer.status_code == 202


def test_receipts_by_cursor(hub, client):
    sender = hub.senders["H15"]
    hub.take(sender.sign(*[sender.person() for _ in range(3)]))
    issued = Agency.objects.get(code="H15").issued
    page = client.get(f"/api/v1/receipts?after={issued - 2}").json()
    assert [one["sequence"] for one in page["receipts"]] == [issued - 1, issued]
    assert client.get(f"/api/v1/receipts?after={issued}").json() == {"receipts": [], "next": None}


def test_a_page_that_is_full_names_the_next(hub):
    from exchange.selectors.inbound import receipts_page

    sender = hub.senders["H16"]
    hub.take(sender.sign(*[sender.person() for _ in range(3)]), sender="H16")
    seen, cursor = [], 0
    while cursor is not None:
        page = receipts_page(agency=hub.agencies["H16"], batch_id=None, after=cursor, limit=2)
        seen += [one.sequence for one in page.receipts]
        cursor = page.next
    assert seen == list(range(1, Agency.objects.get(code="H16").issued + 1))


def test_without_a_valid_token(hub, client):
    assert token(secret="wrong" * 10).status_code == 401
    for headers in ({}, {"authorization": "Bearer nonsense"}, {"authorization": "Basic abc"}):
        answer = Client(headers=headers).get("/api/v1/receipts")
        assert (answer.status_code, answer.json()["code"], answer["WWW-Authenticate"]) == (401, "UNAUTHORIZED", 'Bearer scope="exchange"')


def test_a_client_that_is_no_active_agency(hub, client):
    Agency.objects.filter(code="H15").update(active=False)
    try:
        assert client.get("/api/v1/receipts").json()["code"] == "FORBIDDEN"
    finally:
        Agency.objects.filter(code="H15").update(active=True)


def test_another_agencys_batches_are_not_there(hub, client, tokens):
    sender, key = hub.senders["H16"], uuid4().hex
    theirs = Client(headers={"authorization": f"Bearer {tokens['H16']}"})
    batch = post(theirs, sender.sign(sender.person()).body(), key).json()["batch"]
    batch_process(batch_id=batch)
    assert theirs.get(f"/api/v1/batches/{batch}").status_code == 200
    assert client.get(f"/api/v1/batches/{batch}").json()["code"] == "NOT_FOUND"
    assert client.get(f"/api/v1/batches?idempotency_key={key}").status_code == 404
    assert client.get(f"/api/v1/receipts?batch={batch}").json()["receipts"] == []


@pytest.mark.parametrize(
    ("change", "status", "code", "place"),
    [
        ({"body": b"{"}, 400, "MALFORMED", "$"),
        ({"body": b"{}"}, 422, "INVALID", "$"),
        ({"body": b"[]"}, 422, "INVALID", "$"),
        ({"content_type": "text/plain"}, 415, "UNSUPPORTED_TYPE", "header.Content-Type"),
        ({"key": "short"}, 422, "INVALID", "header.Idempotency-Key"),
        ({"path": "/api/v1/org-units", "method": "PUT"}, 422, "INVALID", "$.items[0].kind"),
    ],
)
def test_refusals_say_what_and_where(hub, client, change, status, code, place):
    sender = hub.senders["H15"]
    answer = post(client, **{"body": sender.sign(sender.person()).body(), **change})
    assert (answer.status_code, answer.json()["code"], answer.json()["place"]) == (status, code, place)


def test_a_missing_key(client):
    answer = client.post("/api/v1/profiles", b"{}", content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (422, "KEY_MISSING")


def test_a_key_with_another_body(hub, client):
    sender, key = hub.senders["H15"], uuid4().hex
    assert post(client, sender.sign(sender.person()).body(), key).status_code == 202
    answer = post(client, sender.sign(sender.person()).body(), key)
    assert (answer.status_code, answer.json()["code"]) == (409, "KEY_REUSED")


def test_a_body_that_is_too_long_is_not_read(client):
    class Unreadable:
        def read(self, *_):
            raise AssertionError("the body was read")

        readline = read

    request = {"CONTENT_LENGTH": str(MAX_BODY + 1), "wsgi.input": Unreadable()}
    answer = client.post("/api/v1/profiles", content_type="application/json", headers={"idempotency-key": uuid4().hex}, **request)
    assert (answer.status_code, answer.json()["code"]) == (413, "TOO_LARGE")


def test_the_published_description_is_the_committed_one():
    published = api.get_openapi_schema(path_prefix="/api/v1/")
    assert json.loads(COMMITTED.read_text()) == json.loads(json.dumps(published)), "run: manage.py openapi > docs/api/openapi.json"


def test_every_reference_of_the_description_leads_somewhere():
    text = COMMITTED.read_text()
    document = json.loads(text)
    named = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert named <= set(document["components"]["schemas"])
    assert named >= {"Envelope", "Item", "Accepted", "BatchStatus", "Receipts", "ItemReceipt", "Problem"}
