"""An operator's letters: what was refused is read by its cause, mended where the cause lies, and sent again; what is late is seen; what need not go
is taken back; and when the other side is silent, the page says that nothing is lost.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from config.demo.pki import DemoAuthority
from config.embedded.keeping import write
from config.embedded.stack import AGENCY, HUB, ROOT, Stack
from tests import stacks
from tests.journeys.conftest import Desk, until

CLIENT, OPERATOR = "agency-with-letters", "van-hanh"
TOO_OLD, UNSEALED, BACK = "Chữ ký quá cũ hoặc đồng hồ máy chủ sai", "Thiếu chữ ký số của cơ quan", "Đã thu hồi trước khi gửi"

OWED = """
select count(*) from workflows_outboxmessage m left join exchange_delivery d on d.message_id = m.id
where d.state is null or d.state not in ('received', 'replaced')
"""


@dataclass
class Line:
    """An agency that delivers to a hub, both serving, and what happens on either side of its operator's page."""

    stack: Stack
    home: Path

    def gate(self, deed: str, name: str) -> None:
        """`hire` somebody, or `correct` their file, at the agency."""
        command = [sys.executable, "-m", "tests.journeys.letters", str(self.home), deed, name]
        subprocess.run(command, cwd=ROOT, env=self.stack.env(AGENCY), check=True)

    def sql(self, role: object, statement: str) -> list[tuple]:
        with self.stack.postgres.connect(role.database) as connection:  # type: ignore[attr-defined]
            return connection.execute(statement).fetchall()

    def last_written_on(self, day: str) -> None:
        """As if the newest message had waited since that day: only a superuser with the walls lifted can say so."""
        with self.stack.postgres.connect(AGENCY.database) as connection:
            connection.execute("set session_replication_role = replica")
            connection.execute("update workflows_outboxmessage set created_at = %s where id = (select max(id) from workflows_outboxmessage)", [day])

    def received(self) -> bool:
        """Does the hub hold everything?"""
        return self.sql(AGENCY, OWED) == [(0,)]


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    with Stack(stacks.begin(tmp_path / "var"), durable=False) as stack:
        DemoAuthority(tmp_path / "pki").publish(stack.var / "trust")
        filling = [sys.executable, "-m", "tests.faults.filling", "3", str(tmp_path), stack.url(HUB), CLIENT]
        subprocess.run(filling, cwd=ROOT, env=stack.env(AGENCY), check=True)
        admit = ("--code", AGENCY.authority, "--name", "Tỉnh Đắk Lắk", "--client-id", CLIENT, "--secret-stdin")
        stack.manage(HUB, "hub_agency", *admit, stdin=stack.secrets.channel)
        write(stack.var / "demo.json", json.dumps({"password": stack.secrets.agency[:20]}))
        person = ("--no-input", "--username", OPERATOR, "--email", "van-hanh@agency.invalid")
        stack.manage(AGENCY, "createsuperuser", *person, extra={"DJANGO_SUPERUSER_PASSWORD": stack.demo()["password"]})
        stack.serve()
        yield Line(stack, tmp_path)


@pytest.mark.long
def test_letters_are_read_mended_sent_again_and_taken_back(chromium: Browser, line: Line, tmp_path: Path):
    desk = Desk(chromium, line.stack, OPERATOR)
    desk.sign_in()
    until(line.received, "the first deliveries")
    refused_for_the_hubs_sake(desk, line, tmp_path)
    refused_for_its_own_sake_and_late(desk, line, tmp_path)
    taken_back_while_the_other_side_is_silent(desk, line, tmp_path)
    assert desk.troubles == []


