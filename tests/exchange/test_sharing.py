"""Files shared with programs of other agencies: by agreement, purpose, consent and policy; limits, read log, entity tags, webhooks."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import jsonschema_rs
import pytest
import schemathesis
from django.core.exceptions import ValidationError
from django.test import Client, override_settings

from exchange.hook_line import AddressRefused, address_checked
from exchange.models import Consent, HookMessage, SharingAgreement, SharingClient, SharingDay, Webhook
from exchange.selectors.mapping import gap_lines, side_of_program
from exchange.services.mapping import Wanted, pairs_set
from exchange.services.shared_reading import records_count
from exchange.services.sharing import agreement_set, client_set, consent_record, consent_withdraw
from exchange.services.webhooks import hooks_drive, message_retry, messages_make, webhook_rotate, webhook_set
from exchange.shared_api import EXAMPLES, api
from orgtree import clock
from registry.services.codes import codes_load
from tests.exchange.test_api_attacked import attack
from tests.factories import superuser_make
from tests.pages import Office
from workflows.errors import NotAllowed
from workflows.models import Hold, ReadEvent
from workflows.services.marks import mark_propose

COMMITTED = Path(__file__).resolve().parents[2] / "docs" / "api" / "shared.json"
SECRET = "k" * 40
FIELDS = ["birth_name", "rank_code", "coefficient", "phone"]


@pytest.fixture(scope="module")
def office(committed_db) -> Office:
    return Office.open()


@pytest.fixture(scope="module")
def people(office):
    return [office.hired() for _ in range(3)]


@pytest.fixture
def agreement(office, people) -> SharingAgreement:
    return agree(office)


def agree(office, **changes) -> SharingAgreement:
    """A program of the test's own, with an agreement in force."""
    client = client_set(actor=None, code=f"bhxh-{uuid4().hex[:8]}", name="Bảo hiểm xã hội", secret=SECRET)
    return agreed(office, client, **changes)


def agreed(office, client, **changes) -> SharingAgreement:
    said = {
        "purpose": "salary-check",
        "title": "Đối chiếu lương",
        "basis": "Quy chế 12/QC",
        "unit": office.units["agency"],
        "fields": FIELDS,
        "needs_consent": False,
        "valid_from": clock.today() - timedelta(days=1),
        "valid_to": clock.today() + timedelta(days=30),
    }
    return agreement_set(actor=None, client=client, **{**said, **changes})


def caller(client: SharingClient, secret: str = SECRET) -> Client:
    basic = base64.b64encode(f"shared-{client.code}:{secret}".encode()).decode()
    answer = Client().post("/o/token/", {"grant_type": "client_credentials", "scope": "shared"}, headers={"authorization": f"Basic {basic}"})
    return Client(headers={"authorization": f"Bearer {answer.json()['access_token']}"})


def get(client, path, **query):
    return client.get(f"/api/shared/v1{path}", {"purpose": "salary-check", **query})


def test_only_the_agreed_fields_of_the_agreed_people(office, people, agreement):
    stranger = agreed(office, client_set(actor=None, code=f"x{uuid4().hex[:8]}", name="X", secret=SECRET), unit=office.units["elsewhere"])
    mine, theirs = caller(agreement.client), caller(stranger.client)
    # when a program reads page by page
    seen, after = [], {}
    while after is not None:
        page = get(mine, "/profiles", limit=2, **after).json()
        seen += page["profiles"]
        after = {"after": page["next"]} if page["next"] else None
    # then everybody of its units is there once, in the order of keys, with these fields and no other
    assert [one["key"] for one in seen] == sorted(str(one.pk) for one in people)
    assert {tuple(sorted(one["values"])) for one in seen} == {tuple(sorted(FIELDS))}
    # and nobody of other units, not even by key or by number
    assert get(theirs, "/profiles").json()["profiles"] == []
    assert get(theirs, f"/profiles/{people[0].pk}").status_code == 404
    asked = {"purpose": "salary-check", "numbers": [people[0].citizen_id]}
    assert theirs.post("/api/shared/v1/lookup", asked, content_type="application/json").json()["profiles"] == []
    assert mine.post("/api/shared/v1/lookup", asked, content_type="application/json").json()["profiles"][0]["key"] == str(people[0].pk)
    unkept = mine.post("/api/shared/v1/lookup", {**asked, "purpose": "a\0b"}, content_type="application/json")
    assert (unkept.status_code, unkept.json()["code"]) == (422, "INVALID")


