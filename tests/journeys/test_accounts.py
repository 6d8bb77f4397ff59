"""Accounts by clicking: a supervisor sets up the authenticator app, leaves, comes back with a code, and signs after a fresh proof; an
auditor comes in by a passkey alone.

Afterwards the accounts are as they were: other journeys sign in as the same people with the password alone.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from playwright.sync_api import Browser, Page, expect

from config.embedded.roles import AGENCY
from config.embedded.stack import Stack
from tests.journeys.conftest import Desk, SigningAgent, signing_agent

MINUTE = 60_000
TITLE = "Đổi số điện thoại (hành trình tài khoản)"
# One request of Lan's that waits for Minh; the change itself is not what this journey is about.
SUBMIT = f"""
from orgtree.models import User
from registry.models import StaffProfile
from workflows.services.staging import Proposal, request_stage
from workflows.services.submission import request_submit
lan = User.objects.get(username="lan")
unit = lan.grants.get().unit
one = StaffProfile.objects.filter(using_unit__tree_id=unit.tree_id, using_unit__lft__range=(unit.lft, unit.rght)).order_by("pk")[3]
proposal = Proposal(kind="staff_profile", key=one.pk, patch={{"phone": "0912345670"}}, base_version=one.version)
request_submit(actor=lan, request_id=request_stage(actor=lan, unit=unit, title="{TITLE}", proposals=[proposal]).request.pk)
"""
GROW_OLD = """
from django.contrib.sessions.backends.db import SessionStore
from allauth.usersessions.models import UserSession
for one in UserSession.objects.filter(user__username="minh"):
    session = SessionStore(one.session_key)
    session["proved_at"], session["account_authentication_methods"] = 0, []
    session.save()
