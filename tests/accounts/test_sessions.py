"""Where somebody is logged in, and being logged out: one device or all, by oneself or by who looks after accounts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import Permission
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.errors import AccountRefused, OwnFactors
from accounts.selectors.sessions import sessions_of
from accounts.services.factors import factors_take_back
from accounts.services.sessions import sessions_end, sessions_forget
from tests.accounts.ways import app_set_up, log_in
from tests.factories import PASSWORD, superuser_make, user_make
from workflows.models import AuditEvent

pytestmark = pytest.mark.django_db
EDGE = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0"


def is_in(client: Client) -> bool:
    return client.get(reverse("admin:index")).status_code == 200


@pytest.fixture
def devices(lan) -> list[Client]:
    clients = [Client(HTTP_USER_AGENT=EDGE), Client(), Client(HTTP_X_FORWARDED_FOR="10.0.0.7")]
    for client in clients:
        log_in(client)
    return clients


def test_each_device_is_told_in_words(devices, lan):
    # when
    told = sessions_of(lan, here=devices[0].session.session_key)
    # then
    assert [(one.browser, one.system) for one in told if one.is_here] == [("Edge", "Windows")]
    assert {one.address for one in told} == {"127.0.0.1", "10.0.0.7"}
    assert told[0].is_here


def test_one_device_is_logged_out(devices, lan):
    # given
    third = UserSession.objects.get(ip="10.0.0.7")
    # when
    devices[0].post(reverse("accounts:sessions_end"), {"session": third.pk})
    # then
    assert [is_in(one) for one in devices] == [True, True, False]


def test_all_others_are_logged_out(devices, lan):
    # when
    devices[0].post(reverse("accounts:sessions_end"))
    # then
    assert [is_in(one) for one in devices] == [True, False, False]
    assert AuditEvent.objects.filter(actor=lan, action="account.logged_out").latest("pk").detail["count"] == 2


def test_nobody_logs_out_others_by_a_guessed_number(devices, lan):
    # given
    stranger = Client()
    user_make("binh", password=PASSWORD)
    log_in(stranger, "binh")
    # when
    for number in UserSession.objects.filter(user=lan).values_list("pk", flat=True):
        stranger.post(reverse("accounts:sessions_end"), {"session": number})
    stranger.post(reverse("accounts:sessions_end"), {"session": "9" * 30})
    stranger.post(reverse("accounts:sessions_end"), {"session": "-1"})
    # then
    assert all(is_in(one) for one in devices)


def test_a_new_password_logs_out_all_others(devices, lan):
    # given
    words = {"oldpassword": PASSWORD, "password1": "mưa trên núi Chư Yang Sin", "password2": "mưa trên núi Chư Yang Sin"}
    # when
    devices[0].post(reverse("account_change_password"), words)
    # then
    assert [is_in(one) for one in devices] == [True, False, False]
    assert AuditEvent.objects.filter(actor=lan, action="account.password_changed").exists()


def test_an_administrator_logs_somebody_out_everywhere(devices, lan, client):
    # given
    client.force_login(superuser_make("quantri"))
    # when
    client.post(reverse("accounts:person_sessions_end", args=[lan.pk]))
    # then
    assert not any(is_in(one) for one in devices)
    assert is_in(client)


def test_a_closed_account_is_out_at_once(devices, lan):
    # when
    lan.is_active = False
    lan.save()
    # then
    assert not any(is_in(one) for one in devices)


def test_who_looks_after_accounts_takes_back_a_lost_factor_and_the_devices_with_it(devices, lan, client):
    # given
    app_set_up(devices[0])
    keeper = user_make("thanh")
    keeper.user_permissions.add(Permission.objects.get(codename="change_user"))
    client.force_login(keeper)
    # when
    answer = client.post(reverse("accounts:person_factors_take_back", args=[lan.pk]))
    # then
    assert answer.url == reverse("accounts:person", args=[lan.pk])
    assert not Authenticator.objects.filter(user=lan).exists()
    assert not any(is_in(one) for one in devices)
    assert log_in(Client()).url == reverse("admin:index")
    assert AuditEvent.objects.filter(actor=keeper, action="account.factors_taken_back", detail__user=lan.pk).exists()


def test_only_a_superuser_looks_after_a_superuser_and_nobody_takes_back_their_own(lan):
    # given
    keeper, root = user_make("thanh"), superuser_make("quantri")
    keeper.user_permissions.add(Permission.objects.get(codename="change_user"))
    # when, then
    for actor, user in [(keeper, root), (lan, keeper)]:
        with pytest.raises(AccountRefused):
            factors_take_back(actor=actor, user=user)
        with pytest.raises(AccountRefused):
            sessions_end(actor=actor, user=user)
    with pytest.raises(OwnFactors):
        factors_take_back(actor=root, user=root)


def test_following_a_session_costs_a_page_nothing(lan):
    # given
    client = Client()
    log_in(client)
    client.get(reverse("registry:unit_tree"))
    # when
    with CaptureQueriesContext(connection) as asked:
        client.get(reverse("registry:unit_tree"))
    # then
    assert not [one["sql"] for one in asked if "usersession" in one["sql"] or "mfa_" in one["sql"] or "update" in one["sql"].lower()]


def test_a_session_is_seen_again_after_five_minutes(lan):
    # given
    client = Client()
    log_in(client)
    before = UserSession.objects.get(user=lan).last_seen_at
    session = client.session
    session["shown_at"] -= 301
    session.save()
    # when
    client.get(reverse("registry:unit_tree"), HTTP_X_FORWARDED_FOR="10.0.0.9")
    # then
    seen = UserSession.objects.get(user=lan)
    assert seen.last_seen_at > before
    assert seen.ip == "10.0.0.9"


def test_sessions_that_ran_out_are_forgotten_and_no_others(devices, lan):
    # given
    Session.objects.filter(session_key=devices[0].session.session_key).update(expire_date=timezone.now() - timedelta(minutes=1))
    sessions_end(actor=lan, user=lan, only=UserSession.objects.get(ip="10.0.0.7").pk)
    # when
    forgotten = sessions_forget()
    # then
    assert forgotten == 1
    assert [is_in(one) for one in devices] == [False, True, False]
    assert UserSession.objects.filter(user=lan).count() == 1


def test_the_last_administrator_comes_back_in_from_the_servers_shell(client):
    # given
    root = superuser_make("quantri", password=PASSWORD)
    log_in(client, "quantri")
    app_set_up(client)
    # when
    call_command("take_back_factors", "quantri")
    # then
    assert not is_in(client)
    assert log_in(Client(), "quantri").url == reverse("admin:index")
    assert AuditEvent.objects.get(action="account.factors_taken_back", actor=None).detail["user"] == root.pk


def test_an_account_that_does_not_exist_is_named():
    with pytest.raises(CommandError, match="khong-co"):
        call_command("take_back_factors", "khong-co")


def test_the_list_of_accounts_tells_who_has_a_second_factor(lan, client):
    # given
    log_in(client)
    app_set_up(client)
    client.force_login(superuser_make("quantri"))
    # when
    accounts = client.get(reverse("admin:orgtree_user_changelist")).context["cl"].result_list
    told = {one.username: one.held_factor for one in accounts}
    # then
    assert (told["lan"], told["quantri"]) == (True, False)
