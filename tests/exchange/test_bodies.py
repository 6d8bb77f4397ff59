"""The list of the bodies that have to send: kept by administrators, counted by day, never thrown away."""

from datetime import date, timedelta
from io import BytesIO, StringIO

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pypdf import PdfReader

from exchange.models import BodyStanding, ExpectedBody
from exchange.reports import board_pdf, board_xlsx
from exchange.selectors.board import board
from exchange.services.bodies import body_add, body_change, body_counted, standing_undo
from exchange.services.expectations import expectation_record
from orgtree import clock
from tests.factories import superuser_make, user_make
from workflows.errors import NotAllowed
from workflows.models import AuditEvent

pytestmark = pytest.mark.django_db
NAME = "Bảo hiểm xã hội Việt Nam"


@pytest.fixture
def root():
    return superuser_make("bodies-root")


@pytest.fixture
def on_hub(settings):
    settings.ROLE = "hub"


@pytest.fixture
def client_of_root(root, on_hub):
    client = Client()
    client.force_login(root)
    return client


def today():
    return clock.today()


def row(name, day=None):
    return next((one for one in board(day=day or today()).rows if one.name == name), None)


def newest(name):
    return BodyStanding.objects.filter(body__name=name).first()


def central(day=None):
    return board(day=day or today()).sums[1]["bodies"]


def not_counted(name, *, actor=None, day=None, **said):
    said = {"reason": "Giải thể theo nghị quyết", "source": "Nghị quyết 01"} | said
    return body_counted(actor=actor, seen=newest(name), counted=False, day=day or today(), **said)


def test_public_security_and_defence_stand_on_the_list_and_are_not_counted(db):
    shown = board(day=today())
    left_out = [one for one in shown.rows if not one.counted]
    assert {one.name for one in left_out} == {"Bộ Công an", "Bộ Quốc phòng"}
    assert all("28 bộ, cơ quan trung ương" in one.why for one in left_out)
    assert [one["bodies"] for one in shown.sums] == [34, 25, 59]
    assert shown.rows[-2:] == left_out


def test_a_body_is_counted_from_its_day_on_and_the_days_before_stay(db, root):
    # given two days, the file of the first
    before, since = today() - timedelta(days=5), today() - timedelta(days=3)
    files = board_xlsx(board(day=before)), board_pdf(board(day=before))
    # when
    body_add(actor=root, kind="central", name=NAME, code="000.00.00.G34", day=since, source="Công văn 99/BNV")
    # then
    assert (row(NAME, before), central(before)) == (None, 25)
    assert (row(NAME, since).code, row(NAME, since).counted, central(since)) == ("G34", True, 26)
    assert (board_xlsx(board(day=before)), board_pdf(board(day=before))) == files
    assert AuditEvent.objects.get(action="body.added").detail["source"] == "Công văn 99/BNV"


def test_what_is_not_counted_any_more_still_counts_on_earlier_days(db, root):
    name, since = "Đài Tiếng nói Việt Nam", today() - timedelta(days=2)
    expectation_record(actor=root, body=ExpectedBody.objects.get(name=name), day=since - timedelta(days=9), files=700, source="BC 1")
    before = board(day=since - timedelta(days=1))
    sums, file = before.sums, board_pdf(before)
    not_counted(name, actor=root, day=since)
    again = board(day=since - timedelta(days=1))
    assert (again.sums, board_pdf(again)) == (sums, file)
    assert (sums[1]["bodies"], sums[1]["expected"], central(since), board(day=since).sums[1]["expected"]) == (25, 700, 24, 0)
    left = row(name, since)
    assert (left.counted, left.why, left.reported) == (False, "Giải thể theo nghị quyết", 700)
    text = "".join(page.extract_text() for page in PdfReader(BytesIO(board_pdf(board(day=since)))).pages)
    assert "24" in text


def test_a_name_an_identifier_and_a_place_change_by_day(db, root):
    name, since = "Bộ Xây dựng", today() - timedelta(days=1)
    body_change(actor=root, seen=newest(name), day=since, name="Bộ Xây dựng và Giao thông", code="G40", position=1)
    yesterday, now = row(name, since - timedelta(days=1)), row("Bộ Xây dựng và Giao thông", since)
    assert (yesterday.code, now.code) == ("G17", "G40")
    assert [board(day=day).of("central")[0] == one for day, one in ((since, now), (since - timedelta(days=1), yesterday))] == [True, False]
    body = ExpectedBody.objects.get(code="G40")
    assert (body.name, body.position) == ("Bộ Xây dựng và Giao thông", 1)


def test_acts_are_taken_back_one_after_the_other(db, root):
    body = body_add(actor=root, kind="central", name=NAME, day=today() - timedelta(days=4))
    body_change(actor=root, seen=newest(NAME), day=today() - timedelta(days=2), name=NAME, code="G34", position=90)
    not_counted(NAME, actor=root)
    assert not row(NAME).counted
    # when each is taken back, the newest first
    standing_undo(actor=root, seen=newest(NAME))
    assert (row(NAME).counted, row(NAME).code) == (True, "G34")
    standing_undo(actor=root, seen=newest(NAME))
    assert (row(NAME).counted, row(NAME).code) == (True, "")
    standing_undo(actor=root, seen=newest(NAME))
    # then nothing of it is on any board, all of it is written down, and there is nothing more to take back
    assert [row(NAME, today() - timedelta(days=days)) for days in range(5)] == [None] * 5
    assert body.standings.count() == 6
    assert AuditEvent.objects.filter(action="body.undone").count() == 3
    with pytest.raises(ValidationError, match="Không còn thay đổi nào"):
        standing_undo(actor=root, seen=newest(NAME))
    # and adding it again brings it back
    assert body_add(actor=root, kind="central", name=NAME, code="G34", day=today()) == body
    assert row(NAME).code == "G34"


