"""The agency's single sign-on: real HTTP with a small provider; what is not signed rightly, for us, now, opens nothing."""

from __future__ import annotations

import time
from dataclasses import replace

import jwt
import pytest
from allauth.socialaccount.models import SocialAccount
from django.test import Client
from django.urls import reverse

from orgtree.models import User
from orgtree.stepup import is_proved
from tests.accounts.provider import OpenIdProvider
from tests.accounts.ways import app_set_up, grow_old, log_in, sign_on_by
from tests.factories import user_make
from workflows.models import AuditEvent

pytestmark = pytest.mark.django_db


def is_in(client: Client) -> bool:
    return client.get(reverse("admin:index")).status_code == 200


def test_who_has_an_account_comes_in_and_is_tied_to_the_subject(client, lan, sign_on):
    # when
    answer = sign_on_by(client, sign_on, next="/staff/")
    # then
    assert answer.url == "/staff/"
    assert is_in(client)
    tied = SocialAccount.objects.get(user=lan)
    assert len(tied.uid) == 64
    assert tied.extra_data == {}
    assert list(AuditEvent.objects.filter(actor=lan).order_by("pk").values_list("action", flat=True)) == [
        *("account.linked", "account.logged_in", "account.new_device")
    ]


def test_the_subject_counts_from_then_on_and_no_longer_the_name(client, lan, sign_on):
    # given
    sign_on_by(client, sign_on)
    sign_on.claims = {"preferred_username": "minh"}
    user_make("minh")
    # when
    again = Client()
    sign_on_by(again, sign_on)
    # then
    assert again.session["_auth_user_id"] == str(lan.pk)


def test_a_new_subject_with_an_old_name_is_not_let_in(client, lan, sign_on):
    # given
    sign_on_by(client, sign_on)
    sign_on.claims = {"sub": "4712"}
    # when
    stranger = Client()
    answer = sign_on_by(stranger, sign_on)
    # then
    assert answer.url == reverse("account_login")
    assert not is_in(stranger)


def test_nobody_signs_up(client, sign_on):
    # given
    before = User.objects.count()
    sign_on.claims = {"preferred_username": "khong-co"}
    # when
    answer = sign_on_by(client, sign_on)
    # then
    assert User.objects.count() == before
    assert "bạn chưa có tài khoản" in client.get(answer.url).content.decode()


def test_a_closed_account_stays_closed(client, lan, sign_on):
    # given
    sign_on_by(client, sign_on)
    User.objects.filter(pk=lan.pk).update(is_active=False)
    # when
    later = Client()
    sign_on_by(later, sign_on)
    # then
    assert not is_in(later)


def test_the_personal_number_may_be_what_one_is_known_by(client, sign_on, settings):
    # given
    settings.ENVIRONMENT = replace(settings.ENVIRONMENT, oidc_claim="cccd", oidc_field="personal_number")
    user = user_make("hoa", personal_number="066185000001")
    sign_on.claims = {"cccd": "066185000001"}
    # when
    sign_on_by(client, sign_on)
    # then
    assert client.session["_auth_user_id"] == str(user.pk)


def test_keys_may_be_changed_at_any_time(lan, sign_on):
    for kid in ("b", "c"):
        # given
        sign_on.rotate(kid)
        client = Client()
        # when
        sign_on_by(client, sign_on)
        # then
        assert is_in(client)


def forged(provider: OpenIdProvider) -> None:
    """Another's key under the name of the one published."""
    provider.published = {provider.kid: provider.new_key()}


def with_shared_secret(provider: OpenIdProvider) -> None:
    """Signed with our own client secret, as a symmetric token would be."""
    provider.key, provider.algorithm = "geheim" * 8, "HS256"


def unsigned(provider: OpenIdProvider) -> None:
    provider.key, provider.algorithm = None, "none"


