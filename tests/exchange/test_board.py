"""The progress board: computed from what came in, the same for a day whenever it is made, and its evidence a click away."""

from datetime import date, timedelta

import pytest
from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse
from openpyxl import load_workbook

from exchange.models import Agency, AgencyDay, ExpectedBody
from exchange.reports import board_pdf, board_xlsx, headings
from exchange.selectors.board import board
from exchange.services.expectations import expectation_record
from exchange.services.inbound_trials import trial_run
from exchange.services.tally import contact_note, day_count, tally_differences
from orgtree import clock
from tests.exchange.test_inbound_trials import body as trial_body
from tests.factories import superuser_make, user_make
from workflows.errors import NotAllowed


@pytest.fixture(scope="module", autouse=True)
def real_day():
    """Days are counted by the installation's day and counted again by moments: they agree where the day is not pinned."""
    before, settings.PINNED_TODAY = settings.PINNED_TODAY, None
    yield
    settings.PINNED_TODAY = before


@pytest.fixture(scope="module")
def busy(real_day, hub):
    """Two files at H15, one of them refused once; a trial that passed."""
    sender = hub.senders["H15"]
    ExpectedBody.objects.create(code="H16", name="Cơ quan H16", kind="central")
    hub.accept(sender.person(), sender.person())
    hub.take(sender.sign(sender.person(birth_date="2031-01-01")))
    trial_run(agency=hub.agencies["H15"], body=trial_body(sender.sign(sender.person())))
    return hub


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
    assert tally_differences() == []


def test_a_counter_that_is_not_what_the_results_say_is_found(busy):
    day_count(agency=busy.agencies["H15"], files=1)
    assert [line.partition(": ")[2] for line in tally_differences()] == ["files is 3, the results say 2"]
    AgencyDay.objects.filter(agency=busy.agencies["H15"]).update(files=2)


def test_reported_and_matched_as_of_a_day(busy):
    # given a report of last week and a later one, and a statement of equality of yesterday
    week, yesterday = clock.today() - timedelta(days=7), clock.today() - timedelta(days=1)
    expectation_record(actor=None, body=body_of("H16"), day=week, files=100, source="Báo cáo số 1")
    expectation_record(actor=None, body=body_of("H16"), day=yesterday, files=200, source="Báo cáo số 2")
    AgencyDay.objects.create(agency=busy.agencies["H16"], day=yesterday, files=150, matched=150)
    # then each day has its own figures
    assert (row("H16", week).reported, row("H16", week).matched) == (100, None)
    assert (row("H16", yesterday).reported, row("H16", yesterday).matched, row("H16", yesterday).share) == (200, 150, 75.0)


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
    assert [line[0] for line in lines[1:]] == [one.name for one in shown.rows]


def test_late_is_counted_by_working_days(busy):
    sender = busy.senders["H16"]
    signed = sender.sign(sender.person(), signed_at=clock.now() - timedelta(days=12))
    before = row("H16", today()).late
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
