"""One door, which says nothing about whose accounts exist."""

from __future__ import annotations

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import resolve, reverse

from orgtree.models import User
from tests.accounts.ways import log_in
from tests.factories import PASSWORD, user_make
from workflows.models import AuditEvent

pytestmark = pytest.mark.django_db


def test_an_unknown_login_a_wrong_password_and_a_closed_account_are_answered_alike(lan):
    # given
    user_make("binh", password=PASSWORD, is_active=False)
    # when
    tries = [("lan", "sai"), ("khong-co", "sai"), ("binh", "sai"), ("binh", PASSWORD)]
    answers = [log_in(Client(), *tried) for tried in tries]
    # then
    texts = {
        answer.content.decode().replace(f'value="{name}"', "") for answer, name in zip(answers, ("lan", "khong-co", "binh", "binh"), strict=True)
    }
    assert {answer.status_code for answer in answers} == {200}
    assert len({text.partition("csrfmiddlewaretoken")[0] + text.rpartition("</form>")[2] for text in texts}) == 1


def test_what_was_typed_for_an_unknown_login_is_kept_nowhere(lan):
    # when
    log_in(Client(), "mật khẩu nhập nhầm ô", "sai")
    log_in(Client(), "lan", "sai")
    # then
    told = AuditEvent.objects.filter(action="account.refused")
    assert [one.detail["user"] for one in told] == [lan.pk]


@pytest.mark.parametrize("name", ["admin:login", "admin:logout", "admin:password_change"])
def test_the_admins_own_pages_for_it_are_closed(name, client, lan):
    # when
    view = resolve(reverse(name)).func
    # then
    assert view.__module__.startswith(("accounts.", "orgtree.pages"))


def test_the_admins_login_leads_to_the_door_even_if_it_is_called(rf):
    from django.contrib import admin

    assert admin.site.login(rf.get("/x/")).url.startswith(reverse("account_login"))


@pytest.mark.parametrize("path", ["/signup/", "/accounts/signup/", "/email/", "/password/reset/", "/3rdparty/", "/accounts/login/"])
def test_nobody_signs_up_and_no_stranger_resets_a_password(path, client, lan):
    # given
    assert client.get(path).url.startswith(reverse("account_login"))  # as every address that does not exist
    client.force_login(lan)
    # when, then
    assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    "name", ["admin:mfa_authenticator_changelist", "admin:socialaccount_socialapp_add", "admin:usersessions_usersession_changelist"]
)
def test_the_tables_of_the_library_have_no_pages(name):
    from django.urls import NoReverseMatch

    with pytest.raises(NoReverseMatch):
        reverse(name)


@pytest.mark.parametrize("away", ["https://example.com/", "//example.com", "javascript:alert(1)"])
def test_the_way_on_stays_in_the_house(away, lan):
    assert Client().post(reverse("account_login") + f"?next={away}", {"login": "lan", "password": PASSWORD}).url == reverse("admin:index")


def test_after_logging_in_one_goes_on_where_one_was_going(client, lan):
    # when
    asked = client.get("/staff/?q=hoa")
    answer = client.post(asked.url, {"login": "lan", "password": PASSWORD})
    # then
    assert answer.url == "/staff/?q=hoa"


def test_leaving_is_said_and_audited(client, lan):
    # given
    log_in(client)
    # when
    answer = client.post(reverse("account_logout"))
    # then
    assert answer.url == reverse("signed_out")
    assert client.get(reverse("admin:index")).status_code == 302
    assert AuditEvent.objects.filter(actor=lan, action="account.logged_out").exists()


@pytest.mark.parametrize(
    "password",
    [
        "ngắn",
        "matkhau123456789",
        "Mật khẩu 2026!!",
        "SoNoiVu@2026@2026",
        "111111111111",
        "aaaaaaaaaaab",
        "123456789012",
        "nguyenthilan1",
        "066185000001a",
    ],
)
def test_passwords_that_everybody_tries_are_refused(password):
    # given
    user = User(username="nguyenthilan", last_name="Nguyễn Thị", first_name="Lan", personal_number="066185000001")
    # when, then
    with pytest.raises(ValidationError):
        validate_password(password, user)


@pytest.mark.parametrize("password", ["mưa trên núi Chư Yang Sin", "correct horse battery", "HoSo-demo-2026", "đúng-đủ-sạch-sống"])
def test_a_short_sentence_is_good(password):
    validate_password(password, User(username="lan"))


def test_two_new_passwords_that_differ_are_said_in_vietnamese(client, lan):
    # given
    log_in(client)
    # when
    page = client.post(
        reverse("account_change_password"), {"oldpassword": PASSWORD, "password1": "mưa trên núi Chư Yang", "password2": "nắng trên núi Chư Yang"}
    ).content.decode()
    # then
    assert "không giống nhau" in page
    assert "Current Password" not in page
