"""What is kept of every call, ours and others': whole, without secrets, never changed, and found again from a batch."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import httpx
import pytest
from django.core.cache import cache
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse

from exchange import connectors, middleware
from exchange.archive import ARCHIVE, HIDDEN, Said, entry_made, exchanges_keep, headers_kept
from exchange.choices import Way
from exchange.connectors import HubConnector
from exchange.models import Agency, ArchivedExchange, Batch
from exchange.selectors.archive import ArchiveFilter, exchanges_page
from exchange.services.agencies import agency_set
from exchange.services.archive_months import archive_keep
from exchange.services.archived import beside
from exchange.services.delivery import deliver
from exchange.services.envelopes import envelope_bytes
from exchange.services.forming import batches_form, deliveries_fan_out
from orgtree import clock
from orgtree.choices import Role
from orgtree.models import OrgUnit
from tests.exchange.registers import register_make
from tests.factories import grant_make, superuser_make, user_make
from workflows.documents import digest
from workflows.models import AuditEvent

SECRET = "top-secret-value-0123456789abcdef0123"


class Hub:
    """Takes every batch; refuses every question with 404, and drops the line when it is told to."""

    def __init__(self, *, dropping: bool = False):
        self.dropping = dropping

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/o/token/":
            return httpx.Response(200, json={"access_token": SECRET, "expires_in": 3600})
        if self.dropping:
            raise httpx.ReadTimeout("nothing came")
        if request.method == "GET":
            return httpx.Response(404, json={"code": "NOT_FOUND", "message": "no such batch", "place": ""})
        items = len(json.loads(request.content)["items"])
        return httpx.Response(202, json={"batch": "00000000-0000-0000-0000-00000000000a", "items": items}, headers={"set-cookie": SECRET})


@pytest.fixture
def line(channel, settings, monkeypatch):
    monkeypatch.setattr(connectors, "_tokens", {})
    settings.CHANNEL_SECRETS = {channel.code: SECRET}
    return lambda hub: lambda channel: HubConnector(channel, transport=httpx.MockTransport(hub))


def kept(channel) -> list[ArchivedExchange]:
    return list(ArchivedExchange.objects.filter(channel=channel).order_by("id"))


def owed(office, sender, channel) -> Batch:
    office.apply(sender.person())
    deliveries_fan_out()
    (batch,) = batches_form(channel_id=channel.pk)
    return batch


def test_a_wave_of_calls_is_kept_by_one_insert_without_a_secret(office, sender, channel, line, django_assert_num_queries):
    # given
    batch = owed(office, sender, channel)
    # when
    deliver(channel_id=channel.pk, connector=line(Hub()))
    # then
    token, sent = kept(channel)
    assert (token.address, token.outcome, token.request_digest, token.answer_digest) == ("http://hub.invalid/o/token/", "ok", None, None)
    assert (sent.method, sent.address, sent.status, sent.outcome) == ("POST", "http://hub.invalid/api/v1/profiles", 202, "ok")
    assert (sent.reference, bytes(sent.request_digest)) == (batch.idempotency_key, digest(envelope_bytes(batch)))
    assert sent.request_headers["authorization"] == sent.answer_headers["set-cookie"] == HIDDEN
    assert sent.request_headers["idempotency-key"] == batch.idempotency_key
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from exchange_archivedexchange a where a::text like %s", [f"%{SECRET}%"])
        assert cursor.fetchone() == (0,)
    # and it is found from its batch, and the batch is what crossed
    (found,), _older = exchanges_page(user=superuser_make("looker"), wanted=ArchiveFilter(about=str(batch.pk)))
    assert (found.pk, beside(found).batch, beside(found).same) == (sent.pk, batch, True)


def test_a_call_that_was_never_answered_is_kept_as_ambiguous(office, sender, channel, line):
    owed(office, sender, channel)
    deliver(channel_id=channel.pk, connector=line(Hub(dropping=True)))
    _token, sent = kept(channel)
    assert (sent.status, sent.outcome, sent.code, sent.answer_length) == (None, "ambiguous", "NO_ANSWER", 0)


def test_the_answer_that_nothing_arrived_is_no_failure(channel, line):
    with line(Hub())(channel) as connector:
        assert connector.find(idempotency_key="k" * 20) is None
    _token, asked = kept(channel)
    assert (asked.status, asked.outcome, asked.code, asked.reference) == (404, "ok", "NOT_FOUND", "k" * 20)


def test_a_register_s_batch_is_found_from_what_was_said(office, channel):
    told = register_make()
    batch = told.register_batches.create(size=1)
    entry = entry_made(request=Said(), answer=Said(), at=datetime.now(UTC), method="POST", address="/x", reference=batch.idempotency_key, way=Way.OUT)
    entry.channel, entry.outcome = told, "ok"
    exchanges_keep([entry])
    assert beside(entry).register == batch


def test_the_archive_is_append_only_in_every_month(channel):
    month = f"exchange_archivedexchange_{ARCHIVE.kept()[0]:%Y%m}"
    for statement in ("update {} set code = ''", "delete from {}", "truncate {}"):
        for table in ("exchange_archivedexchange", month):
            with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(statement.format(table))


def test_months_are_made_ahead_and_dropped_by_policy_with_an_audit_event(channel, settings):
    # given an exchange of long ago, whose month is made when it is written
    old = datetime(2019, 3, 5, tzinfo=UTC)
    with connection.cursor() as cursor:
        cursor.execute("select hoso_archive_month('2019-03-01')")
    entry = entry_made(request=Said(), answer=Said(), at=old, method="GET", address="/x", way=Way.IN, outcome="ok")
    exchanges_keep([entry])
    # when
    settings.ARCHIVE_MONTHS = 0
    assert archive_keep() == (0, [])
    settings.ARCHIVE_MONTHS = 24
    _made, dropped = archive_keep()
    # then
    assert [f"{one:%Y-%m}" for one in dropped] == ["2019-03"]
    said = AuditEvent.objects.filter(action="archive.month_dropped").latest("id").detail
    assert (said["month"], said["count"]) == ("2019-03", 1)
    assert len(ARCHIVE.kept()) >= 4


def test_a_month_that_nobody_made_is_made_when_it_is_needed(channel):
    # given a scheduler that stood still for months
    with connection.cursor() as cursor:
        cursor.execute(f"drop table exchange_archivedexchange_{datetime.now(clock.ZONE):%Y%m}")
    # when
    exchanges_keep([entry_made(request=Said(), answer=Said(), at=datetime.now(UTC), method="GET", address="/late", way=Way.IN, outcome="ok")])
    # then
    assert ArchivedExchange.objects.filter(address="/late").exists()


def test_a_character_that_no_text_can_hold_is_kept_as_a_sign(channel):
    named = {"address": "/batches?idempotency_key=a\0b", "reference": "a\0b\ud800"}
    exchanges_keep([entry_made(request=Said(), answer=Said(), at=datetime.now(UTC), method="GET", way=Way.IN, outcome="ok", **named)])
    assert ArchivedExchange.objects.filter(reference="a\ufffdb?", address__contains="a\ufffdb").exists()


def test_on_a_hub_an_operator_sees_the_calls_of_the_agencies_they_operate(office, channel, settings):
    # given two agencies, one below a unit that somebody operates
    settings.ROLE = "hub"
    unit = OrgUnit.objects.filter(parent=None).first()
    person = user_make("hub-operator")
    grant_make(person, Role.OPERATOR, unit)
    for code, root in (("H81", unit), ("H82", None)):
        agency = agency_set(actor=None, code=code, name=code, client_id=f"client-{code}", secret="s" * 40)
        Agency.objects.filter(pk=agency.pk).update(root=root)
        entry = entry_made(request=Said(), answer=Said(), at=datetime.now(UTC), method="GET", address=f"/of/{code}", way=Way.IN, outcome="ok")
        entry.agency = agency
        exchanges_keep([entry])
    # then, though the tree of the installation itself is not theirs
    settings.AUTHORITY = "G09"
    seen = {one.address for one in exchanges_page(user=person, wanted=ArchiveFilter())[0]}
    assert seen == {"/of/H81"}
    everything = {one.address for one in exchanges_page(user=superuser_make("hub-all"), wanted=ArchiveFilter())[0]}
    assert {"/of/H81", "/of/H82"} <= everything
    # and at an agency, who does not operate the whole line sees nothing
    settings.ROLE = "agency"
    assert list(exchanges_page(user=person, wanted=ArchiveFilter())[0]) == []


@pytest.mark.parametrize("name", ["Authorization", "Cookie", "X-Api-Key", "apikey", "X-Access-Token", "Client-Secret", "X-HoSo-Signature"])
def test_headers_that_may_hold_a_secret_keep_their_name_only(name):
    assert headers_kept({name: "value", "Idempotency-Key": "k"}) == {name.lower(): HIDDEN, "idempotency-key": "k"}
    assert headers_kept({"X-Code": "value"}, secret_names=["x-code"]) == {"x-code": HIDDEN}


@pytest.mark.urls("tests.exchange.hub_urls")
def test_calls_of_others_are_kept_and_knocking_does_not_fill_the_archive(channel, settings, monkeypatch):
    monkeypatch.setattr(middleware, "STRANGERS_A_MINUTE", 3)
    cache.clear()
    settings.ROLE = "hub"
    agency = agency_set(actor=None, code="H77", name="Tỉnh H77", client_id="client-H77", secret="s" * 40)
    client = Client()
    form = {"grant_type": "client_credentials", "scope": "exchange", "client_id": "client-H77", "client_secret": "s" * 40}
    token = client.post("/o/token/", form).json()["access_token"]
    body = b'{"items": []}'
    headers = {"authorization": f"Bearer {token}", "idempotency-key": "i" * 20}
    before = ArchivedExchange.objects.order_by("-id").values_list("id", flat=True).first() or 0
    # when
    client.post("/api/v1/profiles", body, content_type="application/json", headers=headers)
    client.get("/api/v1/batches", {"idempotency_key": "i" * 20}, headers=headers)
    client.get("/api/v1/openapi.json")
    for _ in range(9):
        client.get("/api/v1/receipts")
    # then
    own = ArchivedExchange.objects.filter(id__gt=before, agency=agency).order_by("id")
    assert [(one.method, one.status, one.outcome, one.code, one.reference) for one in own] == [
        ("POST", 422, "schema", "INVALID", "i" * 20),
        ("GET", 404, "ok", "NOT_FOUND", "i" * 20),
    ]
    assert (bytes(own[0].request_digest), own[0].request_length, own[0].request_headers["authorization"]) == (digest(body), len(body), HIDDEN)
    strangers = ArchivedExchange.objects.filter(id__gt=before, agency=None)
    assert 1 <= strangers.count() <= 6  # three a minute, and the minute may end meanwhile
    assert not strangers.filter(address__contains="openapi").exists()


def test_an_operator_pages_through_filtered_exchanges(office, channel, client):
    # given
    person = superuser_make("pager")
    entries = []
    for number in range(120):
        entry = entry_made(request=Said(), answer=Said(), at=datetime.now(UTC), method="GET", address=f"/receipts/{number}", way=Way.OUT)
        entry.channel, entry.outcome = channel, "ok" if number % 3 else "transient"
        entries.append(entry)
    exchanges_keep(entries)
    # when
    wanted, seen, before = ArchiveFilter(other=channel.code, outcome="failed"), [], None
    while True:
        found, before = exchanges_page(user=person, wanted=wanted, before=before)
        seen += [one.address for one in found]
        if before is None:
            break
    # then
    assert seen == [f"/receipts/{number}" for number in range(117, -1, -3)]
    client.force_login(person)
    answer = client.get(reverse("exchange:archive_list"), {"other": channel.code, "outcome": "ok", "day": "nonsense", "before": "x"})
    assert (answer.status_code, answer.content.decode().count("/receipts/")) == (200, 50)
    assert client.get(reverse("exchange:archive_detail", args=[seen and ArchivedExchange.objects.latest("id").pk])).status_code == 200
    assert client.get(reverse("exchange:archive_detail", args=[10**18])).status_code == 404
