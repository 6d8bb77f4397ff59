"""A file as of a day: what held then, what was known then, and who changed what since."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from orgtree import clock
from registry.models import StaffProfile
from registry.selectors.holding import document_on
from registry.selectors.past import profile_past
from tests.pages import Office
from tests.registry.people import person, places, posting
from workflows.models import RecordVersion
from workflows.services.applying import request_apply
from workflows.services.approval import request_approve_by_system
from workflows.services.staging import Proposal, request_stage
from workflows.services.submission import request_submit

pytestmark = pytest.mark.django_db


def salary(**changes):
    row = {"valid_to": None, "percent": "100.00", "amount": None, "decision_number": None, "decision_date": None}
    return {**row, "valid_from": "2022-01-01", "rank_code": "01.003", "step": 5, "coefficient": "3.66", **changes}


@pytest.fixture
def document():
    units = places()
    office, elsewhere = units["office"], units["elsewhere"]
    return person(
        units,
        postings=[
            posting(elsewhere, title="Văn thư", valid_from="2015-01-01", valid_to="2025-07-01"),
            posting(office),
        ],
        salary_history=[salary(valid_to="2025-01-01"), salary(valid_from="2025-01-01", step=6, coefficient="3.99")],
    )


def test_on_a_day_the_facts_of_that_day_hold(document):
    # when
    held = document_on(document, date(2023, 3, 1))
    # then
    assert [row["title"] for row in held["postings"]] == ["Văn thư"]
    assert (held["step"], held["coefficient"], held["step_date"]) == (5, "3.66", "2022-01-01")
    assert held["using_unit"] == held["postings"][0]["unit"] != document["using_unit"]


def test_the_end_of_a_period_no_longer_belongs_to_it(document):
    days = (date(2025, 6, 30), date(2025, 7, 1))
    assert [[row["title"] for row in document_on(document, day)["postings"]] for day in days] == [["Văn thư"], ["Chuyên viên"]]


def test_before_it_was_earned_nothing_stands(document):
    # when
    held = document_on(document, date(2000, 1, 1))
    # then
    assert (held["party_join_date"], held["first_recruit_date"], held["rank_code"], held["postings"]) == (None, None, None, [])
    assert held["birth_name"] == document["birth_name"]


def test_today_nothing_of_the_present_is_lost(document):
    held = document_on(document, date(2026, 10, 15))
    assert {name for name in held if held[name] != document[name]} == {"postings", "salary_history"}


@pytest.fixture
def office():
    return Office.open()


def changed(office: Office, profile: StaffProfile, **patch) -> StaffProfile:
    """The next version of a file, prepared by the clerk and approved by a check of the program."""
    staged = request_stage(
        actor=office.users["clerk"],
        unit=office.units["agency"],
        title="Nâng bậc",
        proposals=[Proposal(kind="staff_profile", key=profile.pk, patch=patch)],
    )
    assert staged.request is not None, staged.returned
    request_submit(actor=office.users["clerk"], request_id=staged.request.pk, system_stage="test")
    request_approve_by_system(request_id=staged.request.pk)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    request_apply(request_id=staged.request.pk)
    return StaffProfile.objects.get(pk=profile.pk)


def recorded_earlier(profile: StaffProfile, version: int, days: int) -> None:
    """The ledger is append-only: only a superuser with its wall lifted can date a version back."""
    with connection.cursor() as cursor:
        cursor.execute("alter table workflows_recordversion disable trigger user")
        moment = clock.now() - timedelta(days=days)
        cursor.execute("update workflows_recordversion set recorded_at = %s where key = %s and version = %s", [moment, profile.pk, version])
        cursor.execute("alter table workflows_recordversion enable trigger user")


def known_on(days_ago: int) -> date:
    return (clock.now() - timedelta(days=days_ago)).astimezone(clock.ZONE).date()


def test_what_was_known_then_beside_today_with_who_changed_it(office, settings):
    # given a phone that was changed today, on a file recorded ten days ago
    settings.PINNED_TODAY = None
    hoa = changed(office, office.hired(birth_name="Nguyễn Thị Hoa"), phone="0987654321")
    recorded_earlier(hoa, 1, 10)
    # when
    past = profile_past(user=office.users["clerk"], profile=hoa, on=None, known=known_on(5))
    # then
    lines = {line.name: line for section in past.sections for line in section.lines}
    assert (past.version.version, past.latest.version, past.differing) == (1, 2, 1)
    assert (lines["phone"].then, lines["phone"].now) == (["0912345678"], ["0987654321"])
    assert [(one.who, one.title) for one in lines["phone"].changes] == [(office.users["clerk"].display_name, "Nâng bậc")]
    assert not lines["birth_name"].differs


def test_before_the_first_version_nothing_was_known(office, settings):
    settings.PINNED_TODAY = None
    hoa = office.hired(birth_name="Nguyễn Thị Hoa")
    assert profile_past(user=office.users["clerk"], profile=hoa, on=None, known=known_on(3)).version is None
    assert RecordVersion.objects.filter(key=hoa.pk).count() == 1


def test_class_a_stays_masked_in_the_past(office, settings):
    # given
    settings.PINNED_TODAY = None
    hoa = office.hired(birth_name="Nguyễn Thị Hoa", health="Mắt kém")
    changed(office, hoa, health="Tim mạch")
    recorded_earlier(hoa, 1, 10)
    # when
    answer = office.client("auditor").get(reverse("registry:staff_past", args=[hoa.pk]), {"known": known_on(5).isoformat(), "all": "1"})
    # then
    text = answer.content.decode()
    assert answer.status_code == 200
    assert [word in text for word in ("Mắt kém", "Tim mạch", hoa.citizen_id)] == [False, False, False]
    assert "••••" in text


def test_the_page_asks_no_more_for_many_versions(office):
    # given
    hoa = office.hired(birth_name="Nguyễn Thị Hoa")
    client, address = office.client("clerk"), reverse("registry:staff_past", args=[hoa.pk])
    counts = []
    for number in range(3):
        changed(office, hoa, phone=f"098765432{number}")
        with CaptureQueriesContext(connection) as asked:
            assert client.get(address).status_code == 200
        counts.append(len(asked))
    # then
    assert counts[1] == counts[2] <= 14


@pytest.mark.parametrize("text", ["2026-02-30", "hôm qua", "31/12/2025"])
def test_what_is_not_a_day_is_said(office, text):
    hoa = office.hired(birth_name="Nguyễn Thị Hoa")
    answer = office.client("clerk").get(reverse("registry:staff_past", args=[hoa.pk]), {"on": text})
    assert text in answer.content.decode()
