"""From nothing to the first record: what the check of the line finds wrong, and when sending may begin."""

from __future__ import annotations

import httpx
import pytest
from django.urls import reverse

from exchange import connectors
from exchange.connectors import HubConnector
from exchange.models import Channel, Trial
from exchange.services import channels
from exchange.services.channels import NotTried, channel_begin
from exchange.services.line_check import Rung, line_check
from tests.pages import Office
from workflows.errors import NotAllowed
from workflows.models import AuditEvent

pytestmark = pytest.mark.django_db
SECRET = "s" * 40


@pytest.fixture
def office() -> Office:
    return Office.open()


@pytest.fixture
def channel(settings, monkeypatch) -> Channel:
    """A line that was set up and does not send yet."""
    monkeypatch.setattr(connectors, "_tokens", {})
    settings.CHANNEL_SECRETS = {"national-hub": SECRET}
    fields = {"base_url": "https://hub.example.vn", "client_id": "H15", "active": False}
    return Channel.objects.create(code="national-hub", name="Nền tảng quốc gia", **fields)


def hub(*, agencies=("G09", "H15"), token=200, answer=200):
    """The other side, as the network would carry it."""

    def reply(request):
        if request.url.path == "/o/token/":
            return httpx.Response(token, json={"access_token": "token", "expires_in": 3600})
        return httpx.Response(answer, json={"agencies": [{"code": code, "name": f"Tỉnh {code}"} for code in agencies]})

    return reply


def check(channel, reply):
    return line_check(channel=channel, connector=lambda line: HubConnector(line, transport=httpx.MockTransport(reply)))


def cut(request):
    raise httpx.ConnectError("Name or service not known")


@pytest.mark.parametrize(
    ("reply", "secrets", "broken"),
    [
        (hub(), True, None),
        (hub(), False, Rung.SECRET),
        (cut, True, Rung.ADDRESS),
        (hub(answer=503), True, Rung.ADDRESS),
        (hub(token=401), True, Rung.CREDENTIALS),
        (hub(answer=403), True, Rung.CREDENTIALS),
        (hub(agencies=("G09", "H16")), True, Rung.NAME),
    ],
)
def test_the_first_thing_that_is_wrong_is_named_with_what_to_do(channel, settings, reply, secrets, broken):
    if not secrets:
        settings.CHANNEL_SECRETS = {}
    found = check(channel, reply)
    assert [one.rung for one in found] == list(Rung)
    at = list(Rung).index(broken) if broken else len(Rung)
    assert [one.well for one in found] == [True] * at + [False] * (at < len(Rung)) + [None] * (len(Rung) - at - 1)
    assert [bool(one.advice) for one in found] == [one.well is False for one in found]
    assert SECRET not in repr(found)


def tried(channel, actor, passed=True):
    return Trial.objects.create(channel=channel, actor=actor, people=3, body_digest=b"\0" * 32, passed=passed, statement=b"{}")


def test_sending_begins_after_a_trial_that_passed_and_by_an_operator_of_the_whole(office, channel, monkeypatch):
    sent = []
    monkeypatch.setattr(channels, "send_on_commit", sent.append)
    root, clerk = office.users["root"], office.users["clerk"]
    tried(channel, root, passed=False)
    with pytest.raises(NotTried):
        channel_begin(actor=root, channel=channel)
    tried(channel, root)
    with pytest.raises(NotAllowed):
        channel_begin(actor=clerk, channel=channel)
    assert not Channel.objects.get(pk=channel.pk).active
    # when
    channel_begin(actor=root, channel=channel)
    channel_begin(actor=root, channel=channel)
    # then once
    assert Channel.objects.get(pk=channel.pk).active
    assert len(sent) == 1
    assert AuditEvent.objects.filter(action="channel.begin").count() == 1


def test_the_page_leads_from_step_to_step(office, channel):
    client = office.client("root")
    address = reverse("exchange:joining")
    # given a line over which nothing was tried
    shown = client.get(address).content.decode()
    assert reverse("exchange:joining_check") in shown
    assert reverse("exchange:joining_begin") not in shown
    # when it cannot be reached
    Channel.objects.update(base_url="http://127.0.0.1:9")
    shown = client.post(reverse("exchange:joining_check")).content.decode()
    assert "Chưa đúng" in shown
    # and when beginning is asked for all the same
    shown = client.post(reverse("exchange:joining_begin"), follow=True).content.decode()
    assert "Hãy gửi thử một đến mười người trước" in shown
    # then a trial that passed opens the way
    tried(channel, office.users["root"])
    assert reverse("exchange:joining_begin") in client.get(address).content.decode()
    shown = client.post(reverse("exchange:joining_begin"), follow=True).content.decode()
    assert "Đã bắt đầu gửi" in shown


def test_without_a_line_the_page_says_how_to_get_one(office):
    shown = office.client("root").get(reverse("exchange:joining")).content.decode()
    assert reverse("admin:exchange_channel_add") in shown
    assert office.client("root").post(reverse("exchange:joining_check")).status_code == 404
    assert office.client("operator").get(reverse("exchange:joining")).status_code == 404
