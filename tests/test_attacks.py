"""Small attacks from inside: what a page or a message could tell of another unit, and input that is nobody's idea of a number."""

from __future__ import annotations

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from django.urls import reverse

from tests.pages import Office

pytestmark = pytest.mark.django_db


@pytest.fixture
def office() -> Office:
    return Office.open()


def test_a_busy_record_does_not_tell_the_title_of_a_request_that_one_may_not_see(office):
    # given: another unit's open request about a citizen number that somebody guesses
    document = office.document(birth_name="Nguyễn Thị Hoa")
    office.submitted(document, title="Kỷ luật Nguyễn Thị Hoa")
    elsewhere = str(office.units["elsewhere"].pk)
    guessed = {**document, "birth_name": "X", "using_unit": elsewhere, "managing_agency": elsewhere, "staff_number": None}
    guessed["postings"] = [{**row, "unit": elsewhere} for row in document["postings"]]
    # when
    told = {
        who: [one.value for found in office.staged(made, actor=who).returned.values() for one in found if one.code == "RECORD_BUSY"]
        for who, made in (("stranger", guessed), ("clerk", document))
    }
    # then
    assert told["clerk"] == ["Kỷ luật Nguyễn Thị Hoa"]
    assert len(told["stranger"]) == 1
    assert "Hoa" not in told["stranger"][0]


def test_folders_of_uploads_are_the_programs_alone(tmp_path):
    # given
    storage = FileSystemStorage(location=tmp_path / "files")
    # when
    name = storage.save("uploads/a.xlsx", ContentFile(b"x"))
    # then
    assert (tmp_path / "files" / "uploads").stat().st_mode & 0o077 == 0
    assert (tmp_path / "files" / name).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("query", [{"q": "a\0b"}, {"type": "\0"}, {"after": "\0"}, {"q": "a" * 3000}])
@pytest.mark.parametrize("page", ["registry:staff_list", "registry:unit_tree", "admin:registry_staffprofile_changelist"])
def test_a_search_for_rubbish_finds_nothing_and_breaks_nothing(office, page, query):
    assert office.client("clerk").get(reverse(page), query).status_code < 500


@pytest.mark.parametrize("number", ["9" * 5000, "99999999999999999999", "٣", "²", "-1"])
def test_a_place_in_a_list_that_is_no_number_breaks_nothing(office, number):
    request = office.submitted(office.document())
    client = office.client("supervisor")
    assert client.get(reverse("workflows:request_list"), {"before": number, "show": "all"}).status_code == 200
    assert client.get(reverse("workflows:request_detail", args=[request.pk]), {"after": number}).status_code == 200


def test_a_reason_with_a_nul_is_no_servers_error(office):
    request = office.submitted(office.document())
    answer = office.client("supervisor").post(reverse("workflows:request_return", args=[request.pk]), {"reason": "a\0b"})
    assert answer.status_code < 500


def test_the_last_day_there_is_ends_no_delegation_in_an_error(office):
    said = {
        "receiver": "auditor",
        "unit": office.units["agency"].pk,
        "risks": "B",
        "first_day": "2026-11-02",
        "last_day": "9999-12-31",
        "decision_number": "1",
    }
    assert office.client("supervisor").post(reverse("workflows:absence"), said).status_code < 500
