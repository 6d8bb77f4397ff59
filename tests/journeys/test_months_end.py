"""Month's end by clicking: 5,000 changed files, three approvers, one of them away; twelve records go back, the rest is signed once."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from config.embedded.roles import AGENCY
from config.embedded.stack import Stack
from signing_agent.sign import sign_manifest
from tests.journeys.conftest import Desk

pytestmark = pytest.mark.long
FILES, RETURNED, SAMPLE = 5_000, 12, 5
WORKER = 600_000  # milliseconds in which 5,000 files are applied on a busy machine
TITLE = "Cập nhật hồ sơ tháng 10 năm 2026"
# login, name, role: who checks, who signs, who is away, who signs in that one's place
PEOPLE = [
    ("tham", "Nguyễn Thị Thẩm", "supervisor", "066085900011"),
    ("loan", "Lê Thị Loan", "supervisor", "066085900012"),
    ("thang", "Phạm Đức Thắng", "auditor", "066085900013"),
]
STEPS = [
    {"name": "Phòng Tổ chức thẩm định", "action": "approve", "signature": False, "days": 3, "sample": SAMPLE},
    {"name": "Ban lãnh đạo ký", "action": "approve", "signature": True, "quorum": 2, "days": 5, "sample": SAMPLE},
]
MONTH = f"""
from datetime import date
from bench.gate import files
from config.demo.seed import GRANTS_FROM, GRANTS_TO
from orgtree.models import OrgUnit, User
from registry.models import StaffProfile
from workflows.models import Route
from workflows.services.grants import grant_change_confirm, grant_propose
from workflows.services.routing import route_put_in_force
from workflows.services.staging import Proposal, request_stage
from workflows.services.submission import request_submit
root = OrgUnit.objects.get(parent=None)
one, two, author = (User.objects.get(username=name) for name in ("quantri", "quantri2", "hoa"))
for login, name, role, number in {PEOPLE!r}:
    family, _, given = name.rpartition(" ")
    user = User.objects.create(username=login, first_name=given, last_name=family, personal_number=number, password=author.password)
    change = grant_propose(actor=one, user=user, role=role, unit=root, reason="x", valid_from=GRANTS_FROM, valid_to=GRANTS_TO)
    grant_change_confirm(actor=two, change_id=change.pk)
route_put_in_force(actor=one, route=Route(name="Cuối tháng", kind="staff_profile", steps={STEPS!r}))
known = [Proposal(kind="staff_profile", key=key, patch={{"phone": f"09{{n:08d}}"}}, ref=n)
         for n, key in enumerate(StaffProfile.objects.order_by("pk").values_list("pk", flat=True)[:{FILES}])]