def test_without_an_agreement_in_force_there_is_nothing(office, agreement):
    client = caller(agreement.client)
    assert client.get("/api/shared/v1/profiles", {"purpose": "other"}).json()["code"] == "FORBIDDEN"
    agreed(office, agreement.client, valid_from=clock.today() - timedelta(days=9), valid_to=clock.today())
    assert get(client, "/profiles").status_code == 403
    # a token of the hub's own interface opens nothing here, and a program switched off has none
    client_set(actor=None, code=agreement.client.code, name="x", active=False)
    assert get(client, "/profiles").status_code == 401


def test_consent_opens_one_file_and_its_withdrawal_closes_it(office, people):
    agreement = agree(office, needs_consent=True)
    client, one = caller(agreement.client), people[0]
    assert get(client, "/profiles").json()["profiles"] == []
    # given a consent, recorded by who may edit the file
    with pytest.raises(NotAllowed):
        consent_record(actor=office.users["stranger"], agreement=agreement, profile=one, paper="Đơn", given_on=clock.today())
    consent = consent_record(actor=office.users["clerk"], agreement=agreement, profile=one, paper="Đơn ngày 1/10", given_on=clock.today())
    with pytest.raises(ValidationError):
        consent_record(actor=office.users["clerk"], agreement=agreement, profile=one, paper="Đơn", given_on=clock.today())
    assert [each["key"] for each in get(client, "/profiles").json()["profiles"]] == [str(one.pk)]
    # when the person takes it back
    consent_withdraw(actor=office.users["clerk"], consent=consent, profile=one)
    # then the file is not there any more, and the consent stays written down
    assert get(client, f"/profiles/{one.pk}").status_code == 404
    assert Consent.objects.get(pk=consent.pk).withdrawn_by == office.users["clerk"]


def test_every_file_that_leaves_is_in_the_read_log_first(people, agreement):
    client, one = caller(agreement.client), people[1]
    assert get(client, f"/profiles/{one.pk}").status_code == 200
    (line,) = ReadEvent.objects.filter(actor=agreement.client.account, key=one.pk)
    assert (line.action, line.note, line.unit_id) == ("export", "Quy chế 12/QC", one.using_unit_id)
    assert line.what.startswith("Đối chiếu lương: birth_name")
    assert not agreement.client.account.is_active


def test_an_entity_tag_spares_the_second_reading(office, people, agreement):
    client, path = caller(agreement.client), f"/profiles/{people[0].pk}"
    first = get(client, path)
    again = client.get(f"/api/shared/v1{path}", {"purpose": "salary-check"}, headers={"if-none-match": first["ETag"]})
    # then nothing leaves the second time, and nothing is counted
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    assert SharingDay.objects.get(client=agreement.client).records == 1
    # and another policy is another tag
    agreed(office, agreement.client, fields=["birth_name"])
    changed = client.get(f"/api/shared/v1{path}", {"purpose": "salary-check"}, headers={"if-none-match": first["ETag"]})
    assert (changed.status_code, list(changed.json()["values"])) == (200, ["birth_name"])


def test_a_program_reads_its_own_codes_and_what_has_none_is_named(office, people):
    # given a program that writes genders its own way
    codes_load()
    agreement = agree(office, fields=["birth_name", "gender"])
    operator, side = superuser_make(f"line-{uuid4().hex[:6]}"), side_of_program(agreement.client)
    client, path = caller(agreement.client), f"/profiles/{people[0].pk}"
    plain = get(client, path)
    ours = plain.json()["values"]["gender"]
    other = "1" if ours == "2" else "2"
    # when only the other gender has a pair
    pairs_set(actor=operator, side=side, wanted=[Wanted("gender", other, "X", "out")])
    told = get(client, path).json()
    # then nothing is guessed
    assert (told["values"]["gender"], told["unmapped"], told["withheld"]) == (None, ["gender"], [])
    assert [(one.code, one.people) for one in gap_lines(side)] == [(ours, 1)]
    # and once it has one, the program hears it under another tag
    pairs_set(actor=operator, side=side, wanted=[Wanted("gender", ours, "Y", "out")])
    answer = client.get(f"/api/shared/v1{path}", {"purpose": "salary-check"}, headers={"if-none-match": plain["ETag"]})
    assert (answer.status_code, answer.json()["values"]["gender"], answer.json()["unmapped"]) == (200, "Y", [])
    assert gap_lines(side) == []