"""
AS_BEFORE = """
from allauth.mfa.models import Authenticator
Authenticator.objects.filter(user__username="minh").delete()
"""

FINGER = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def agent(stack: Stack, tmp_path: Path) -> Iterator[SigningAgent]:
    with signing_agent(stack, "minh", tmp_path) as running:
        yield running


@pytest.fixture
def _as_before(stack: Stack) -> Iterator[None]:
    stack.manage(AGENCY, "shell", "--no-imports", "-c", SUBMIT)
    yield
    stack.manage(AGENCY, "shell", "--no-imports", "-c", AS_BEFORE)


@pytest.mark.usefixtures("_as_before")
def test_a_second_factor_and_a_signature(chromium: Browser, stack: Stack, agent: SigningAgent, tmp_path: Path):
    # given
    desk = Desk(chromium, stack, "minh")
    page = desk.sign_in()
    # when
    secret = set_up_the_app(desk, tmp_path)
    leave(page)
    come_back_with_a_code(desk, secret, tmp_path)
    stack.manage(AGENCY, "shell", "--no-imports", "-c", GROW_OLD)
    open_the_request(page)
    prove_who_one_is(desk, secret, tmp_path)
    sign(desk, agent, stack.demo()["pin"])
    # then
    expect(page.locator("main")).to_contain_text("Đã cập nhật", timeout=MINUTE)
    assert desk.troubles == []


def code(secret: str, *, steps: int) -> str:
    """The app's code `steps` half minutes from now: each is good once, and three are right at any moment."""
    return format_hotp_value(hotp_value(secret, int(time.time() // 30) + steps))


def set_up_the_app(desk: Desk, pictures: Path) -> str:
    page = desk.page
    page.locator(".hs-user summary").click()
    page.get_by_role("link", name="Tài khoản của tôi").click()
    page.get_by_role("link", name="Cài đặt").click()
    page.get_by_text("Không quét được?").click()
    secret = "".join(page.locator(".hs-key span").all_text_contents())
    desk.picture(pictures, "app")
    page.get_by_label("Mã", exact=True).fill("000000")
    page.get_by_role("button", name="Xác nhận").click()
    expect(page.get_by_role("alert")).to_contain_text("Mã không đúng")
    page.get_by_label("Mã", exact=True).fill(code(secret, steps=0))
    page.get_by_role("button", name="Xác nhận").click()
    expect(page.locator(".hs-codes li")).to_have_count(10)
    desk.picture(pictures, "codes")
    page.get_by_role("link", name="Tôi đã cất giữ").click()
    return secret


def leave(page: Page) -> None:
    page.locator(".hs-user summary").click()
    page.get_by_role("button", name="Đăng xuất").click()
    page.get_by_role("link", name="Đăng nhập lại").click()


def come_back_with_a_code(desk: Desk, secret: str, pictures: Path) -> None:
    page = desk.page
    page.get_by_label("Tên đăng nhập").fill(desk.name)
    page.get_by_label("Mật khẩu").fill(desk.stack.demo()["password"])
    page.keyboard.press("Enter")
    expect(page.get_by_label("Mã")).to_be_visible()
    desk.picture(pictures, "code")
    page.get_by_label("Mã").fill(code(secret, steps=0))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Việc của tôi")).to_be_visible()


def open_the_request(page: Page) -> None:
    page.get_by_role("link", name=TITLE).first.click()
    page.get_by_role("button", name="Phê duyệt và ký số").click()


def prove_who_one_is(desk: Desk, secret: str, pictures: Path) -> None:
    page = desk.page
    expect(page.get_by_role("heading", name="Xác nhận chính là bạn")).to_be_visible()
    desk.picture(pictures, "proof")
    page.get_by_label("Mã").fill(code(secret, steps=1))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Ký số và phê duyệt")).to_be_visible()


def sign(desk: Desk, agent: SigningAgent, pin: str) -> None:
    page = desk.page
    with desk.context.expect_page() as opened:
        page.get_by_role("button", name="Ký số", exact=True).click()
    window = opened.value
    window.get_by_label("Mã ghép nối").fill(agent.pairing_code())
    window.get_by_role("button", name="Ghép nối").click()
    window.get_by_label("Mã PIN").fill(pin)
    window.get_by_role("button", name="Ký số", exact=True).click()
    expect(page.get_by_text("Đã phê duyệt và ký số. Thay đổi đang được cập nhật.")).to_be_visible(timeout=MINUTE)


def test_a_passkey_opens_the_account_alone(chromium: Browser, stack: Stack, tmp_path: Path):
    # given: a machine that knows its owner's finger; passkeys belong to a host's name, and an address of numbers has none
    by_name = SimpleNamespace(url=lambda role: stack.url(role).replace("127.0.0.1", "localhost"), demo=stack.demo)
    desk = Desk(chromium, by_name, "thu")
    machine = desk.context.new_cdp_session(desk.page)
    machine.send("WebAuthn.enable")
    machine.send("WebAuthn.addVirtualAuthenticator", {"options": FINGER})
    page = desk.sign_in()
    # when
    page.goto("/account/passkeys/add/")
    page.get_by_label("Tên").fill("Máy cơ quan")
    desk.picture(tmp_path, "passkey")
    page.get_by_role("button", name="Thêm khóa truy cập này").click()
    expect(page.locator(".hs-codes li")).to_have_count(10)
    page.get_by_role("link", name="Tôi đã cất giữ").click()
    leave(page)
    page.get_by_role("button", name="Đăng nhập bằng khóa truy cập").click()
    # then
    expect(page.get_by_role("heading", name="Việc của tôi")).to_be_visible()
    page.goto("/account/")
    page.locator("li", has_text="Máy cơ quan").get_by_role("link", name="Gỡ").click()
    page.get_by_role("button", name="Gỡ").click()
    expect(page.get_by_text("Đã gỡ khóa truy cập.")).to_be_visible()
    expect(page.get_by_text("Máy cơ quan")).to_have_count(0)
    assert desk.troubles == []
