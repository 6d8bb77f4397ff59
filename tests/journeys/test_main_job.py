"""The main job by clicking: a clerk's workbook, the approver's signature, and the hub's receipt back on the person's page.

With HOSO_SCREENSHOTS=1 the pictures of the README are made anew in docs/screenshots.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from config.embedded.stack import ROOT, Stack
from tests.journeys.conftest import PATIENCE, Desk, SigningAgent, signing_agent, until

WORKBOOK = ROOT / "demo" / "xa-ea-knop.xlsx"
READ, ACCEPTED, RETURNED = 200, 188, 12
MINUTE = 60_000


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ROOT / "docs" / "screenshots" if os.environ.get("HOSO_SCREENSHOTS") else tmp_path_factory.mktemp("pictures")


@pytest.fixture
def agent(stack: Stack, tmp_path: Path) -> Iterator[SigningAgent]:
    with signing_agent(stack, "minh", tmp_path) as running:
        yield running


def test_the_main_job(chromium: Browser, stack: Stack, agent: SigningAgent, pictures: Path, tmp_path: Path):
    # given: two people at two browsers
    clerk, approver = Desk(chromium, stack, "lan"), Desk(chromium, stack, "minh")
    clerk.sign_in()
    # when
    send_the_workbook(clerk, pictures)
    assert repairs_asked_for(clerk.page, tmp_path) == RETURNED
    submit(clerk, pictures)
    approver.sign_in()
    look_at_what_would_change(approver, pictures)
    sign(approver, agent, pin=stack.demo()["pin"], pictures=pictures)
    # then
    expect(approver.page.locator("main")).to_contain_text("Đã cập nhật", timeout=MINUTE)
    look_up_the_receipt(clerk, pictures)
    assert clerk.troubles == approver.troubles == []


def send_the_workbook(clerk: Desk, pictures: Path) -> None:
    page = clerk.page
    page.get_by_role("main").get_by_role("link", name="Nạp bảng tính").click()
    page.locator("input[type=file]").set_input_files(WORKBOOK)
    expect(page.get_by_text(WORKBOOK.name)).to_be_visible()
    page.get_by_role("button", name="Nạp và kiểm tra").click()
    # The page finds out by itself when the worker is done.
    expect(page.get_by_text("Số dòng đã đọc")).to_be_visible(timeout=MINUTE)
    figures = page.locator(".hs-figures")
    for label, count in (("Số dòng đã đọc", READ), ("Chấp nhận", ACCEPTED), ("Dòng trả lại", RETURNED)):
        expect(figures.locator("div", has_text=label)).to_contain_text(str(count))
    expect(page.get_by_role("main")).to_contain_text("Các cột không được đọc: A “TT”")
    clerk.picture(pictures, "upload")


def repairs_asked_for(page: Page, folder: Path) -> int:
    """Rows of the downloaded workbook, each with what to repair."""
    with page.expect_download() as download:
        page.get_by_role("link", name="Tải dòng trả lại").click()
    path = folder / "returned.xlsx"
    download.value.save_as(path)
    rows = list(openpyxl.load_workbook(path).active.iter_rows(min_row=2, max_col=2, values_only=True))
    assert all(isinstance(number, int) and reason for number, reason in rows)
    return len(rows)


def submit(clerk: Desk, pictures: Path) -> None:
    clerk.page.get_by_role("button", name="Trình duyệt").click()
    expect(clerk.page.get_by_text("Đã trình duyệt. Người phê duyệt")).to_be_visible()
    expect(clerk.page.get_by_role("button", name="Phê duyệt và ký số")).to_have_count(0)


def look_at_what_would_change(approver: Desk, pictures: Path) -> None:
    page = approver.page
    page.reload()
    expect(page.get_by_role("heading", name="Chờ tôi phê duyệt")).to_be_visible()
    approver.picture(pictures, "home")
    page.get_by_role("link", name=re.compile(WORKBOOK.name)).click()
    records = page.locator("section", has=page.get_by_role("heading", name="Trước và sau")).locator("details.hs-item")  # without what stands out
    expect(records).to_have_count(50)
    page.get_by_role("link", name="50 hồ sơ tiếp theo").click()
    expect(records).to_have_count(50)
    page.go_back()
    changed = page.locator("details.hs-item", has=page.locator("summary", has_text="Số điện thoại")).first
    changed.locator("summary").click()
    expect(changed.locator("del")).to_be_visible()
    expect(changed.locator("ins")).to_be_visible()
    approver.picture(pictures, "request")


def sign(approver: Desk, agent: SigningAgent, *, pin: str, pictures: Path) -> None:
    page = approver.page
    page.get_by_role("button", name="Phê duyệt và ký số").click()
    expect(page.locator("dl div", has_text="Số hồ sơ phê duyệt")).to_contain_text(str(ACCEPTED))
    approver.picture(pictures, "sign")
    with approver.context.expect_page() as opened:
        page.get_by_role("button", name="Ký số", exact=True).click()
    window = opened.value
    window.get_by_label("Mã ghép nối").fill(agent.pairing_code())
    window.get_by_role("button", name="Ghép nối").click()
    expect(window.get_by_text(f"{ACCEPTED} trên {ACCEPTED}")).to_be_visible()
    window.get_by_label("Mã PIN").fill(pin)
    window.get_by_role("button", name="Ký số", exact=True).click()
    expect(page.get_by_text("Đã phê duyệt và ký số. Thay đổi đang được cập nhật.")).to_be_visible(timeout=MINUTE)


def look_up_the_receipt(clerk: Desk, pictures: Path) -> None:
    """The person whose telephone number the workbook changed, found without accents."""
    page = clerk.page
    page.reload()
    name = page.locator("summary", has_text="Số điện thoại").first.locator("strong").inner_text()
    page.get_by_role("link", name="Hồ sơ", exact=True).click()
    page.get_by_role("searchbox").fill(without_accents(name))
    with page.expect_navigation():
        page.get_by_role("button", name="Tìm", exact=True).click()
    newest = open_the_changed_one(page, name)
    until(lambda: page.reload() and "biên nhận" in newest.inner_text(), f"the hub's receipt within {PATIENCE} seconds")
    expect(newest).to_contain_text("Đã nhận")
    expect(newest).to_contain_text("Trần Quang Minh")
    expect(page.get_by_role("main")).not_to_contain_text(re.compile(r"\b[0-9]{12}\b"))  # the citizen number is masked
    clerk.picture(pictures, "person")


def open_the_changed_one(page: Page, name: str) -> Locator:
    """People share names: of those who do, the one whose file has a second version."""
    namesakes = page.get_by_role("link", name=name, exact=True)
    newest = page.locator("details.hs-item").first
    for place in range(namesakes.count()):
        namesakes.nth(place).click()
        expect(newest).to_contain_text("Phiên bản")
        if "Phiên bản 2" in newest.inner_text():
            return newest
        page.go_back()
    raise AssertionError(f"no {name} has a second version")


def without_accents(name: str) -> str:
    from orgtree.text import plain

    return plain(name)
