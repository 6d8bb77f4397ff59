"""One person's file by hand: three sections, a row added by keyboard, a mistake seen and repaired, then another person signs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from config.embedded.stack import Stack
from tests.journeys.conftest import Desk, SigningAgent, signing_agent

MINUTE = 60_000


@pytest.fixture
def agent(stack: Stack, tmp_path: Path) -> Iterator[SigningAgent]:
    with signing_agent(stack, "minh", tmp_path) as running:
        yield running


def test_a_file_is_brought_up_to_date(chromium: Browser, stack: Stack, agent: SigningAgent, tmp_path: Path):
    # given
    clerk, approver = Desk(chromium, stack, "lan"), Desk(chromium, stack, "minh")
    clerk.sign_in()
    name = open_a_file(clerk.page)
    # when
    telephone(clerk, tmp_path)
    degree(clerk, tmp_path)
    height(clerk.page)
    send(clerk, tmp_path)
    approver.sign_in()
    sign(approver, agent, name, stack.demo()["pin"])
    # then
    expect(approver.page.locator("main")).to_contain_text("Đã cập nhật", timeout=MINUTE)
    clerk.page.goto(clerk.page.url)
    expect(clerk.page.locator("main")).to_contain_text("Đại học Tây Nguyên")
    assert clerk.troubles == approver.troubles == []


def open_a_file(page: Page) -> str:
    page.get_by_role("link", name="Hồ sơ", exact=True).click()
    last = page.locator("td.hs-lead a").last
    name = last.inner_text()
    last.click()
    page.get_by_role("main").get_by_role("link", name="Đề nghị cập nhật hồ sơ").click()
    page.get_by_role("link", name="Cập nhật biến động").click()
    return name


def telephone(clerk: Desk, pictures: Path) -> None:
    """A mistake is told while one goes on typing, and is gone when it is repaired."""
    page = clerk.page
    field = page.get_by_label("Số điện thoại")
    field.fill("12")
    page.keyboard.press("Tab")
    expect(page.get_by_text("12 không phải là số điện thoại")).to_be_visible()
    expect(field).to_have_attribute("aria-invalid", "true")
    clerk.picture(pictures, "mistake")
    field.fill("0987654321")
    page.keyboard.press("Tab")
    expect(page.get_by_text("không phải là số điện thoại")).to_have_count(0)
    expect(page.locator("#draft-state")).to_contain_text(re.compile("Bản nháp lúc .*, chưa gửi"))


def degree(clerk: Desk, pictures: Path) -> None:
    """A row by keyboard alone."""
    page = clerk.page
    page.get_by_role("link", name="Đào tạo, bồi dưỡng").click()
    page.get_by_role("button", name=re.compile("Thêm dòng.*Bằng cấp")).press("Enter")
    expect(page.get_by_label("Từ").last).to_be_focused()
    for text in ("9/2005", "6/2009", "Đại học Tây Nguyên", "Luật"):
        page.keyboard.type(text)
        page.keyboard.press("Tab")
    page.get_by_label("Trình độ").last.select_option(label="Cử nhân (Đại học)")
    expect(page.locator(".ed-nav [aria-current] .ed-count")).to_have_text("Thay đổi: 1")
    clerk.picture(pictures, "row")


def height(page: Page) -> None:
    page.get_by_role("link", name="Sức khỏe").click()
    page.get_by_label("Chiều cao").fill("165")
    page.get_by_role("button", name="Xem lại và gửi").click()


def send(clerk: Desk, pictures: Path) -> None:
    page = clerk.page
    expect(page.locator(".hs-diff").first).to_contain_text("Đại học Tây Nguyên")
    expect(page.get_by_label("Các bước tiếp theo")).to_contain_text("Trần Quang Minh")
    clerk.picture(pictures, "review")
    page.get_by_role("button", name="Trình duyệt").click()
    expect(page.get_by_text("Đã trình duyệt. Người phê duyệt")).to_be_visible()


def sign(approver: Desk, agent: SigningAgent, name: str, pin: str) -> None:
    page = approver.page
    page.get_by_role("link", name=f"Cập nhật biến động hồ sơ {name}").first.click()
    page.get_by_role("button", name="Phê duyệt và ký số").click()
    with approver.context.expect_page() as opened:
        page.get_by_role("button", name="Ký số", exact=True).click()
    window = opened.value
    window.get_by_label("Mã ghép nối").fill(agent.pairing_code())
    window.get_by_role("button", name="Ghép nối").click()
    window.get_by_label("Mã PIN").fill(pin)
    window.get_by_role("button", name="Ký số", exact=True).click()
    expect(page.get_by_text("Đã phê duyệt và ký số. Thay đổi đang được cập nhật.")).to_be_visible(timeout=MINUTE)