def refused_for_the_hubs_sake(desk: Desk, line: Line, pictures: Path) -> None:
    """The cause lies with the other side: its operator mends it, and everything of the cause is sent again at once."""
    line.sql(HUB, "update exchange_agency set late_days = 0, late_until = '2026-12-31' returning id")
    line.gate("hire", "Nguyễn Thị Trễ")
    page = cause(desk, TOO_OLD)
    expect(page.get_by_text("Nguyễn Thị Trễ")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("hãy đề nghị bên nhận gia hạn")
    desk.picture(pictures, "letters-cause")
    longer = ("--days", "200", "--until", "2026-12-31", "--reason", "Gửi lần đầu toàn bộ hồ sơ")
    line.stack.manage(HUB, "hub_lateness", "--code", AGENCY.authority, *longer)
    page.get_by_role("button", name="Gửi lại cả 1").click()
    expect(page.get_by_text("Đã đưa 1 lượt gửi về hàng chờ.")).to_be_visible()
    until(line.received, "what was sent again")


def refused_for_its_own_sake_and_late(desk: Desk, line: Line, pictures: Path) -> None:
    """Only a corrected version can mend it: it goes by itself, and replaces the refused one. Meanwhile that one is late."""
    line.stack.manage(HUB, "hub_seal", "--code", AGENCY.authority, "--from", "2026-10-01")
    line.gate("hire", "Trần Văn Dấu")
    page = cause(desk, UNSEALED)
    expect(page.get_by_text("Trần Văn Dấu")).to_be_visible()
    expect(page.get_by_role("button", name="Gửi lại cả")).to_have_count(0)
    line.last_written_on("2026-10-01")
    overview(desk).locator(".hs-figures .hs-bad a").click()
    row = page.get_by_role("row", name="Trần Văn Dấu")
    expect(row).to_contain_text("Quá hạn")
    expect(page.get_by_role("row")).to_have_count(2)  # with the headings
    desk.picture(pictures, "letters-late")
    line.stack.manage(HUB, "hub_seal", "--code", AGENCY.authority, "--off")
    line.gate("correct", "Trần Văn Dấu")
    until(line.received, "the corrected version")
    assert line.sql(AGENCY, "select array_agg(state order by id) from exchange_delivery where state <> 'received'") == [(["replaced"],)]
    expect(overview(desk).get_by_role("link", name=UNSEALED)).to_have_count(0)


def taken_back_while_the_other_side_is_silent(desk: Desk, line: Line, pictures: Path) -> None:
    """A second version waits for its first, which nobody answers for: it is taken back with a reason, and sent when it may go."""
    line.stack.stop("hub-web")
    line.gate("hire", "Lê Thị Rút")
    line.gate("correct", "Lê Thị Rút")
    until(lambda: line.sql(AGENCY, "select count(*) from exchange_delivery where state = 'waiting'") == [(1,)], "a version that waits")
    silent(desk)
    desk.picture(pictures, "letters-silent")
    page = desk.page
    page.locator(".hs-figures div", has_text="Chờ gửi").get_by_role("link").click()
    page.get_by_label("Lê Thị Rút").check()
    page.get_by_text("Thu hồi", exact=True).click()
    page.get_by_label("Lý do không gửi các mục đã đánh dấu").fill("Chờ quyết định điều chỉnh")
    page.get_by_role("button", name="Thu hồi mục đã đánh dấu").click()
    expect(page.get_by_text("Đã thu hồi 1 tin.")).to_be_visible()
    line.stack.start("hub-web")
    until(lambda: line.stack.health(HUB).get("status") == "ok", "the hub's web server")
    overview(desk).get_by_role("button", name="Thử kết nối ngay").click()
    expect(page.get_by_text("Đang thử kết nối")).to_be_visible()
    until(lambda: line.sql(AGENCY, "select count(*) from exchange_delivery where state in ('sent', 'waiting')") == [(0,)], "the first version")
    page = cause(desk, BACK)
    expect(page.get_by_role("row", name="Lê Thị Rút")).to_contain_text("Chờ quyết định điều chỉnh")
    page.get_by_label("Lê Thị Rút").check()
    page.get_by_role("button", name="Gửi lại mục đã đánh dấu").click()
    until(line.received, "what was taken back")
    page.reload()
    expect(page.get_by_text("Không còn mục nào ở đây.")).to_be_visible()


def overview(desk: Desk) -> Page:
    desk.page.goto("/exchange/")
    return desk.page


def cause(desk: Desk, title: str) -> Page:
    """The letters of one cause, once there are any."""
    shown(desk, lambda page: page.get_by_role("link", name=title)).click()
    expect(desk.page.get_by_role("heading", name=title)).to_be_visible()
    return desk.page


def silent(desk: Desk) -> None:
    shown(desk, lambda page: page.get_by_text("không trả lời từ").filter(has_text="không mất gì"))


def shown(desk: Desk, what: Callable[[Page], Locator]) -> Locator:
    """What stands on the operator's page after some reloading: a worker brings it."""

    def there() -> bool:
        return what(overview(desk)).first.is_visible()

    until(there, "the line in the operator's page")
    return what(desk.page).first
