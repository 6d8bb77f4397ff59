"""The commune's own messy list, from the first look to a submitted request: columns, repairs, who is who, the grid, by clicking and typing."""

from __future__ import annotations

import re
from pathlib import Path

import openpyxl
import pytest
from playwright.sync_api import Browser, Page, expect

from config.demo import messy
from config.embedded.stack import Stack
from tests.journeys.conftest import Desk

MINUTE = 60_000
LISTED = messy.NEW + messy.CHANGED + 1


@pytest.fixture(scope="module")
def workbook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("messy") / messy.NAME
    messy.workbook_write(path)
    return path


def test_a_messy_list_becomes_a_clean_request(chromium: Browser, stack: Stack, workbook: Path, tmp_path: Path):
    clerk = Desk(chromium, stack, "lan")
    page = clerk.sign_in()
    send(page, workbook)
    match_the_columns(clerk, tmp_path)
    repair_by_cause(clerk, tmp_path)
    say_who_it_is(clerk, tmp_path)
    give_the_reason(clerk, tmp_path)
    correct_the_cell(clerk, tmp_path)
    submit(clerk, tmp_path)
    the_next_file_knows(page, workbook, tmp_path)
    assert clerk.troubles == []


def send(page: Page, workbook: Path) -> None:
    page.get_by_role("main").get_by_role("link", name="Nạp bảng tính").click()
    page.locator("input[type=file]").set_input_files(workbook)
    page.get_by_role("button", name="Nạp và kiểm tra").click()


def match_the_columns(clerk: Desk, pictures: Path) -> None:
    page = clerk.page
    expect(page.get_by_role("button", name="Đi tiếp với các cột này")).to_be_visible(timeout=MINUTE)
    doubtful = page.locator("tr.hs-doubt")
    expect(doubtful).to_have_count(1)
    expect(doubtful).to_contain_text("Nơi ở hiện nai")
    clerk.picture(pictures, "upload-columns")
    page.get_by_role("button", name="Đi tiếp với các cột này").click()
    figures(page, "Số dòng đã đọc", LISTED)
    expect(page.get_by_role("main")).to_contain_text("ngày viết kiểu dd.mm.yyyy")


def figures(page: Page, label: str, count: int) -> None:
    expect(page.locator(".hs-figures div", has_text=label).locator("dd")).to_have_text(str(count), timeout=MINUTE)


def repair_by_cause(clerk: Desk, pictures: Path) -> None:
    """Two decisions, each shown before it is made; the first one is taken back and made again."""
    page = clerk.page
    page.locator(".hs-todo").get_by_role("link", name=re.compile("dd.mm.yyyy")).click()
    clerk.picture(pictures, "upload-effect")
    page.get_by_role("button", name=re.compile("^Sửa [0-9]+ ô")).click()
    repaired = page.locator("section", has=page.get_by_role("heading", name="Đã sửa", exact=True))
    repaired.locator("li", has_text="Ngày sinh").get_by_role("button", name="Hoàn tác").click()
    page.get_by_role("link", name=re.compile("dd.mm.yyyy")).first.click()
    page.get_by_role("button", name=re.compile("^Sửa [0-9]+ ô")).click()
    page.get_by_role("link", name=re.compile("mất chữ số 0")).first.click()
    expect(page.locator("#effect")).to_contain_text("Hãy đối chiếu giấy tờ trước")
    page.get_by_role("button", name=re.compile("^Sửa [0-9]+ ô")).click()
    expect(page.get_by_role("link", name=re.compile("mất chữ số 0"))).to_have_count(0)


def say_who_it_is(clerk: Desk, pictures: Path) -> None:
    page = clerk.page
    page.get_by_role("link", name=re.compile("^Ai là ai")).click()
    expect(page.locator("fieldset.hs-who")).to_have_count(1)
    clerk.picture(pictures, "upload-who")
    page.get_by_role("radio").first.check()
    page.get_by_role("button", name="Lưu lựa chọn").click()
    expect(page.get_by_text("Không có dòng nào phải xác định.")).to_be_visible()


def give_the_reason(clerk: Desk, pictures: Path) -> None:
    """The number on the new card overwrites one that was signed."""
    page = clerk.page
    page.get_by_role("link", name="Sẽ thay đổi gì").click()
    expect(page.get_by_role("main")).to_contain_text("cần lý do")
    clerk.picture(pictures, "upload-reason")
    page.get_by_label("Lý do").fill("Thẻ căn cước cấp lại ngày 05/01/2026")
    page.get_by_role("button", name="Ghi lý do").click()
    expect(page.get_by_role("main")).to_contain_text("Thẻ căn cước cấp lại")
    expect(page.get_by_role("main")).not_to_contain_text("cần lý do")


def correct_the_cell(clerk: Desk, pictures: Path) -> None:
    """By keyboard alone, once the cell is chosen."""
    page = clerk.page
    page.get_by_role("link", name=re.compile("^Sửa từng ô")).click()
    cell = page.get_by_role("gridcell", name="xem sổ")
    cell.click()
    expect(page.locator("[data-grid-said]")).to_contain_text("không phải là số điện thoại")
    clerk.picture(pictures, "upload-grid")
    cell.focus()
    page.keyboard.type("0905123456")
    page.keyboard.press("Enter")
    expect(page.locator("[data-grid-status]")).to_have_text("Đã lưu")
    expect(page.locator("[data-left]")).to_have_text("0")
    expect(page.locator("tbody tr").first).to_have_attribute("data-state", "staged")
    # taken back and made again
    page.keyboard.press("Control+z")
    expect(page.locator("[data-left]")).to_have_text("1")
    page.get_by_role("gridcell", name="xem sổ").focus()
    page.keyboard.press("Delete")
    expect(page.locator("[data-left]")).to_have_text("0")


def submit(clerk: Desk, pictures: Path) -> None:
    page = clerk.page
    page.get_by_role("link", name="Sẽ thay đổi gì").click()
    expect(page.locator("tbody tr").first).to_be_visible()
    clerk.picture(pictures, "upload-changes")
    page.get_by_role("link", name="Kết quả", exact=True).click()
    figures(page, "Chấp nhận", LISTED)
    clerk.picture(pictures, "upload-ready")
    page.get_by_role("button", name="Trình duyệt").click()
    expect(page.get_by_text("Đã trình duyệt. Người phê duyệt")).to_be_visible()


def the_next_file_knows(page: Page, workbook: Path, folder: Path) -> None:
    """The same headings and dates again: no question about columns, the dates are repaired, only the numbers are shown first."""
    book = openpyxl.load_workbook(workbook)
    book.active.cell(messy.FIRST_ROW, 12).value = "Thôn 1, xã Ea Knốp"
    book.save(folder / "lan-hai.xlsx")
    page.goto("/")
    send(page, folder / "lan-hai.xlsx")
    figures(page, "Số dòng đã đọc", LISTED)
    expect(page.locator(".hs-todo")).not_to_contain_text("dd.mm.yyyy")
    expect(page.locator(".hs-todo")).to_contain_text("số bị mất chữ số 0")
