"""An operator brings an agency to the hub: sets the line up, finds what is wrong with it, tries it, begins to send, and sees the board move."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from config.embedded.stack import AGENCY, HUB, Stack
from tests import stacks
from tests.journeys.conftest import WIDE, Desk, until

MINUTE = 60_000
CLIENT = "H15-national-hub"


@pytest.fixture
def strangers(tmp_path: Path) -> Iterator[Stack]:
    """Agency and hub, serving; the hub has admitted the agency, and the agency knows nothing of it yet."""
    with Stack(stacks.begin(tmp_path / "var"), durable=False) as running:
        running.seed(introduced=False)
        admit = ("--code", AGENCY.authority, "--name", "Tỉnh Đắk Lắk", "--client-id", CLIENT, "--secret-stdin")
        running.manage(HUB, "hub_agency", *admit, stdin=running.secrets.channel)
        running.serve()
        yield running


@pytest.mark.long
def test_from_nothing_to_the_first_accepted_record(chromium: Browser, strangers: Stack, tmp_path: Path):
    administrator, operator = Desk(chromium, strangers, "quantri"), Desk(chromium, strangers, "tuan")
    page = operator.sign_in()
    # given: a line that an administrator set up, with a client ID that is not quite the one they were given
    administrator.sign_in()
    administrator.page.goto("/exchange/joining/")
    administrator.page.get_by_role("link", name="Thêm kênh kết nối").click()
    fill(administrator.page, base_url=strangers.url(HUB), client_id="H15-national-hud")
    # when: the operator checks it
    page.goto("/exchange/joining/")
    page.get_by_role("button", name="Kiểm tra đường truyền").click()
    wrong = page.get_by_role("row", name="Chưa đúng")
    expect(wrong).to_contain_text("Đối chiếu mã ứng dụng", timeout=MINUTE)
    operator.picture(tmp_path, "line-wrong")
    administrator.page.get_by_role("link", name="Sửa thông tin kênh").click()
    fill(administrator.page, client_id=CLIENT)
    page.get_by_role("button", name="Kiểm tra lại").click()
    expect(page.get_by_role("row", name="Đúng")).to_have_count(4, timeout=MINUTE)
    # and tries it before anything is sent
    page.get_by_role("link", name="Gửi thử").last.click()
    page.get_by_role("button", name="Xem nội dung gửi đi").click()
    page.get_by_role("button", name="Gửi thử").click()
    expect(page.locator("main")).to_contain_text("trùng khớp với nội dung đã gửi", timeout=MINUTE)
    hub = board(chromium, strangers)
    assert standing(hub) == ("có", "0")
    # then: sending begins when they say so, the first record is accepted, and the board moves
    page.goto("/exchange/joining/")
    operator.picture(tmp_path, "line-tried")
    page.get_by_role("button", name="Bắt đầu gửi").click()
    expect(page.get_by_text("Đã bắt đầu gửi")).to_be_visible()
    until(lambda: reloaded(page).get_by_text("Đã có hồ sơ được tiếp nhận").is_visible(), "the first accepted record")
    until(lambda: int(standing(reloaded(hub))[1].split()[0].replace(".", "")) > 0, "a file on the board")
    operator.picture(tmp_path, "line-sending")
    assert operator.troubles == administrator.troubles == []


def fill(page: Page, **fields: str) -> None:
    """The admin's form of a channel, as it comes: what is not named stays as it was proposed."""
    for name, value in fields.items():
        page.locator(f"input[name={name}]").fill(value)
    page.get_by_role("button", name="Lưu", exact=True).click()
    expect(page.get_by_role("heading", name="Kết nối với nền tảng quốc gia")).to_be_visible()


def board(browser: Browser, stack: Stack) -> Page:
    """The hub's progress board, before its operator."""
    page = browser.new_context(base_url=stack.url(HUB), viewport=WIDE).new_page()
    page.goto("/exchange/board/")
    page.get_by_label("Tên đăng nhập").fill(stack.hub_login)
    page.get_by_label("Mật khẩu").fill(stack.demo()["password"])
    page.get_by_role("button", name="Đăng nhập", exact=True).click()
    return page


def standing(page: Page) -> tuple[str, str]:
    """Whether the agency's trial has passed, and how many files were received, as the board says."""
    row = page.locator("tr", has=page.locator("td.hs-lead", has_text=AGENCY.authority))
    return row.locator("td").nth(3).inner_text().strip(), row.locator("td").nth(4).inner_text().strip()


def reloaded(page: Page) -> Page:
    page.reload()
    return page
