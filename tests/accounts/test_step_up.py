"""What weighs asks for a fresh proof first, and goes on with the very request afterwards."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import InitialPassword
from orgtree.models import User
from tests.accounts.ways import app_set_up, code_of, grow_old, log_in
from tests.factories import PASSWORD, superuser_make
from tests.pages import Office
from workflows.models import AuditEvent, Decision, Manifest
from workflows.services.approval import manifest_prepare

pytestmark = pytest.mark.django_db


@pytest.fixture
def office() -> Office:
    office = Office.open()
    for user in office.users.values():
        user.set_password(PASSWORD)
        user.save()
    return office


@pytest.fixture
def manifest(office) -> Manifest:
    request = office.submitted(office.document())
    return manifest_prepare(actor=office.users["supervisor"], request_id=request.pk)


def path_of(answer) -> str:
    return answer.url.partition("?")[0]


def addresses(manifest: Manifest) -> dict[str, tuple[str, str]]:
    numbers = [manifest.request_id, bytes(manifest.digest)]
    return {
        "prepare": ("post", reverse("workflows:request_prepare", args=numbers[:1])),
        "sign": ("get", reverse("workflows:request_sign", args=numbers)),
        "approve": ("post", reverse("workflows:request_approve", args=numbers)),
    }


@pytest.mark.parametrize("step", ["prepare", "sign", "approve"])
def test_no_step_of_signing_goes_with_an_old_proof(step, office, manifest):
    # given
    client = office.client("supervisor")
    method, address = addresses(manifest)[step]
    grow_old(client)
    # when
    answer = getattr(client, method)(address)
    # then
    assert path_of(answer) == reverse("account_reauthenticate")
    assert not Decision.objects.exists()


def test_just_after_logging_in_nothing_is_asked(office, manifest):
    # given
    client = Client()
    log_in(client, "supervisor")
    # when, then
    assert client.get(addresses(manifest)["sign"][1]).status_code == 200


def test_after_the_proof_the_signature_that_waited_is_taken(office, manifest, settings, tmp_path):
    """A signature that is none: its refusal leads back to the page for signing, where a request asked for anew would have led to its own address."""
    # given
    settings.TRUST_DIRECTORY = tmp_path
    client = office.client("supervisor")
    address = addresses(manifest)["approve"][1]
    grow_old(client)
    asked = client.post(address, {"signature": "bm9uZQ=="})
    # when
    answer = client.post(asked.url, {"password": PASSWORD})
    # then
    assert answer.url == addresses(manifest)["sign"][1]
    assert AuditEvent.objects.filter(action="account.proved", actor=office.users["supervisor"]).exists()


def test_who_may_not_be_there_is_not_asked(office, manifest):
    # given
    client = office.client("clerk")
    grow_old(client)
    # when, then
    assert client.get(addresses(manifest)["sign"][1]).status_code == 404


@pytest.mark.parametrize("name", ["mfa_activate_totp", "mfa_add_webauthn", "mfa_generate_recovery_codes"])
def test_a_second_factor_is_not_set_up_on_an_open_screen(name, client, lan):
    # given
    client.force_login(lan)
    grow_old(client)
    # when, then
    assert path_of(client.get(reverse(name))) == reverse("account_reauthenticate")


def test_whoever_has_a_second_factor_proves_it_by_that_and_not_by_the_password(client, lan):
    # given
    log_in(client)
    secret, _codes = app_set_up(client)
    grow_old(client)
    # when
    asked = client.get(reverse("mfa_add_webauthn"))
    by_password = client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    still = client.get(reverse("mfa_add_webauthn")).status_code
    by_code = client.post(asked.url, {"code": code_of(secret)})
    # then
    assert path_of(asked) == path_of(by_password) == reverse("mfa_reauthenticate")
    assert still == 302
    assert by_code.url == reverse("mfa_add_webauthn")
    assert client.get(by_code.url).status_code == 200


def test_a_wrong_password_proves_nothing_and_is_counted(client, lan):
    # given
    client.force_login(lan)
    grow_old(client)
    asked = client.get(reverse("mfa_activate_totp"))
    # when
    answers = [client.post(asked.url, {"password": "sai"}).content.decode() for _try in range(11)]
    # then
    assert "Mật khẩu chưa đúng" in answers[0]
    assert "Nhập sai quá nhiều lần" in answers[-1]
    assert client.get(reverse("mfa_activate_totp")).status_code == 302


def test_an_account_is_changed_with_a_fresh_proof_and_a_trace(client, lan):
    # given
    client.force_login(superuser_make("quantri", password=PASSWORD))
    there = reverse("admin:orgtree_user_change", args=[lan.pk])
    sent = {"username": "lan", "last_name": "Nguyễn Thị", "first_name": "Lan", "is_superuser": "on", "is_staff": "on", "is_active": "on"}
    grow_old(client)
    # when
    asked = client.post(there, sent)
    before = User.objects.get(pk=lan.pk).is_staff
    client.post(asked.url, {"password": PASSWORD})
    # then
    assert path_of(asked) == reverse("account_reauthenticate")
    assert not before
    after = User.objects.get(pk=lan.pk)
    assert (after.is_staff, after.is_superuser) == (True, False)  # a superuser is made by two people, not by a form
    assert "is_staff" in AuditEvent.objects.get(action="account.changed").detail["fields"]


def test_a_password_is_set_for_somebody_with_a_fresh_proof_and_a_trace(client, lan):
    # given
    client.force_login(superuser_make("quantri", password=PASSWORD))
    there = reverse("admin:auth_user_password_change", args=[lan.pk])
    words = {"password1": "mưa trên núi Chư Yang Sin", "password2": "mưa trên núi Chư Yang Sin", "usable_password": "true"}
    # when
    client.post(there, words)
    unproved = Client()
    unproved.force_login(User.objects.get(username="quantri"))
    grow_old(unproved)
    # then
    assert AuditEvent.objects.get(action="account.password_set").detail == {"user": lan.pk}
    assert log_in(Client(), password=words["password1"]).status_code == 302
    assert path_of(unproved.post(there, words)) == reverse("account_reauthenticate")


def test_who_has_no_way_to_prove_it_is_told_so_and_not_sent_in_circles(client):
    # given
    client.force_login(superuser_make("quantri"))
    grow_old(client)
    # when
    answer = client.get(reverse("mfa_activate_totp"))
    # then
    assert path_of(answer) == reverse("accounts:own")
    assert client.get(answer.url).status_code == 200


def test_a_password_that_somebody_else_set_is_changed_before_anything_else(client, lan):
    # given
    client.force_login(superuser_make("quantri", password=PASSWORD))
    first, own = "mưa trên núi Chư Yang Sin", "nắng trên hồ Ea Kao"
    client.post(reverse("admin:auth_user_password_change", args=[lan.pk]), {"password1": first, "password2": first, "usable_password": "true"})
    new = Client()
    log_in(new, password=first)
    # when
    led = new.get(reverse("registry:unit_tree")).url
    said = new.get(led).content.decode()
    new.post(led, {"oldpassword": first, "password1": own, "password2": own})
    # then
    assert led == reverse("account_change_password")
    assert "quản trị viên đặt" in said
    assert new.get(reverse("registry:unit_tree")).status_code == 200


def test_a_new_account_too(client):
    # given
    client.force_login(superuser_make("quantri"))
    words = {"password1": "mưa trên núi Chư Yang Sin", "password2": "mưa trên núi Chư Yang Sin", "usable_password": "true"}
    # when
    client.post(reverse("admin:orgtree_user_add"), {"username": "moi", "last_name": "Nguyễn", "first_name": "Mới", **words})
    # then
    assert InitialPassword.objects.get().user.username == "moi"
    assert AuditEvent.objects.filter(action="account.made").exists()


def test_a_form_with_passwords_is_not_kept_while_a_proof_is_asked(client, lan):
    # given
    client.force_login(superuser_make("quantri", password=PASSWORD))
    grow_old(client)
    there = reverse("admin:auth_user_password_change", args=[lan.pk])
    # when
    asked = client.post(there, {"password1": "mưa trên núi Chư Yang Sin", "password2": "mưa trên núi Chư Yang Sin"})
    # then
    assert path_of(asked) == reverse("account_reauthenticate")
    assert "Chư Yang Sin" not in str(dict(client.session.items()))
    assert client.post(asked.url, {"password": PASSWORD}).url == there
