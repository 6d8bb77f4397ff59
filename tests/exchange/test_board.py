"""The progress board: computed from what came in, the same for a day whenever it is made, and its evidence a click away."""

from datetime import date, datetime, time, timedelta
from io import StringIO
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from openpyxl import load_workbook

from exchange.models import Agency, AgencyDay, AgencyManifest, ExpectedBody, TransferCase
from exchange.reports import board_pdf, board_xlsx, headings
from exchange.selectors.board import board, day_lines
from exchange.services.bodies import body_add
from exchange.services.expectations import expectation_record
from exchange.services.inbound_trials import trial_run
from exchange.services.tally import contact_note, day_count, tally_differences
from orgtree import clock
from tests.exchange.test_inbound_trials import body as trial_body
from tests.factories import superuser_make, user_make
from workflows.errors import NotAllowed

MOST_QUERIES = 12  # of a page
LONG_AGO = date(2025, 7, 1)


@pytest.fixture(scope="module", autouse=True)
def real_day():
    """The board's days are those of the wall here; how a pinned day counts has its own test."""
    before, settings.PINNED_TODAY = settings.PINNED_TODAY, None
    yield
    settings.PINNED_TODAY = before


@pytest.fixture(scope="module")
def busy(real_day, hub):
    """Two files at H15, one of them refused once; a trial that passed."""
    sender = hub.senders["H15"]
    body_add(actor=None, kind="central", name="Cơ quan H16", code="H16", day=LONG_AGO)
    hub.accept(sender.person(), sender.person())
    hub.take(sender.sign(sender.person(birth_date="2031-01-01")))
    trial_run(agency=hub.agencies["H15"], body=trial_body(sender.sign(sender.person())))
    return hub


