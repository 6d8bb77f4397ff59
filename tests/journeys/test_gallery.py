"""Every page about people as it is seen at 1280 and at 390 pixels: nothing is wider than the screen, and no script complains.

With HOSO_SCREENSHOTS=1 these are the pictures of the handbook (docs/screenshots/handbook).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from config.embedded.stack import Stack
from tests.journeys.conftest import Desk

pytestmark = pytest.mark.long


@pytest.fixture
def desks(chromium: Browser, stack: Stack) -> Iterator[dict[str, Desk]]:
    """A clerk, an officer, an administrator and an auditor, signed in; at the end none of their browsers has complained."""
    people = {login: Desk(chromium, stack, login) for login in ("lan", "hoa", "quantri", "thu")}
    for desk in people.values():
        desk.sign_in()
    yield people
    assert {login: desk.troubles for login, desk in people.items()} == {login: [] for login in people}


def test_pages_of_one_person(desks: dict[str, Desk], handbook: Path):
    desk, page = desks["lan"], desks["lan"].page
    page.goto("/staff/")
    file = page.locator("td.hs-lead a").first.get_attribute("href") or ""
    for name, address in {
        "file-page": file,
        "file-begin": f"{file}edit/",
        "file-pay": f"{file}edit/record/pay/",
        "file-print": f"{file}print/",
        "file-photo": f"{file}photo/",
        "file-marks": f"{file}marks/",
        "file-old-cards": f"{file}old-cards/",
        "mine": "/mine/",
    }.items():
        shown(desk, handbook, name, address)


def test_a_file_begun_by_hand(desks: dict[str, Desk], handbook: Path):
    """By keyboard alone from the list to the first section; what is missing is counted, what is wrong is told; then it is thrown away."""
    desk, page = desks["lan"], desks["lan"].page
    page.goto("/staff/")
    page.get_by_role("link", name="Hồ sơ mới").press("Enter")
    page.keyboard.type("Trần Thị Mới")
    page.keyboard.press("Tab")
    page.keyboard.type("066185123456")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Nhân thân")).to_be_visible()
    page.get_by_label("Giới tính").select_option(label="Nam")
    expect(page.get_by_text("Giới tính không khớp")).to_be_visible()
    desk.picture(handbook, "file-new")
    page.get_by_role("button", name="Xem lại và gửi").click()
    expect(page.get_by_text(re.compile("Cần sửa .* lỗi trước khi gửi"))).to_be_visible()
    page.get_by_text("Bỏ bản nháp").click()
    page.get_by_role("button", name="Bỏ hẳn").click()
    expect(page.get_by_text("Đã bỏ bản nháp")).to_be_visible()


def test_pages_of_many_people(desks: dict[str, Desk], handbook: Path):
    desk, page = desks["lan"], desks["lan"].page
    page.goto("/staff/")
    ticked = page.locator("tbody .hs-tick input")
    for place in (1, 2, 4):
        ticked.nth(place).check()
    desk.picture(handbook, "people")
    page.get_by_role("button", name="Lập một quyết định cho những người đã chọn").click()
    expect(page.get_by_text("Đã chọn 3 người")).to_be_visible()
    desk.picture(handbook, "decision-begin")
    page.get_by_role("button", name=re.compile("Bắt đầu.*Nâng bậc lương")).click()
    expect(page.locator(".ed-person")).to_have_count(3)
    desk.picture(handbook, "decision")
    filters(page)
    desk.picture(handbook, "people-filter")
    for name, address in {"people-export": "/staff/export/", "to-be-cleaned": "/worklist/"}.items():
        shown(desk, handbook, name, address)


def filters(page: Page) -> None:
    page.goto("/staff/?q=nguyen thi")
    page.locator("details.hs-panel > summary").click()
    expect(page.locator("details.hs-panel form")).to_be_visible()


def test_pages_of_code_lists_and_logs(desks: dict[str, Desk], handbook: Path):
    for name, address in {"codes": "/codes/?list=language_level", "ranks": "/codes/scales/ranks/", "salary-scale": "/codes/scales/steps/"}.items():
        shown(desks["lan"], handbook, name, address)
    for name, address in {"code-change": "/codes/degree/change/?code=03", "salary-step-change": "/codes/scales/steps/change/?key=A1:1"}.items():
        shown(desks["quantri"], handbook, name, address)
    for name, address in {"superusers": "/account/superusers/", "roles-after-a-reorganisation": "/rights/moves/"}.items():
        shown(desks["quantri"], handbook, name, address)
    for name, address in {"mandatory-fields": "/codes/mandatory/", "joining": "/exchange/joining/"}.items():
        shown(desks["quantri"], handbook, name, address)
    for name, address in {"audit-trail": "/logs/audit/"}.items():
        shown(desks["thu"], handbook, name, address)


def shown(desk: Desk, handbook: Path, name: str, address: str) -> None:
    answer = desk.page.goto(address)
    assert answer is not None
    assert answer.status == 200, address
    desk.picture(handbook, name)
