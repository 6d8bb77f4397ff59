"""One person's file by hand: three sections, a row added by keyboard, a mistake seen and repaired, the decision attached; another person
looks, approves and signs; then the file as of a day shows before and after, and the read log who has seen it.

With HOSO_SCREENSHOTS=1 the pictures of the handbook are made anew in docs/screenshots/handbook.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from config.embedded.stack import Stack
from tests.journeys.conftest import Desk, SigningAgent, signing_agent
from tests.pictures import png

MINUTE = 60_000
SCHOOL = "Đại học Tây Nguyên"


@pytest.fixture
def agent(stack: Stack, tmp_path: Path) -> Iterator[SigningAgent]:
    with signing_agent(stack, "minh", tmp_path) as running:
        yield running


def test_a_file_is_brought_up_to_date(chromium: Browser, stack: Stack, agent: SigningAgent, handbook: Path, tmp_path: Path):
    # given
    clerk, approver, auditor = (Desk(chromium, stack, login) for login in ("lan", "minh", "thu"))
    clerk.sign_in()
    name, file = open_a_file(clerk.page)
    # when
    telephone(clerk, handbook)
    degree(clerk, handbook)
    height(clerk.page)
    request = send(clerk, handbook, tmp_path)
    approver.sign_in()
    look(approver, request)
    sign(approver, agent, stack.demo()["pin"])
    # then
    expect(approver.page.locator("main")).to_contain_text("Đã cập nhật", timeout=MINUTE)
    the_day_before_and_today(clerk, file, handbook)
    auditor.sign_in()
    both_have_read(auditor, name, file, handbook)
    assert clerk.troubles == approver.troubles == auditor.troubles == []


def open_a_file(page: Page) -> tuple[str, str]:
    """The name, which others may bear, and the address of the file, which is this person's alone."""
    page.get_by_role("link", name="Hồ sơ", exact=True).click()
    last = page.locator("td.hs-lead a").last
    name, file = last.inner_text(), last.get_attribute("href") or ""
    last.click()
    page.get_by_role("main").get_by_role("link", name="Đề nghị cập nhật hồ sơ").click()
    page.get_by_role("link", name="Cập nhật biến động").click()
    return name, file


def telephone(clerk: Desk, handbook: Path) -> None:
    """A mistake is told while one goes on typing, and is gone when it is repaired."""
    page = clerk.page
    field = page.get_by_label("Số điện thoại")
    field.fill("12")
    page.keyboard.press("Tab")
    expect(page.get_by_text("12 không phải là số điện thoại")).to_be_visible()
    expect(field).to_have_attribute("aria-invalid", "true")
    clerk.picture(handbook, "file-edit")
    field.fill("0987654321")
    page.keyboard.press("Tab")
    expect(page.get_by_text("không phải là số điện thoại")).to_have_count(0)
    expect(page.locator("#draft-state")).to_contain_text(re.compile("Bản nháp lúc .*, chưa gửi"))


def degree(clerk: Desk, handbook: Path) -> None:
    """A row by keyboard alone."""
    page = clerk.page
    page.get_by_role("link", name="Đào tạo, bồi dưỡng").click()
    page.get_by_role("button", name=re.compile("Thêm dòng.*Bằng cấp")).press("Enter")
    expect(page.get_by_label("Từ").last).to_be_focused()
    for text in ("9/2005", "6/2009", SCHOOL, "Luật"):
        page.keyboard.type(text)
        page.keyboard.press("Tab")
    page.get_by_label("Trình độ").last.select_option(label="Cử nhân (Đại học)")
    expect(page.locator(".ed-nav [aria-current] .ed-count")).to_have_text("Thay đổi: 1")
    clerk.picture(handbook, "file-row")


def height(page: Page) -> None:
    page.get_by_role("link", name="Sức khỏe").click()
    page.get_by_label("Chiều cao").fill("165")
    page.get_by_role("button", name="Xem lại và gửi").click()