BAD = {
    "another's key": forged,
    "a key that is not published": lambda provider: provider.published.update({"b": provider.published.pop("a")}),
    "a shared secret": with_shared_secret,
    "no signature": unsigned,
    "another issuer": {"iss": "https://sso.example"},
    "another audience": {"aud": "another"},
    "two audiences, no party": {"aud": ["hoso", "another"]},
    "another party": {"azp": "another"},
    "expired": {"exp": int(time.time()) - 3_600},
    "of tomorrow": {"iat": int(time.time()) + 86_400},
    "no end": {"exp": None},
    "no subject": {"sub": None},
    "another's nonce": {"nonce": "x"},
    "no nonce": {"nonce": None},
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_token_opens_nothing(what, client, lan, sign_on):
    # given
    bad = BAD[what]
    if callable(bad):
        bad(sign_on)
    else:
        sign_on.claims = bad
    # when
    answer = sign_on_by(client, sign_on)
    # then
    assert answer.url == reverse("account_login")
    assert not is_in(client)
    assert not SocialAccount.objects.exists()


def test_an_answer_that_nobody_asked_for_opens_nothing(client, lan, sign_on):
    # given: somebody else's state
    sign_on.authorize(Client().get(reverse("sso_login")).url)
    # when
    answer = client.get(reverse("sso_callback"), {"code": "one", "state": sign_on.asked["state"]})
    # then
    assert answer.url == reverse("account_login")
    assert not is_in(client)


def test_an_answer_is_taken_once(client, lan, sign_on):
    # given
    sign_on_by(client, sign_on)
    client.logout()
    # when
    answer = client.get(reverse("sso_callback"), {"code": "one", "state": sign_on.asked["state"]})
    # then
    assert answer.url == reverse("account_login")


@pytest.mark.parametrize("discovery", [{"issuer": "https://sso.example"}, {"jwks_uri": None}, {"authorization_endpoint": 1}])
def test_a_provider_that_is_not_the_one_configured_is_not_gone_to(discovery, client, lan, sign_on):
    # given
    sign_on.discovery = discovery
    # when, then
    assert client.get(reverse("sso_login")).url == reverse("account_login")


def test_a_provider_that_is_away_leads_back_to_the_door(client, lan, sign_on, settings):
    # given
    settings.ENVIRONMENT = replace(settings.ENVIRONMENT, oidc_issuer="http://127.0.0.1:1")
    # when
    answer = client.get(reverse("sso_login"), follow=True)
    # then
    assert answer.redirect_chain[-1][0] == reverse("account_login")
    assert "Hãy thử lại" in answer.content.decode()


def test_it_is_asked_for_a_code_proof_and_nothing_of_the_address_goes_along(client, sign_on):
    # when
    sign_on.authorize(client.get(reverse("sso_login") + "?auth_params=prompt%3Dnone&scope=admin&process=connect").url)
    # then
    assert sign_on.asked["code_challenge_method"] == "S256"
    assert set(sign_on.asked["scope"].split()) == {"openid", "profile"}
    assert "prompt" not in sign_on.asked


def test_the_second_factor_is_asked_here_too(client, lan, sign_on):
    # given
    log_in(client)
    app_set_up(client)
    later = Client()
    # when
    answer = sign_on_by(later, sign_on)
    # then
    assert answer.url == reverse("mfa_authenticate")
    assert not is_in(later)


def test_without_a_single_sign_on_there_is_no_address_and_no_button(client, db):
    assert client.get(reverse("sso_login")).status_code == 404
    assert client.get(reverse("sso_callback")).status_code == 404
    assert reverse("sso_login") not in client.get(reverse("account_login")).content.decode()


def test_the_button_says_where_it_leads(client, db, sign_on):
    assert "Đăng nhập bằng Cổng nội bộ" in client.get(reverse("account_login")).content.decode()


@pytest.mark.parametrize(("minutes_ago", "is_fresh"), [(1, True), (60, False), (None, False)])
def test_the_proof_is_as_fresh_as_the_provider_says(minutes_ago, is_fresh, client, lan, sign_on, rf):
    # given
    if minutes_ago is not None:
        sign_on.claims = {"auth_time": int(time.time()) - minutes_ago * 60}
    sign_on_by(client, sign_on)
    # when
    request = rf.get("/")
    request.session = client.session
    # then
    assert is_proved(request) is is_fresh


def test_who_has_no_password_proves_it_at_the_provider(client, lan, sign_on):
    # given
    lan.set_unusable_password()
    lan.save()
    sign_on_by(client, sign_on)
    grow_old(client)
    # when
    asked = client.get(reverse("mfa_activate_totp"))
    away = client.get(asked.url)
    back = client.get(reverse("sso_callback"), sign_on.authorize(away.url))
    # then
    assert asked.url.startswith(reverse("sso_login"))
    assert sign_on.asked["prompt"] == "login"
    assert sign_on.asked["max_age"] == "900"
    assert back.url == reverse("mfa_activate_totp")


def test_the_token_of_the_tests_is_what_a_provider_would_send(sign_on):
    # given
    sign_on.asked = {"nonce": "n"}
    # when
    claims = jwt.decode(sign_on.id_token(), options={"verify_signature": False})
    # then
    assert claims["iss"] == sign_on.issuer