def test_what_does_not_leave_stays(office, agreement):
    part, whole = office.hired(), office.hired()
    for one, field in ((part, "phone"), (whole, "")):
        mark_propose(actor=office.users["clerk"], kind="staff_profile", key=one.pk, unit=one.using_unit, field=field, reason="Mật")
    client = caller(agreement.client)
    told = get(client, f"/profiles/{part.pk}").json()
    assert (told["values"]["phone"], told["withheld"]) == (None, ["phone"])
    assert get(client, f"/profiles/{whole.pk}").status_code == 404


def test_who_has_passed_to_another_agency_is_that_one_s_to_share(office, agreement):
    gone = office.hired()
    client = caller(agreement.client)
    assert get(client, f"/profiles/{gone.pk}").status_code == 200
    hold = Hold.objects.create(kind="staff_profile", key=gone.pk, cause="transfer", text="Tỉnh Gia Lai")
    assert get(client, f"/profiles/{gone.pk}").status_code == 200  # offered is not passed
    Hold.objects.filter(pk=hold.pk).update(final=True)
    assert get(client, f"/profiles/{gone.pk}").status_code == 404


def test_limits_of_a_minute_and_of_a_day(office, people, agreement):
    client = caller(agreement.client)
    client_set(actor=None, code=agreement.client.code, name="x", records_a_day=4, calls_a_minute=3)
    assert len(get(client, "/profiles", limit=3).json()["profiles"]) == 3
    refused = get(client, "/profiles", limit=3)
    # then the day's limit refuses the whole page, which is not counted
    assert (refused.status_code, refused.json()["code"]) == (429, "TOO_MANY")
    assert int(refused["Retry-After"]) > 0
    assert SharingDay.objects.get(client=agreement.client).records == 3
    records_count(client=SharingClient.objects.get(pk=agreement.client_id), records=1)
    get(client, "/profiles")
    assert "calls a minute" in get(client, "/profiles").json()["message"]


def test_an_agreement_names_fields_that_exist(office, agreement):
    with pytest.raises(ValidationError, match="salary"):
        agreed(office, agreement.client, fields=["birth_name", "salary"])
    with pytest.raises(NotAllowed):
        client_set(actor=office.users["clerk"], code="x", name="x", secret=SECRET)


class Receiver(httpx.BaseTransport):
    """A program's own address: keeps what it is sent, and answers as it is told."""

    def __init__(self, *answers):
        self.answers, self.got = list(answers), []

    def handle_request(self, request):
        self.got.append((request.headers, request.read()))
        return httpx.Response(self.answers.pop(0) if self.answers else 204)


def holds(secret, header, body):
    """What a receiver does: any of the signatures over time and body, by its secret."""
    parts = [part.split("=", 1) for part in header.split(",")]
    stamp = next(value for name, value in parts if name == "t")
    mine = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return mine in [value for name, value in parts if name == "v1"]


@pytest.fixture
def hooked(agreement):
    with override_settings(WEBHOOK_HOSTS=frozenset({"127.0.0.1:9999"})):
        Webhook.objects.update(active=False)
        hook, secret = webhook_set(actor=None, agreement=agreement, url="http://127.0.0.1:9999/hook")
        yield hook, secret


def test_a_changed_file_is_told_signed_and_once(office, hooked):
    hook, secret = hooked
    assert hooks_drive(transport=Receiver()) == 0  # what was there before is not told
    one = office.hired()
    receiver = Receiver(500)
    # when the first try fails
    assert hooks_drive(transport=receiver) == 0
    HookMessage.objects.update(not_before=clock.now())
    assert hooks_drive(transport=receiver) == 1
    HookMessage.objects.update(not_before=clock.now())
    assert hooks_drive(transport=receiver) == 0
    # then the same message came twice, signed, with key and version and nothing of the file
    (_first, body), (headers, again) = receiver.got
    assert body == again
    assert holds(secret, headers["x-hoso-signature"], again)
    assert not holds("other", headers["x-hoso-signature"], again)
    told = json.loads(again)
    assert (told["event"], told["key"], told["version"]) == ("profile.changed", str(one.pk), 1)
    assert set(told) == {"id", "event", "purpose", "key", "version", "recorded_at"}
    # and after a rotation both secrets hold for a week
    new = webhook_rotate(actor=None, hook=hook)
    office.hired()
    hooks_drive(transport=receiver)
    headers, body = receiver.got[-1]
    assert holds(secret, headers["x-hoso-signature"], body)
    assert holds(new, headers["x-hoso-signature"], body)