def test_what_has_reports_stays(db, root):
    body = body_add(actor=root, kind="central", name=NAME, day=today())
    expectation_record(actor=root, body=body, day=today(), files=5, source="BC 2")
    with pytest.raises(ValidationError, match="đã có báo cáo"):
        standing_undo(actor=root, seen=newest(NAME))
    assert row(NAME).reported == 5


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "Bộ Nội vụ"}, "name"),
        ({"code": "HH15"}, "code"),
        ({"kind": "ward"}, "kind"),
        ({"day": date(2100, 1, 1)}, "day"),
        ({"code": "G09"}, "__all__"),
    ],
)
def test_what_cannot_be_added(db, wrong, field):
    with pytest.raises(ValidationError) as refused:
        body_add(**{"actor": None, "kind": "central", "name": NAME, "day": today()} | wrong)
    told = refused.value.message_dict if hasattr(refused.value, "error_dict") else {"__all__": refused.value.messages}
    assert list(told) == [field]
    assert row(NAME) is None


def test_what_cannot_be_said(db, root):
    name = "Bộ Tư pháp"
    seen = newest(name)
    with pytest.raises(ValidationError) as refused:
        body_counted(actor=root, seen=seen, counted=False, day=today(), reason=" ", source="")
    assert set(refused.value.message_dict) == {"reason", "source"}
    with pytest.raises(ValidationError, match="Không có gì khác"):
        body_change(actor=root, seen=seen, day=today(), name=seen.name, code=seen.code, position=seen.position)
    not_counted(name, actor=root)
    with pytest.raises(ValidationError, match="Đã có người thay đổi"):
        body_counted(actor=root, seen=seen, counted=False, day=today(), reason="x", source="y")
    with pytest.raises(ValidationError, match="từ ngày đó trở đi"):
        body_change(actor=root, seen=newest(name), day=today() - timedelta(days=1), name=name, code="", position=3)
    stranger = user_make("bodies-nobody")
    with pytest.raises(NotAllowed):
        body_add(actor=stranger, kind="central", name=NAME, day=today())
    with pytest.raises(NotAllowed):
        standing_undo(actor=stranger, seen=newest(name))


def test_the_database_keeps_what_was_said(db):
    for statement in ("update exchange_bodystanding set name = 'x'", "delete from exchange_bodystanding"):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_the_page_keeps_what_was_typed_and_tells_at_the_field(client_of_root):
    page = client_of_root.post(reverse("exchange:body_new"), {"name": NAME, "kind": "central", "code": "1", "day": "2026-01-01", "source": "CV 5"})
    assert page.status_code == 422
    assert [part in page.content.decode() for part in (NAME, "CV 5", 'class="hs-error"')] == [True] * 3
    saved = client_of_root.post(reverse("exchange:body_new"), {"name": NAME, "kind": "central", "code": "", "day": "2026-01-01"})
    assert saved.status_code == 302
    assert row(NAME).counted


def test_the_page_of_a_body(client_of_root):
    name = "Bộ Tư pháp"
    body, address = ExpectedBody.objects.get(name=name), lambda page: reverse(f"exchange:{page}", args=[ExpectedBody.objects.get(name=name).pk])
    sent = {"seen": newest(name).pk, "act": "count", "day": today().isoformat(), "reason": "Thôi tính", "source": ""}
    assert client_of_root.post(address("body_act"), sent).status_code == 422
    assert client_of_root.post(address("body_act"), sent | {"source": "CV 7"}).status_code == 302
    assert not row(name).counted
    assert client_of_root.post(address("body_act"), sent | {"source": "CV 7"}).status_code == 422  # an older standing was seen
    assert client_of_root.post(address("body_act"), {"seen": newest(name).pk, "act": "undo"}).status_code == 302
    assert row(name).counted
    assert client_of_root.post(address("body_act"), {"seen": newest(name).pk, "act": "burn"}).status_code == 404
    for page in (reverse("exchange:body_list"), reverse("exchange:body_detail", args=[body.pk]), reverse("exchange:progress")):
        with CaptureQueriesContext(connection) as asked:
            assert client_of_root.get(page).status_code == 200
        assert len(asked) <= 12, [one["sql"][:120] for one in asked]


def test_the_board_says_how_many_are_not_named_until_all_are(client_of_root, settings):
    said = "25/28"
    page = client_of_root.get(reverse("exchange:progress"))
    assert (page.context["missing"].listed, page.context["missing"].named, page.context["missing"].missing) == (25, 28, 3)
    assert said in page.content.decode()
    assert client_of_root.get(reverse("exchange:progress"), {"day": "2026-01-01"}).context["missing"] is None
    settings.CENTRAL_BODIES = 25
    assert said not in client_of_root.get(reverse("exchange:progress")).content.decode()


def test_a_shell_keeps_the_list_too(db, on_hub):
    call_command("hub_body", "add", NAME, "--code", "G34", "--source", "CV 8", stdout=StringIO())
    call_command("hub_body", "change", NAME, "--order", "3", stdout=StringIO())
    call_command("hub_body", "uncount", NAME, "--reason", "Nhầm", "--source", "CV 9", stdout=StringIO())
    told = StringIO()
    call_command("hub_body", "list", stdout=told)
    assert f"   3 central  not_counted G34      {NAME}" in told.getvalue()
    call_command("hub_body", "undo", NAME, stdout=StringIO())
    assert row(NAME).counted
    with pytest.raises(CommandError, match="no body of the list"):
        call_command("hub_body", "undo", "Bộ Nào Đó", stdout=StringIO())
    with pytest.raises(CommandError):
        call_command("hub_body", "count", NAME, "--reason", "x", stdout=StringIO())
