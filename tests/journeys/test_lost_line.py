"""What somebody types into a file survives a line that is down, and a session that ended in another window."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from config.embedded.stack import Stack
from tests.journeys.conftest import Desk

pytestmark = pytest.mark.long


def test_what_is_typed_is_saved_when_the_line_or_the_session_is_back(chromium: Browser, stack: Stack):
    # given a draft of one's own
    clerk = Desk(chromium, stack, "lan")
    page = clerk.sign_in()
    page.goto("/mine/")
    page.get_by_role("link", name="Kê khai thay đổi").first.click()
    phone, state = page.get_by_label("Số điện thoại"), page.locator("#draft-state")
    # when the line is down: the page says so, and saves by itself when it is back
    clerk.context.set_offline(True)
    phone.fill("0987111222")
    expect(state).to_contain_text("mất kết nối")
    clerk.context.set_offline(False)
    expect(state).to_contain_text("Bản nháp lúc", timeout=15_000)
    # when somebody logs out in another window: nothing is lost, and it is said how to come back
    other = clerk.context.new_page()
    log_out(other)
    phone.fill("0987333444")
    expect(state).to_contain_text("bạn đã bị đăng xuất")
    clerk.page = other
    clerk.sign_in()
    other.close()
    page.bring_to_front()
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    # then
    expect(state).to_contain_text("Bản nháp lúc", timeout=15_000)
    page.reload()
    expect(phone).to_have_value("0987333444")
    page.get_by_role("button", name="Xem lại và gửi").click()
    page.get_by_text("Bỏ bản nháp").click()
    page.get_by_role("button", name="Bỏ hẳn").click()
    expect(page.get_by_text("Đã bỏ bản nháp")).to_be_visible()


def log_out(page: Page) -> None:
    page.goto("/mine/")
    page.evaluate("fetch('/logout/', {method: 'POST', body: new FormData(document.querySelector('form:has([name=csrfmiddlewaretoken])'))})")
    page.goto("/staff/")
    expect(page.get_by_label("Mật khẩu")).to_be_visible()
