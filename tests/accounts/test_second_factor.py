"""A second factor: who must have one is led to it, a code opens once, recovery codes too, guessing is stopped."""

from __future__ import annotations

import pytest
from allauth.mfa.models import Authenticator
from django.conf import settings as django_settings
from django.test import Client
from django.urls import reverse

from accounts import crypto
from accounts.tries import TRIES
from orgtree.choices import Role
from tests.accounts.ways import app_set_up, code_of, log_in
from tests.factories import PASSWORD, grant_make, superuser_make, unit_make, user_make
from workflows.models import AuditEvent

pytestmark = pytest.mark.django_db


@pytest.fixture
def _required(settings):
    settings.SECOND_FACTOR_REQUIRED = True


@pytest.fixture
def minh(db):
    user = user_make("minh", password=PASSWORD)
    grant_make(user, Role.SUPERVISOR, unit_make("Sở Nội vụ", code="H15.1"))
    return user


@pytest.mark.usefixtures("_required")
def test_a_supervisor_is_led_to_set_one_up_before_anything_else(client, minh):
    # given
    log_in(client, "minh")
    pages = [reverse("admin:index"), reverse("workflows:request_list"), reverse("registry:unit_tree")]
    # when
    led = {page: client.get(page).url for page in pages}
    app_set_up(client)
    # then
    assert set(led.values()) == {reverse("accounts:protect")}
    assert {client.get(page).status_code for page in pages} == {200}


@pytest.mark.usefixtures("_required")
def test_an_administrator_too_and_nobody_else(client, lan):
    # given
    superuser_make("quantri", password=PASSWORD)
    log_in(client, "quantri")
    clerk = Client()
    log_in(clerk, "lan")
    # when, then
    assert client.get(reverse("admin:index")).url == reverse("accounts:protect")
    assert clerk.get(reverse("admin:index")).status_code == 200


@pytest.mark.usefixtures("_required")
def test_a_grant_that_comes_later_counts_within_five_minutes(client, lan):
    # given
    log_in(client)
    assert client.get(reverse("admin:index")).status_code == 200
    grant_make(lan, Role.SUPERVISOR, unit_make("Sở Nội vụ", code="H15.1"))
    # when
    session = client.session
    session["settled_until"] -= 301
    session.save()
    # then
    assert client.get(reverse("admin:index")).url == reverse("accounts:protect")


@pytest.mark.usefixtures("_required")
def test_who_must_have_one_does_not_remove_the_last(client, minh):
    # given
    log_in(client, "minh")
    app_set_up(client)
    # when
    answer = client.post(reverse("mfa_deactivate_totp"))
    # then
    assert answer.status_code == 200
    assert "bắt buộc" in answer.content.decode()
    assert Authenticator.objects.filter(user=minh, type="totp").exists()


def test_who_need_not_may_remove_it_and_the_recovery_codes_go_along(client, lan):
    # given
    log_in(client)
    app_set_up(client)
    # when
    client.post(reverse("mfa_deactivate_totp"))
    # then
    assert not Authenticator.objects.filter(user=lan).exists()
    told = AuditEvent.objects.filter(actor=lan, action="account.factor_removed").values_list("detail__factor", flat=True)
    assert set(told) == {"totp", "recovery_codes"}


def test_after_the_password_comes_the_code(client, lan):
    # given
    log_in(client)
    secret, _codes = app_set_up(client)
    later = Client()
    # when
    asked = log_in(later)
    before = later.get(reverse("admin:index")).status_code
    answer = later.post(asked.url, {"code": code_of(secret)})
    # then
    assert asked.url == reverse("mfa_authenticate")
    assert before == 302
    assert answer.url == reverse("admin:index")
    assert later.get(answer.url).status_code == 200
    assert AuditEvent.objects.filter(actor=lan, action="account.logged_in").latest("pk").detail["ways"] == ["password", "totp"]


@pytest.mark.parametrize("steps", [-1, 0, 1])
def test_a_code_opens_once_as_long_as_it_is_right(steps, client, lan):
    # given
    log_in(client)
    secret, _codes = app_set_up(client)
    code = code_of(secret, steps=steps)
    first, second = Client(), Client()
    log_in(first)
    log_in(second)
    # when
    answers = [one.post(reverse("mfa_authenticate"), {"code": code}).status_code for one in (first, second)]
    # then
    assert answers == [302, 200]


def test_a_recovery_code_opens_once(client, lan):
    # given
    log_in(client)
    _secret, codes = app_set_up(client)
    # when
    answers = []
    for _time in range(2):
        later = Client()
        log_in(later)
        answers.append(later.post(reverse("mfa_authenticate"), {"code": f"{codes[3][:4]} {codes[3][4:]}"}).status_code)
    # then
    assert len(codes) == 10
    assert answers == [302, 200]


def test_recovery_codes_are_shown_once(client, lan):
    # given
    log_in(client)
    _secret, codes = app_set_up(client)
    # when
    again = client.get(reverse("mfa_view_recovery_codes")).content.decode()
    # then
    assert not any(code[:4] in again and code[4:] in again for code in codes)


def test_guessing_a_code_is_stopped_from_wherever_it_comes(client, lan):
    # given
    log_in(client)
    secret, _codes = app_set_up(client)
    for number in range(TRIES):
        guesser = Client(HTTP_X_FORWARDED_FOR=f"10.0.0.{number}")
        log_in(guesser)
        guesser.post(reverse("mfa_authenticate"), {"code": "000000"})
    # when
    later = Client()
    log_in(later)
    answer = later.post(reverse("mfa_authenticate"), {"code": code_of(secret)})
    # then
    assert answer.status_code == 200
    assert "Nhập sai quá nhiều lần" in answer.content.decode()
    assert AuditEvent.objects.filter(action="account.code_refused", detail__user=lan.pk).count() == TRIES
    assert AuditEvent.objects.filter(action="account.locked", detail__user=lan.pk).count() == 1


def test_the_secret_is_not_kept_in_the_clear(client, lan):
    # given
    log_in(client)
    secret, _codes = app_set_up(client)
    # when
    kept = Authenticator.objects.get(user=lan, type="totp").data["secret"]
    # then
    assert secret not in kept
    assert crypto.decrypt(kept) == secret


def test_a_change_of_the_secret_key_locks_nobody_out(client, lan, settings):
    # given
    log_in(client)
    secret, _codes = app_set_up(client)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another"
    # when
    later = Client()
    log_in(later)
    # then
    assert later.post(reverse("mfa_authenticate"), {"code": code_of(secret)}).status_code == 302


def test_the_pages_of_setting_up_are_kept_by_no_cache(client, lan):
    # given
    log_in(client)
    # when, then
    for name in ("mfa_activate_totp", "mfa_add_webauthn", "accounts:own"):
        assert "no-store" in client.get(reverse(name))["Cache-Control"]


def test_a_broken_passkey_answer_is_refused_with_a_word(client, lan):
    # given
    log_in(client)
    # when
    answers = [client.post(reverse("mfa_add_webauthn"), {"name": "x", "credential": sent}).status_code for sent in ("", "{", "{}", '{"id": 1}', "[]")]
    # then
    assert set(answers) == {200}
    assert not Authenticator.objects.filter(user=lan).exists()


def test_production_asks_for_it_and_check_deploy_says_when_not(settings):
    from accounts.checks import second_factor_required

    # given
    assert django_settings.ENVIRONMENT.insecure_http  # tests and demonstrations
    # when
    said = second_factor_required(None)
    settings.SECOND_FACTOR_REQUIRED = True
    # then
    assert [one.id for one in said] == ["accounts.W001"]
    assert second_factor_required(None) == []
