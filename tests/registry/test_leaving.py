"""Leaving and retirement: a file without a present post is right when the last post ended by leaving, and lists say so."""

from __future__ import annotations

from datetime import date

import pytest
from django.urls import reverse

from registry.models import StaffProfile
from registry.selectors.leaving import leaving_of, with_leaving
from registry.services.codes import codes_load
from tests.pages import Office
from tests.registry.people import judge, person, places, posting

pytestmark = pytest.mark.django_db
LEFT = {"valid_from": "2010-01-01", "valid_to": "2026-10-01", "movement": "NH"}


def codes(*rows):
    codes_load()
    units = places()
    return {one.code for one in judge(person(units, postings=[posting(units["office"], **row) for row in rows])) if one.field.startswith("postings")}


def test_who_retired_needs_no_present_post():
    assert codes(LEFT) == set()


def test_a_post_that_ended_otherwise_leaves_the_file_without_one():
    assert codes({**LEFT, "movement": "MN"}) == {"POSTING_NONE_OPEN"}
    assert codes({**LEFT, "movement": None}) == {"POSTING_NONE_OPEN"}


def test_leaving_an_earlier_post_does_not_excuse_the_last_one():
    later = {"valid_from": "2026-10-02", "valid_to": "2026-10-10", "movement": "MN"}
    assert codes(LEFT, later) == {"POSTING_NONE_OPEN"}


def test_who_left_and_came_back_holds_a_post():
    assert codes(LEFT, {"valid_from": "2026-10-02", "movement": "TN"}) == set()


def test_leaving_without_a_last_day_is_an_error():
    assert codes({"valid_from": "2010-01-01", "movement": "NH"}) == {"POSTING_LEFT_OPEN"}


def test_the_list_and_the_page_say_how_somebody_left():
    # given
    codes_load()
    office = Office.open()
    gone = office.hired(birth_name="Nguyễn Văn Nghỉ", postings=[posting(office.units["office"], **LEFT)])
    office.hired(birth_name="Trần Thị Làm")
    # when
    found = {one.birth_name: (one.left_by, one.left_on) for one in with_leaving(StaffProfile.objects.all())}
    client = office.client("clerk")
    # then
    assert found == {"Nguyễn Văn Nghỉ": ("Nghỉ hưu", date(2026, 10, 1)), "Trần Thị Làm": (None, None)}
    assert "Nghỉ hưu" in client.get(reverse("registry:staff_list")).content.decode()
    assert "Nghỉ hưu sau ngày 30/09/2026 (Chuyên viên)" in client.get(reverse("registry:staff_detail", args=[gone.pk])).content.decode()


def test_leaving_is_read_from_the_document():
    units = places()
    left = leaving_of(person(units, postings=[posting(units["office"], **LEFT)]))
    assert left is not None
    assert (left.movement, left.last_day) == ("NH", date(2026, 9, 30))
    assert leaving_of(person(units)) is None