new = [Proposal(kind=p.kind, key=p.key, patch=p.patch, ref=len(known) + p.ref) for p in files({FILES} - len(known))]
staged = request_stage(actor=author, unit=root, title={TITLE!r}, proposals=known + new)
assert not staged.returned, list(staged.returned.values())[:3]
print("request", request_submit(actor=author, request_id=staged.request.pk).pk)
"""
AS_BEFORE = """
from workflows.models import Route
Route.objects.filter(name="Cuối tháng").update(active=False)
"""


@pytest.fixture
def address(stack: Stack, tmp_path: Path) -> Iterator[str]:
    """The request of the month, which waits; everybody has a certificate."""
    people = [
        {"login": login, "name": name, "personal_number": number, "organization": "UBND tỉnh Đắk Lắk", "organization_identifier": "H15"}
        for login, name, _role, number in PEOPLE
    ]
    (tmp_path / "people.json").write_text(json.dumps(people))
    stack.manage(AGENCY, "demo_pki", "--people", str(tmp_path / "people.json"))
    printed = stack.manage(AGENCY, "shell", stdin=MONTH)
    yield f"/requests/{printed.rsplit('request ', 1)[1].split()[0]}/"
    stack.manage(AGENCY, "shell", stdin=AS_BEFORE)


def test_the_end_of_a_month(chromium: Browser, stack: Stack, address: str, tmp_path: Path):
    checker, leader, away, deputy, author = (Desk(chromium, stack, name) for name in ("tham", "minh", "loan", "thang", "hoa"))
    for desk in (checker, leader, away, deputy, author):
        desk.sign_in()
    # given: one of the leaders is away, and has named who decides in her place
    name_a_deputy(away.page)
    # when: the first approver opens the sample, gives twelve records back and approves the others
    open_the_request(checker)
    checker.picture(tmp_path, "month")
    assert open_the_sample(checker.page) == SAMPLE
    give_back(checker.page, address)
    checker.page.goto(address)
    press(checker.page, "a")
    expect(checker.page.get_by_text("Đã thẩm tra và phê duyệt")).to_be_visible()
    # and: the leader signs, and the other one's deputy in her place, each once for all that is left
    for desk in (leader, deputy):
        open_the_request(desk)
        assert open_the_sample(desk.page) <= SAMPLE  # what was given back is not looked at again
        signed_once(desk, tmp_path)
    # then: the workers apply what was signed, and the author reads who signed, and of what came back
    expect(author.page.locator("main")).to_be_visible()
    author.page.goto(address)
    expect(author.page.locator(".hs-steps")).to_contain_text("Phạm Đức Thắng, thay Lê Thị Loan theo quyết định 12")
    expect(author.page.locator("main")).to_contain_text("Đã cập nhật", timeout=WORKER)
    counted = stack.manage(AGENCY, "shell", stdin=COUNT).split("counted ")[1]
    assert json.loads(counted.splitlines()[0]) == {"applied": FILES - RETURNED, "excluded": RETURNED, "signatures": 2, "digests": 1}
    stack.manage(AGENCY, "verify_ledger")  # raises on any damage
    assert [desk.troubles for desk in (checker, leader, away, deputy, author)] == [[]] * 5


COUNT = f"""
import json
from django.db.models import Count
from workflows.models import ChangeRequest, Notice, Signature
from workflows.services.noticing import notices_make
notices_make()
request = ChangeRequest.objects.get(title={TITLE!r})
states = dict(request.items.order_by().values_list("state").annotate(count=Count("pk")))
signatures = Signature.objects.filter(manifest__request=request).count()
digests = Notice.objects.filter(request=request, user__username="hoa", kind="rows_returned").count()
print("counted", json.dumps({{"applied": states["applied"], "excluded": states["excluded"], "signatures": signatures, "digests": digests}}))
"""


def name_a_deputy(page: Page) -> None:
    page.goto("/requests/absence/")
    form = page.locator("form", has=page.locator("input[name=what][value=delegation]"))
    form.locator("select[name=delegation-person]").select_option(label="Phạm Đức Thắng (thang)")
    form.locator("select[name=delegation-unit]").select_option(index=1)
    form.locator("input[name=delegation-last_day]").fill("2026-11-30")
    form.locator("input[name=delegation-decision_number]").fill("12")
    form.get_by_role("button").click()
    expect(page.locator("table").first).to_contain_text("Phạm Đức Thắng")


def open_the_request(desk: Desk) -> None:
    """From the home page, where it waits."""
    desk.page.goto("/")
    desk.page.get_by_role("main").get_by_role("link", name=TITLE).first.click()
    expect(desk.page.get_by_role("heading", name=TITLE)).to_be_visible()


def open_the_sample(page: Page) -> int:
    """By keyboard: `j` leads from one record of the sample to the next; before it is through, nothing can be approved."""
    expect(page.locator("[data-key=a]")).to_be_disabled()
    page.get_by_role("link", name="Mở bản ghi tiếp theo").click()
    opened = 1
    while page.locator("[data-key=j]").count():
        before = page.url
        page.keyboard.press("j")
        page.wait_for_url(lambda url, before=before: url != before)
        opened += 1
    expect(page.get_by_text("Bạn đã mở hết các bản ghi trong mẫu.")).to_be_visible()
    press(page, "k")
    expect(page.locator("[data-key=a]")).to_be_enabled()
    return opened


def press(page: Page, key: str) -> None:
    with page.expect_navigation():
        page.keyboard.press(key)


def give_back(page: Page, address: str) -> None:
    """Twelve records one by one: `r` leads to the reason."""
    for leaf in range(100, 100 + RETURNED):
        page.goto(f"{address}records/{leaf}/")
        page.keyboard.press("r")
        expect(page.locator("#row-reason")).to_be_focused()
        page.locator("#row-reason").select_option("evidence")
        page.locator("#row-text").fill("Bổ sung quyết định")
        with page.expect_navigation():
            page.keyboard.press("Enter")
        expect(page.get_by_text("Bổ sung quyết định").first).to_be_visible()


def signed_once(desk: Desk, folder: Path) -> None:
    """With the Government's tool: the statement is downloaded, signed outside, and its signature chosen."""
    page = desk.page
    press(page, "a")
    expect(page.locator("dl div", has_text="Số hồ sơ phê duyệt")).to_contain_text(re.compile(f"{FILES - RETURNED}|4[.]988"))
    with page.expect_download() as download:
        page.get_by_role("link", name="Tải nội dung cần ký").click()
    p12 = Path(desk.stack.demo()["logins"][0]["certificate"]).with_name(f"{desk.name}.p12").read_bytes()
    signature = folder / f"{desk.name}.p7s"
    signature.write_bytes(sign_manifest(p12=p12, pin=desk.stack.demo()["pin"], manifest=Path(download.value.path()).read_bytes()))
    page.get_by_label("Tệp chữ ký").set_input_files(signature)
    page.get_by_role("button", name="Phê duyệt với chữ ký này").click()
    expect(page.get_by_text("Đã phê duyệt và ký số.")).to_be_visible(timeout=60_000)