@pytest.fixture(autouse=True)
def undone(busy):
    """Nothing here is about commits, so what a test adds is taken back: each finds the hub as `busy` left it."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture
def on_hub(settings):
    settings.ROLE = "hub"


def row(code, day=None):
    return next(one for one in board(day=day or today()).rows if one.code == code)


def body_of(code):
    return ExpectedBody.objects.get(code=code)


def today():
    return clock.now().astimezone(clock.ZONE).date()


def test_every_province_and_central_body_stands_on_the_board(hub):
    kinds = [one.kind for one in board(day=clock.today()).rows]
    assert kinds.count("province") == 34
    assert kinds.count("central") >= 27


def test_a_row_is_what_the_receipts_say(busy):
    one = row("H15", today())
    assert (one.connected, one.trial_passed, one.received, one.units, one.late) == (True, True, 2, 2, 0)
    assert one.quality == 80.0  # two units and two files accepted, one refused
    assert (one.new, one.change, one.late_new) == (2, "+2", 0)
    assert tally_differences() == []


def test_a_counter_that_is_not_what_the_results_say_is_found(busy, on_hub):
    call_command("verify_board", stdout=StringIO())
    day_count(agency=busy.agencies["H15"], files=1)
    found = ["files is 3, the results say 2", "the hub holds 2 files, the days and transfers make 3"]
    assert [line.partition(": ")[2] for line in tally_differences()] == found
    with pytest.raises(CommandError, match="2 figures"):
        call_command("verify_board", stderr=StringIO())


def test_a_pinned_day_counts_what_happens_on_it_by_both_ways_of_counting(busy, settings):
    settings.PINNED_TODAY = (today() - timedelta(days=40)).isoformat()
    AgencyDay.objects.update(day=clock.today())
    before = row("H15").received
    sender = busy.senders["H15"]
    busy.accept(sender.person())
    assert row("H15").received == before + 1
    assert tally_differences() == []
    assert clock.counted_on(clock.now() - timedelta(days=50)) == today() - timedelta(days=50)


def test_reported_and_matched_as_of_a_day(busy):
    # given a report of last week and a later one, and a statement of equality of yesterday
    week, yesterday = clock.today() - timedelta(days=7), clock.today() - timedelta(days=1)
    expectation_record(actor=None, body=body_of("H16"), day=week, files=100, source="Báo cáo số 1")
    expectation_record(actor=None, body=body_of("H16"), day=yesterday, files=200, source="Báo cáo số 2")
    AgencyDay.objects.create(agency=busy.agencies["H16"], day=yesterday, files=150, matched=150)
    # then each day has its own figures
    assert (row("H16", week).reported, row("H16", week).matched) == (100, None)
    assert (row("H16", yesterday).reported, row("H16", yesterday).matched, row("H16", yesterday).share) == (200, 150, 75.0)


def passed(busy, day):
    """Somebody who went from H15 to H16 on that day, as the case is kept."""
    manifest, ended = AgencyManifest.objects.filter(agency=busy.agencies["H15"]).first(), datetime.combine(day, time(12), clock.ZONE)
    said = {"document": b"{}", "version": 1, "digest": b"d" * 32, "leaf_index": 0, "proof": b"", "due_on": day, "expires_on": day}
    agencies = {"from_agency": busy.agencies["H15"], "to_agency": busy.agencies["H16"]}
    case = TransferCase.objects.create(pk=uuid4(), key=uuid4(), manifest=manifest, **said, **agencies)
    TransferCase.objects.filter(pk=case.pk).update(state="taken")
    TransferCase.objects.filter(pk=case.pk).update(state="completed", ended_at=ended, passed_as=2)


def test_a_day_says_what_it_brought_and_how_things_stood_at_its_end(busy):
    # given H15 with ten files since four days, one of whom passed to H16 two days ago, which brought nothing that day
    h15, h16 = busy.agencies["H15"], busy.agencies["H16"]
    AgencyDay.objects.all().delete()
    long_ago, passing, yesterday = (today() - timedelta(days=days) for days in (4, 2, 1))
    AgencyDay.objects.create(agency=h15, day=long_ago, files=10, accepted=12, refused=1, late=3, units=2)
    AgencyDay.objects.create(agency=h15, day=yesterday, files=1, accepted=1, matched=10)
    AgencyDay.objects.create(agency=h16, day=long_ago, files=5, accepted=5)
    passed(busy, passing)
    expectation_record(actor=None, body=body_of("H15"), day=passing, files=40, source="Báo cáo số 3")
    # when
    out, into = (day_lines(agency=one, reports=list(body_of(one.code).expectations.all()), limit=9) for one in (h15, h16))
    # then the days of both add up to what the board says, day by day
    assert [(one.day, one.new, one.came, one.left, one.held) for one in out] == [
        (yesterday, 1, 0, 0, 10), (passing, 0, 0, 1, 9), (long_ago, 10, 0, 0, 10),
    ]  # fmt: skip
    assert [(one.reported, one.matched, one.late) for one in out] == [(40, 10, 0), (40, None, 0), (None, None, 3)]
    assert [(one.day, one.new, one.came, one.left, one.held) for one in into] == [(passing, 0, 1, 0, 6), (long_ago, 5, 0, 0, 5)]
    for lines, code in ((out, "H15"), (into, "H16")):
        for line in lines:
            shown = row(code, line.day)
            assert (shown.received, shown.new, shown.came, shown.left) == (line.held, line.new, line.came, line.left)
    assert (row("H15", passing).change, row("H16", passing).change, row("H16", yesterday).change) == ("−1", "+1", "")


def test_the_report_of_a_day_is_the_same_when_made_again(busy):
    day = clock.today() - timedelta(days=1)
    before = board(day=day)
    files = board_xlsx(before), board_pdf(before)
    # when today goes on
    busy.accept(busy.senders["H15"].person())
    AgencyDay.objects.filter(agency=busy.agencies["H15"], day=clock.today()).update(files=9)
    again = board(day=day)
    # then yesterday's does not move
    assert (board_xlsx(again), board_pdf(again)) == files
    assert files[1].startswith(b"%PDF")


def test_the_workbook_says_what_the_board_says(busy, tmp_path):
    path = tmp_path / "board.xlsx"
    shown = board(day=clock.today())
    path.write_bytes(board_xlsx(shown))
    sheet = load_workbook(path).active
    lines = list(sheet.iter_rows(min_row=3, values_only=True))
    assert list(lines[0]) == headings()
    assert len(lines) == 1 + len(shown.rows)
    assert [line[0] for line in lines[1:]] == [one.name if one.counted else f"{one.name} (không tính)" for one in shown.rows]


def test_late_is_counted_by_working_days(busy):
    sender = busy.senders["H16"]
    signed = sender.sign(sender.person(), signed_at=clock.now() - timedelta(days=12))
    before = row("H16", today()).late
    assert [one.outcome for one in busy.take(signed, sender="H16").values()] == ["accepted"]
    assert row("H16", today()).late == before + 1
    # and what is said once more under another key is not late once more
    assert [one.outcome for one in busy.take(signed, sender="H16").values()] == ["accepted"]
    assert row("H16", today()).late == before + 1


def test_a_contact_is_written_down_once_a_minute(busy):
    agency = busy.agencies["H16"]
    Agency.objects.filter(pk=agency.pk).update(last_contact=None)
    contact_note(agency=agency)
    first = Agency.objects.get(pk=agency.pk).last_contact
    contact_note(agency=agency)
    assert Agency.objects.get(pk=agency.pk).last_contact == first


def test_who_writes_down_a_report(busy):
    with pytest.raises(NotAllowed):
        expectation_record(actor=user_make("monitor-1"), body=body_of("H15"), day=clock.today(), files=1, source="x")
    for wrong in ({"files": -1}, {"day": date(2100, 1, 1)}, {"source": " "}):
        with pytest.raises(ValidationError) as refused:
            expectation_record(**{"actor": None, "body": body_of("H15"), "day": clock.today(), "files": 1, "source": "x", **wrong})
        assert set(refused.value.message_dict) == set(wrong)


def test_the_pages_of_the_hub(busy, on_hub):
    root, nobody = Client(), Client()
    root.force_login(superuser_make("monitor-root"))
    nobody.force_login(user_make("monitor-nobody"))
    shown = body_of("H15")
    pages = [reverse("exchange:progress"), reverse("exchange:progress_body", args=[shown.pk]), reverse("exchange:progress_report", args=["xlsx"])]
    assert [root.get(one).status_code for one in pages] == [200, 200, 200]
    assert [nobody.get(one).status_code for one in pages] == [404, 404, 404]
    for page in pages[:2]:
        with CaptureQueriesContext(connection) as asked:
            root.get(page)
        assert len(asked) <= MOST_QUERIES, [one["sql"][:120] for one in asked]
    root.post(reverse("exchange:expectation_add", args=[shown.pk]), {"day": "2025-09-08", "files": "31000", "source": "Báo cáo 12/BC"})
    assert row("H15").reported == 31_000
    # the public page needs nobody, and names bodies and numbers only
    public = Client().get(reverse("exchange:public_status"))
    assert public.status_code == 200
    assert "Đắk Lắk" in public.content.decode()


def test_an_agency_has_no_board(busy, settings):
    cache.clear()
    settings.ROLE = "agency"
    root = Client()
    root.force_login(superuser_make("agency-root"))
    assert root.get(reverse("exchange:progress")).status_code == 404
    assert Client().get(reverse("exchange:public_status")).status_code == 404