def test_a_message_that_nobody_takes_is_parked_and_can_be_sent_again(office, hooked):
    office.hired()
    for _try in range(12):
        HookMessage.objects.filter(state="waiting").update(not_before=clock.now())
        hooks_drive(transport=Receiver(503))
    (message,) = HookMessage.objects.filter(webhook=hooked[0])
    assert (message.state, message.error) == ("parked", "status 503")
    with pytest.raises(NotAllowed):
        message_retry(actor=office.users["clerk"], message=message)
    message_retry(actor=office.users["root"], message=message)
    assert hooks_drive(transport=Receiver()) == 1


def test_who_withdrew_consent_is_told_of_to_nobody(office):
    with override_settings(WEBHOOK_HOSTS=frozenset({"127.0.0.1:9999"})):
        agreement = agree(office, needs_consent=True)
        webhook_set(actor=None, agreement=agreement, url="http://127.0.0.1:9999/hook")
        office.hired()
        assert messages_make() == 0 or not HookMessage.objects.filter(webhook__agreement=agreement).exists()


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "https://127.0.0.1/",
        "https://10.1.2.3/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[2002:7f00:1::]/",
        "https://user:pw@8.8.8.8/",
        "https://8.8.8.8:22/",
        "https://localhost/",
        "ftp://8.8.8.8/",
        "https://8.8.8.8:99999/",
    ],
)
def test_addresses_inside_are_not_called(url):
    with pytest.raises(AddressRefused):
        address_checked(url)


def test_a_public_address_is_called_where_it_was_looked_at():
    assert address_checked("https://8.8.8.8/a?b=1").url == "https://8.8.8.8:443/a?b=1"


def test_the_description_names_every_shape_and_its_examples_fit():
    document = json.loads(json.dumps(api.get_openapi_schema(path_prefix="/api/shared/v1/")))
    assert json.loads(COMMITTED.read_text()) == document, "run: manage.py openapi --shared > docs/api/shared.json"
    assert document["openapi"].startswith("3.1")
    schemas = document["components"]["schemas"]
    named = {part.split('"')[0] for part in json.dumps(document).split("#/components/schemas/")[1:]}
    assert named <= set(schemas)
    assert set(EXAMPLES) <= set(schemas)
    for name, example in EXAMPLES.items():
        jsonschema_rs.validate({"$ref": f"#/components/schemas/{name}", "components": document["components"]}, example)


OPERATIONS = [
    ("/api/shared/v1/agreements", "GET"),
    ("/api/shared/v1/profiles", "GET"),
    ("/api/shared/v1/profiles/{key}", "GET"),
    ("/api/shared/v1/lookup", "POST"),
]


@pytest.fixture(scope="module")
def attacked(office):
    from django.core.wsgi import get_wsgi_application

    agreement = agree(office)
    SharingClient.objects.filter(pk=agreement.client_id).update(calls_a_minute=100_000, records_a_day=100_000_000)
    with override_settings(ALLOWED_HOSTS=["*"]):
        token = caller(agreement.client).defaults["HTTP_AUTHORIZATION"]
        yield schemathesis.openapi.from_wsgi("/api/shared/v1/openapi.json", get_wsgi_application()), token


def attack_all(attacked, examples):
    from tests.exchange.test_api_attacked import CHECKS

    schema, token = attacked
    assert {(one.ok().path, one.ok().method.upper()) for one in schema.get_all_operations()} == set(OPERATIONS)
    for path, method in OPERATIONS:
        for mode in schemathesis.GenerationMode:
            attack(schema, path, method, mode, examples, lambda case: case.call_and_validate(headers={"Authorization": token}, checks=CHECKS))


def test_nothing_undocumented_is_answered(attacked):
    attack_all(attacked, 8)


@pytest.mark.long
def test_nothing_undocumented_is_answered_for_long(attacked):
    attack_all(attacked, 400)