def send(clerk: Desk, handbook: Path, folder: Path) -> str:
    """The request is made first, the scanned decision attached to it, then it is submitted. Returns its address."""
    page = clerk.page
    expect(page.locator(".hs-diff").first).to_contain_text(SCHOOL)
    expect(page.get_by_label("Các bước tiếp theo")).to_contain_text("Trần Quang Minh")
    clerk.picture(handbook, "file-review")
    page.get_by_role("button", name="Lập đề nghị, đính kèm giấy tờ, trình sau").click()
    papers = page.locator("#evidence")
    papers.locator("input[type=file]").set_input_files(scan(folder))
    papers.get_by_role("button", name="Đính kèm").click()
    expect(papers.get_by_text("quyet-dinh.png", exact=True)).to_be_visible()
    clerk.picture(handbook, "file-request")
    page.get_by_role("button", name="Trình duyệt", exact=True).click()
    expect(page.get_by_text("Đã trình duyệt. Người phê duyệt")).to_be_visible()
    expect(papers.locator("input[type=file]")).to_have_count(0)  # from now on the papers are frozen with the request
    return page.url


def scan(folder: Path) -> Path:
    """A picture such as a scanner makes."""
    path = folder / "quyet-dinh.png"
    path.write_bytes(png(width=300, height=400))
    return path


def look(approver: Desk, request: str) -> None:
    """The approver finds the request among what waits, with the paper beside the change."""
    page = approver.page
    page.locator(f'a[href="{urlsplit(request).path}"]').first.click()
    paper = page.get_by_role("img", name="quyet-dinh.png")
    paper.scroll_into_view_if_needed()
    expect(paper).to_have_js_property("naturalWidth", 300)  # it can be seen, and is not only named
    expect(page.locator("main")).to_contain_text(SCHOOL)


def sign(approver: Desk, agent: SigningAgent, pin: str) -> None:
    page = approver.page
    page.get_by_role("button", name="Phê duyệt và ký số").click()
    with approver.context.expect_page() as opened:
        page.get_by_role("button", name="Ký số", exact=True).click()
    window = opened.value
    window.get_by_label("Mã ghép nối").fill(agent.pairing_code())
    window.get_by_role("button", name="Ghép nối").click()
    window.get_by_label("Mã PIN").fill(pin)
    window.get_by_role("button", name="Ký số", exact=True).click()
    expect(page.get_by_text("Đã phê duyệt và ký số. Thay đổi đang được cập nhật.")).to_be_visible(timeout=MINUTE)


def the_day_before_and_today(clerk: Desk, file: str, handbook: Path) -> None:
    """On a day before the degree was taken the file does not have it; today it does; and the version says who approved it."""
    page = clerk.page
    page.goto(file)
    expect(page.get_by_role("main")).to_contain_text(SCHOOL)
    expect(page.locator("details.hs-item").first).to_contain_text("Trần Quang Minh")
    clerk.picture(handbook, "file")
    page.get_by_role("link", name="Xem theo ngày").click()
    page.get_by_label("Có hiệu lực ngày").fill("2008-01-01")
    page.get_by_role("button", name="Xem", exact=True).click()
    degrees = page.locator("#education tr", has_text="Bằng cấp")
    expect(degrees.locator("ins")).to_contain_text(SCHOOL)
    expect(degrees.locator("del")).to_have_count(0)
    clerk.picture(handbook, "file-past")


def both_have_read(auditor: Desk, name: str, file: str, handbook: Path) -> None:
    page = auditor.page
    page.get_by_role("link", name="Nhật ký truy cập").click()
    page.get_by_label("Người hoặc hồ sơ").fill(name)
    page.get_by_role("button", name="Tìm", exact=True).click()
    lines = page.locator("tbody tr", has=page.locator(f'a[href="{file}"]'))
    for who in ("Nguyễn Thị Lan", "Trần Quang Minh"):
        expect(lines.filter(has_text=who).first).to_be_visible()
    auditor.picture(handbook, "read-log")
