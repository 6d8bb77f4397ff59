"""A session that nobody uses ends, one that is too old too; the door says why and leads back. And owners hear of new devices."""

import time
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from tests.accounts.ways import log_in
from workflows.models import AuditEvent, Notice
from workflows.services.mailing import mails_form, mails_send
from workflows.services.noticing import notices_make

pytestmark = pytest.mark.django_db
PAGE = "registry:unit_tree"


@pytest.fixture
def signed_in(lan):
    client = Client()
    log_in(client)
    return client


def passed(client, minutes, name="seen_at"):
    session = client.session
    session[name] -= minutes * 60
    session.save()


def test_after_half_an_hour_without_use_one_logs_in_anew_and_is_back(signed_in, settings):
    # given
    settings.IDLE_MINUTES = 30
    passed(signed_in, 31)
    # when
    answer = signed_in.get(reverse(PAGE) + "?day=2026-01-01")
    # then
    query = parse_qs(urlsplit(answer.url).query)
    assert (query["over"], query["next"]) == (["idle"], [reverse(PAGE) + "?day=2026-01-01"])
    door = signed_in.get(answer.url).content.decode()
    assert "30 phút" in door
    assert signed_in.post(answer.url, {"login": "lan", "password": "x"}).status_code == 200
    assert log_in(signed_in, next=query["next"][0]).status_code == 302
    assert AuditEvent.objects.get(action="account.logged_out").detail["why"] == "idle"


def test_use_keeps_it_open_but_no_session_outlives_its_hours(signed_in, settings):
    settings.SESSION_HOURS = 12
    for _step in range(3):
        passed(signed_in, 29)
        assert signed_in.get(reverse(PAGE)).status_code == 200
    passed(signed_in, 12 * 60 + 1, "began_at")
    assert "over=long" in signed_in.get(reverse(PAGE)).url


def test_a_page_that_asks_by_itself_keeps_nothing_open(signed_in):
    passed(signed_in, 20)
    signed_in.get(reverse(PAGE), HTTP_X_PASSIVE="1")
    passed(signed_in, 11)
    assert "over=idle" in signed_in.get(reverse(PAGE)).url


def test_parts_of_pages_lead_back_to_the_page(signed_in):
    passed(signed_in, 31)
    page = f"http://testserver{reverse(PAGE)}?q=1"
    answer = signed_in.post(reverse("accounts:sessions_end"), HTTP_HX_REQUEST="true", HTTP_HX_CURRENT_URL=page)
    assert answer.status_code == 204
    assert parse_qs(urlsplit(answer["HX-Redirect"]).query)["next"] == [f"{reverse(PAGE)}?q=1"]


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "javascript:alert(1)", ""])
def test_the_way_back_leads_nowhere_else(signed_in, elsewhere):
    answer = signed_in.post(reverse("accounts:away"), {"next": elsewhere})
    assert "evil" not in answer.url
    assert "javascript" not in answer.url
    assert signed_in.get(reverse(PAGE)).status_code == 302  # logged out it is


def test_who_types_is_there(signed_in):
    passed(signed_in, 29)
    assert signed_in.get(reverse("accounts:here")).status_code == 200
    assert time.time() - signed_in.session["seen_at"] < 60


# Devices, and what owners hear


def test_a_new_device_is_told_to_the_owner_at_once_whatever_they_wish(signed_in, lan):
    # given a first device, which is how the account began
    lan.email = "lan@example.vn"
    lan.save()
    notices_make()
    assert not Notice.objects.exists()
    # when the same device comes again, and then another one
    log_in(signed_in)
    log_in(Client(), headers={"user-agent": "Mozilla/5.0 (Windows NT 10.0) Firefox/140.0"})
    notices_make()
    # then
    notice = Notice.objects.get(user=lan)
    assert (notice.kind, notice.detail["browser"], notice.detail["system"]) == ("account", "Firefox", "Windows")
    mails_form()
    mails_send()
    (message,) = mail.outbox
    assert message.to == ["lan@example.vn"]
    assert "Firefox, Windows" in message.body


def test_what_protects_an_account_is_not_changed_unheard(lan):
    from workflows.services.audit import audit

    for action, more in (
        ("account.password_changed", {}),
        ("account.factor_removed", {"factor": "totp"}),
        ("account.codes_renewed", {}),
        ("account.changed", {"fields": ["certificate_fingerprint", "first_name"]}),
        ("account.changed", {"fields": ["first_name"]}),
    ):
        audit(actor=lan, action=action, user=lan.pk, **more)
    notices_make()
    assert [one.detail["matter"] for one in Notice.objects.filter(user=lan).order_by("id")] == ["password", "factor_removed", "codes", "certificate"]
