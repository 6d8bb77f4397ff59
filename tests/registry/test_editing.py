"""Changing a file by hand: what is typed is kept, judged by the gate's own rules, and goes through the gate as one of two acts."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import connection
from django.urls import reverse

from orgtree.models import OrgUnit
from registry.choices import Section
from registry.models import Draft
from registry.selectors.drafts import base_texts, document_at, draft_write
from registry.selectors.judging import draft_remarks
from registry.services import drafts
from registry.services.codes import codes_load
from tests.pages import Office
from tests.registry.people import area_make, posting
from workflows.choices import Act, RequestState
from workflows.documents import parse
from workflows.errors import ReasonMissing
from workflows.models import ChangeRequest, ReadEvent
from workflows.services.applying import request_apply
from workflows.services.approval import request_approve_by_system
from workflows.services.staging import Proposal, request_stage
from workflows.services.submission import request_submit

pytestmark = pytest.mark.django_db
HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def office() -> Office:
    codes_load()
    return Office.open()


def section(profile, part, act="correct"):
    return reverse("registry:edit_section", args=[profile.pk, act, part])


def save(office, profile, part, cells, *, act="correct", revision=0, base=1, who="clerk", **more):
    sent = {"revision": revision, "base_version": base, **cells}
    return office.client(who).post(section(profile, part, act), sent, **{**HTMX, **more})


def draft_of(office, profile, act=Act.CORRECT):
    return Draft.objects.get(user=office.users["clerk"], staff=profile, act=act, request=None)


def written(office, profile, cells, act):
    base = document_at(key=profile.pk, version=profile.version)
    return draft_write(base=base, cells=cells, act=act, actor=office.users["clerk"], profile=profile)


def send(office, profile, act, **more):
    return drafts.draft_send(actor=office.users["clerk"], profile=profile, act=act, **more)


def after(request) -> tuple[dict, list[str]]:
    (item,) = request.items.select_related("document")
    return parse(bytes(item.document.body)), item.changed


# What is typed


def test_every_section_opens_and_shows_what_is_on_file(office):
    # given
    hoa = office.hired()
    client = office.client("clerk")
    # when
    answers = {(act, part): client.get(section(hoa, part, act)) for act in (Act.CORRECT, Act.RECORD) for part in Section}
    # then
    assert {place: answer.status_code for place, answer in answers.items() if answer.status_code != 200} == {}
    assert not [place for place, answer in answers.items() if hoa.citizen_id in answer.content.decode()]


def test_only_what_differs_is_kept_and_goes_into_the_request(office):
    # given
    hoa = office.hired()
    texts = base_texts(document_at(key=hoa.pk, version=1), [Section.IDENTITY])
    # when
    save(office, hoa, "identity", {**texts, "citizen_id": "", "phone": "0987 654 321", "birth_date": "16/8/1985"})
    staged = send(office, hoa, Act.CORRECT, reason="Ghi sai so với thẻ căn cước")
    # then
    document, changed = after(staged.request)
    assert changed == ["birth_date", "phone"]
    assert (document["birth_date"], document["phone"], document["citizen_id"]) == ("1985-08-16", "0987654321", hoa.citizen_id)
    assert (staged.request.state, staged.request.act) == (RequestState.IN_REVIEW, Act.CORRECT)
    assert staged.request.reason == "Ghi sai so với thẻ căn cước"


def test_a_correction_needs_a_reason_and_nothing_is_sent_without(office):
    # given
    hoa = office.hired()
    save(office, hoa, "identity", {"phone": "0987654321"})
    before = ChangeRequest.objects.count()
    # when, then
    with pytest.raises(ReasonMissing):
        send(office, hoa, Act.CORRECT, reason=" ")
    assert ChangeRequest.objects.count() == before
    assert draft_of(office, hoa).cells == {"phone": "0987654321"}


def test_rows_are_added_changed_and_removed(office):
    # given
    rows = [{"relation": "03", "full_name": "Nguyễn Văn Cha"}, {"relation": "04", "full_name": "Trần Thị Mẹ"}]
    hoa = office.hired(family=rows)
    stored = document_at(key=hoa.pk, version=1)["family"]
    father = next(str(place) for place, row in enumerate(stored) if row["relation"] == "03")
    mother = next(str(place) for place, row in enumerate(stored) if row["relation"] == "04")
    # when
    cells = {f"family.{father}.gone": "1", f"family.{mother}.birth_year": "1960", "family.n1.relation": "05", "family.n1.full_name": "Lê Văn Chồng"}
    document = written(office, hoa, cells, Act.CORRECT).document
    # then
    assert {(row["full_name"], row["birth_year"]) for row in document["family"]} == {("Trần Thị Mẹ", 1960), ("Lê Văn Chồng", None)}


def test_a_row_with_ten_mistakes_shows_ten_each_in_its_own_cell(office):
    # given
    hoa = office.hired()
    cells = {
        "degrees.n1.valid_from": "13/2004",
        "degrees.n1.valid_to": "sau này",
        "degrees.n1.school": "x" * 300,
        "degrees.n1.mode": "không có",
        "degrees.n1.degree": "bằng lạ",
        "degrees.n1.major_code": "7" * 30,
        "degrees.n2.school": "Đại học Tây Nguyên",
        "degrees.n2.valid_from": "06/2010",
        "degrees.n2.valid_to": "05/2010",
    }
    # when
    remarks = draft_remarks(profile=hoa, written=written(office, hoa, cells, Act.CORRECT))
    # then
    found = {one.name for one in remarks if one.is_error}
    assert found == {
        *(f"degrees.n1.{column}" for column in ("valid_from", "valid_to", "school", "mode", "degree", "major_code", "major")),
        *(f"degrees.n2.{column}" for column in ("valid_to", "major", "degree")),
    }
    assert all(one.message and one.repair and one.label for one in remarks)


def test_a_finding_stands_at_the_row_it_is_about_wherever_that_stands_in_the_document(office):
    # given: the second of three rows is wrong, and documents sort their rows
    hoa = office.hired(foreign_trips=[{"valid_from": f"20{year}-05-01", "country": "Lào"} for year in (18, 14, 16)])
    cells = {"foreign_trips.1.valid_to": "01/01/2001", "foreign_trips.n1.country": "Anh", "foreign_trips.n1.valid_from": "01/01/2010"}
    # when
    remarks = draft_remarks(profile=hoa, written=written(office, hoa, cells, Act.CORRECT))
    # then
    assert {one.name for one in remarks if one.is_error} == {"foreign_trips.1.valid_to"}


def test_a_row_that_stands_twice_is_said_and_not_sent(office):
    # given
    hoa = office.hired()
    row = {"country": "Lào", "valid_from": "01/05/2018"}
    save(office, hoa, "history", {f"foreign_trips.{one}.{column}": text for one in ("n1", "n2") for column, text in row.items()})
    # when, then
    remarks = draft_remarks(profile=hoa, written=written(office, hoa, draft_of(office, hoa).cells, Act.CORRECT))
    assert [(one.name, one.code) for one in remarks if one.is_error] == [("foreign_trips.n2", "ROW_STANDS_TWICE")]
    with pytest.raises(drafts.NothingReadable):
        send(office, hoa, Act.CORRECT, reason="thử")


def test_the_form_says_what_staging_would_say(office):
    """The same rules: no error that only the gate finds, none that only the form finds."""
    # given
    hoa = office.hired()
    cells = {"phone": "12", "coefficient": "9,99", "party_join_date": "01/01/1990", "degrees.n1.school": "Đại học Tây Nguyên"}
    document = written(office, hoa, cells, Act.CORRECT)
    # when
    form = {(one.code, one.name.replace(".n1", "")) for one in draft_remarks(profile=hoa, written=document) if one.is_error}
    patch = {name: document.document[name] for name in ("phone", "coefficient", "party_join_date", "degrees")}
    (found,) = office.staged(patch, keys=[hoa.pk]).returned.values()
    # then
    assert form == {(one.code, one.field) for one in found if one.severity == "error"}


# The two acts


def test_a_new_salary_step_closes_the_open_one_and_moves_the_present_values(office):
    # given
    old = {"valid_from": "2023-10-01", "rank_code": "01.003", "step": 6, "coefficient": "3.99", "percent": "100.00"}
    hoa = office.hired(step_date="2023-10-01", salary_history=[old])
    new = {"valid_from": "01/10/2026", "rank_code": "01.003", "step": "7", "coefficient": "4,32", "decision_number": "12/QĐ-UBND"}
    # when
    document = written(office, hoa, {f"salary_history.n1.{name}": text for name, text in new.items()}, Act.RECORD).document
    # then
    assert [(row["valid_from"], row["valid_to"], row["step"]) for row in document["salary_history"]] == [
        ("2023-10-01", "2026-10-01", 6),
        ("2026-10-01", None, 7),
    ]
    assert (document["step"], document["coefficient"], document["step_date"], document["rank_date"]) == (7, "4.32", "2026-10-01", "2010-01-01")


def test_the_step_on_file_becomes_the_first_row_of_an_empty_history(office):
    # given
    hoa = office.hired()
    new = {"valid_from": "01/01/2028", "rank_code": "01.003", "step": "7", "coefficient": "4,32"}
    # when
    document = written(office, hoa, {f"salary_history.n1.{name}": text for name, text in new.items()}, Act.RECORD).document
    # then
    assert [(row["valid_from"], row["valid_to"], row["step"]) for row in document["salary_history"]] == [
        ("2025-01-01", "2028-01-01", 6),
        ("2028-01-01", None, 7),
    ]


def test_a_new_post_closes_the_open_one_and_carries_the_unit_along(office):
    # given
    hoa = office.hired(postings=[posting(office.units["office"])])
    elsewhere = office.units["elsewhere"]
    office.users["clerk"].is_superuser = True
    new = {"title": "Phó Chánh Văn phòng", "unit": str(elsewhere.pk), "valid_from": "15/10/2026", "movement": "BN"}
    # when
    document = written(office, hoa, {f"postings.n1.{name}": text for name, text in new.items()}, Act.RECORD).document
    # then
    assert {(row["title"], row["valid_to"]) for row in document["postings"]} == {("Chuyên viên", "2026-10-15"), ("Phó Chánh Văn phòng", None)}
    assert (document["using_unit"], document["current_agency_date"], document["appoint_date"]) == (str(elsewhere.pk), "2026-10-15", "2026-10-15")


def test_retirement_is_the_end_of_the_open_post(office):
    # given
    hoa = office.hired()
    # when
    document = written(office, hoa, {"postings.0.valid_to": "31/10/2026", "postings.0.movement": "NH"}, Act.RECORD)
    # then
    assert [(row["valid_to"], row["movement"]) for row in document.document["postings"]] == [("2026-11-01", "NH")]
    assert not [one for one in draft_remarks(profile=hoa, written=document) if one.is_error]


FORBIDDEN = [
    ({"birth_date": "16/08/1985"}, Act.RECORD),
    ({"step": "7"}, Act.RECORD),
    ({"postings.0.title": "Trưởng phòng"}, Act.RECORD),
    ({"postings.0.gone": "1"}, Act.RECORD),
    ({"postings.9.title": "Trưởng phòng"}, Act.CORRECT),
    ({"nothing.n1.title": "Trưởng phòng"}, Act.CORRECT),
    ({"schema": "staff_profile/2"}, Act.CORRECT),
    ({"posting.title": "Trưởng phòng"}, Act.CORRECT),
    ({"photo": "a" * 64}, Act.CORRECT),
    ({"citizen_id": "066185000999"}, Act.OWN),
    ({"postings.n1.title": "Trưởng phòng"}, Act.OWN),
    ({"disciplines.0.gone": "1"}, Act.OWN),
]


def test_what_an_act_may_not_write_is_passed_over_whoever_sends_it(office):
    # given
    hoa = office.hired()
    base = document_at(key=hoa.pk, version=1)
    # when, then
    assert [(cells, act) for cells, act in FORBIDDEN if written(office, hoa, cells, act).document != base] == []


def test_a_correction_changes_what_was_written_and_nothing_else(office):
    # given
    hoa = office.hired()
    # when
    document = written(
        office, hoa, {"postings.n1.title": "Cán sự", "postings.n1.unit_name": "UBND huyện", "postings.n1.valid_from": "01/09/2008"}, Act.CORRECT
    )
    # then: the present post stays open, and the rules say that there are two
    assert all(row["valid_to"] is None for row in document.document["postings"])
    assert document.typed == document.document


# Drafts


def test_a_draft_survives_logging_out_and_is_its_authors_alone(office):
    # given
    hoa = office.hired()
    save(office, hoa, "identity", {"phone": "0987654321"})
    # when
    again = office.client("clerk").get(section(hoa, "identity")).content.decode()
    another = office.client("root").get(section(hoa, "identity")).content.decode()
    # then
    assert "0987654321" in again
    assert "chưa gửi" in again
    assert "0987654321" not in another


def test_remarks_come_back_beside_the_field(office):
    # given
    hoa = office.hired()
    # when
    answer = save(office, hoa, "identity", {"phone": "12"}).content.decode()
    # then
    beside = answer[answer.index('id="r-phone"') :].partition("</div>")[0]
    assert "data-wrong" in beside
    assert "không phải là số điện thoại" in beside


def test_two_windows_do_not_overwrite_each_other(office):
    # given: both opened before anything was saved
    hoa = office.hired()
    save(office, hoa, "identity", {"phone": "0987654321"})
    # when
    late = save(office, hoa, "identity", {"phone": "0911111111"})
    other_section = save(office, hoa, "family", {"marital_status": "2"})
    # then
    assert late.status_code == 409
    assert "cửa sổ khác" in late.content.decode()
    assert other_section.status_code == 200
    assert draft_of(office, hoa).cells == {"phone": "0987654321", "marital_status": "2"}


def test_a_window_does_not_meet_itself(office):
    """A save on its way while the form is sent: whichever comes first, the window's latest stands and nobody is told of another one."""
    # given
    hoa = office.hired()
    mine = {"window": "w1"}
    # when: the second save of the window arrives before its first
    later = save(office, hoa, "identity", {"phone": "0987654321", "tick": "2", **mine})
    earlier = save(office, hoa, "identity", {"phone": "0987", "tick": "1", **mine})
    # then
    assert (later.status_code, earlier.status_code) == (200, 200)
    assert draft_of(office, hoa).cells == {"phone": "0987654321"}
    assert save(office, hoa, "identity", {"phone": "0911111111", "tick": "3", "window": "w2"}).status_code == 409


def test_a_file_that_moved_on_says_so_and_the_draft_is_brought_along(office):
    # given: a draft on version 1, and a version 2 by somebody else
    trips = [{"valid_from": "2018-05-01", "country": "Lào"}, {"valid_from": "2019-05-01", "country": "Anh"}]
    hoa = office.hired(foreign_trips=trips)
    base = document_at(key=hoa.pk, version=1)["foreign_trips"]
    laos, england = (next(place for place, row in enumerate(base) if row["country"] == name) for name in ("Lào", "Anh"))
    save(office, hoa, "identity", {"phone": "0987654321", "religion": "01"})
    save(office, hoa, "history", {f"foreign_trips.{laos}.purpose": "Du lịch", f"foreign_trips.{england}.purpose": "Học tập"})
    moved(office, hoa, {"phone": "0900000001", "foreign_trips": [{"valid_from": "2019-05-01", "country": "Anh"}]})
    # when
    page = office.client("clerk").get(section(hoa, "identity")).content.decode()
    with pytest.raises(drafts.MovedOn):
        send(office, hoa, Act.CORRECT, reason="thử")
    rebased = drafts.draft_rebase(actor=office.users["clerk"], profile=hoa, act=Act.CORRECT)
    document = written(office, hoa, rebased.draft.cells, Act.CORRECT).document
    # then: nothing typed is lost, and what both changed is named
    assert "phiên bản 2" in page
    assert set(rebased.conflicts) == {"phone", "foreign_trips.n1.purpose"}
    assert (document["phone"], document["religion"]) == ("0987654321", "01")
    assert {(row["country"], row["purpose"]) for row in document["foreign_trips"]} == {("Lào", "Du lịch"), ("Anh", "Học tập")}


def moved(office, profile, patch):
    """A new version of the file, by a check of the program."""

    proposal = Proposal(kind="staff_profile", key=profile.pk, patch=patch)
    staged = request_stage(actor=None, system="test", allowed=OrgUnit.objects.all(), unit=office.units["agency"], title="khác", proposals=[proposal])
    request_submit(actor=None, request_id=staged.request.pk, system_stage="test")
    request_approve_by_system(request_id=staged.request.pk)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    request_apply(request_id=staged.request.pk)
    profile.refresh_from_db()


def test_a_withdrawn_request_gives_its_content_back(office):
    # given
    hoa = office.hired()
    save(office, hoa, "identity", {"phone": "0987654321"})
    request = send(office, hoa, Act.CORRECT, reason="thử", submit=False).request
    client = office.client("clerk")
    assert client.post(reverse("registry:take_up", args=[request.pk])).url == reverse("workflows:request_detail", args=[request.pk])  # not yet
    client.post(reverse("workflows:request_withdraw", args=[request.pk]))
    # when
    answer = client.post(reverse("registry:take_up", args=[request.pk]))
    # then
    assert answer.url == reverse("registry:edit_review", args=[hoa.pk, "correct"])
    assert draft_of(office, hoa).cells == {"phone": "0987654321"}
    assert office.client("stranger").post(reverse("registry:take_up", args=[request.pk])).status_code == 404


def test_the_review_says_what_changes_who_decides_and_sends_it(office):
    # given
    hoa = office.hired()
    save(office, hoa, "identity", {"phone": "0987654321"}, act="record")
    there = reverse("registry:edit_review", args=[hoa.pk, "record"])
    client = office.client("clerk")
    # when
    page = client.get(there).content.decode()
    wrong_day = client.post(there, {"effective_on": "31/02/2027"})
    answer = client.post(there, {"effective_on": "01/01/2027"})
    # then
    assert "0912345678" in page
    assert "0987654321" in page
    assert office.users["supervisor"].display_name in page
    assert wrong_day.status_code == 422
    request = ChangeRequest.objects.order_by("-number").first()
    assert answer.url == reverse("workflows:request_detail", args=[request.pk])
    assert (request.act, request.state, request.effective_on) == (Act.RECORD, RequestState.IN_REVIEW, date(2027, 1, 1))
    assert not Draft.objects.filter(request=None).exists()
    assert "Cập nhật biến động" in client.get(answer.url).content.decode()


def test_a_mistake_keeps_the_draft_from_being_sent(office):
    # given
    hoa = office.hired()
    save(office, hoa, "identity", {"phone": "12"})
    before = ChangeRequest.objects.count()
    # when
    answer = office.client("clerk").post(reverse("registry:edit_review", args=[hoa.pk, "correct"]), {"reason": "thử"})
    # then
    assert answer.status_code == 422
    assert "không phải là số điện thoại" in answer.content.decode()
    assert ChangeRequest.objects.count() == before


# What is masked


def test_masked_values_stand_in_the_form_only_once_they_were_asked_for(office):
    # given
    hoa = office.hired(family=[{"relation": "03", "full_name": "Nguyễn Văn Cha"}], health="Tốt")
    client = office.client("clerk")
    hidden = client.get(section(hoa, "family")).content.decode()
    # when
    client.post(reverse("registry:edit_reveal", args=[hoa.pk, "correct", "family"]))
    shown = client.get(section(hoa, "family")).content.decode()
    # then
    assert "Nguyễn Văn Cha" not in hidden
    assert "Nguyễn Văn Cha" in shown
    assert "Tốt" not in client.get(section(hoa, "health")).content.decode()
    assert set(ReadEvent.objects.filter(action="reveal", key=hoa.pk).values_list("what", flat=True)) == {"family", "in_laws"}


def test_an_empty_masked_field_means_as_it_was(office):
    # given
    hoa = office.hired(health="Tốt")
    # when
    save(office, hoa, "health", {"health": "", "height_cm": "165"})
    # then
    assert draft_of(office, hoa).cells == {"height_cm": "165"}


def test_a_mistake_in_a_masked_field_names_what_was_typed(office):
    # given: the height on file is masked
    hoa = office.hired(height_cm=160)
    # when
    answer = save(office, hoa, "health", {"height_cm": "999"}).content.decode()
    # then
    assert "999 không phải là chiều cao" in answer


# What may be picked


def test_an_old_name_leads_to_the_area_of_today(office):
    # given
    area_make("2025-24121", "Tân Lập")
    client = office.client("clerk")
    # when
    old = client.get(reverse("registry:pick", args=["area"]), {"q": "ea kao"}).content.decode()
    nothing = client.get(reverse("registry:pick", args=["area"]), {"q": "zzz"}).content.decode()
    # then
    assert "Ea Kao" in old
    assert 'role="option"' not in nothing


def test_a_unit_outside_my_sight_is_neither_offered_nor_taken(office):
    # given
    hoa = office.hired()
    elsewhere = office.units["elsewhere"]
    # when
    offered = office.client("clerk").get(reverse("registry:pick", args=["unit"]), {"q": "ea kao"}).content.decode()
    document = written(office, hoa, {"using_unit": str(elsewhere.pk)}, Act.CORRECT)
    # then
    assert elsewhere.name not in offered
    assert document.document["using_unit"] == str(office.units["office"].pk)
    assert [one.field for one in document.problems] == ["using_unit"]


def test_what_was_begun_is_on_the_home_page_while_one_may_edit_the_file(office):
    # given: the stranger once kept this file, and no longer does
    hoa = office.hired(birth_name="Nguyễn Thị Hoa")
    for who in ("clerk", "stranger"):
        Draft.objects.create(user=office.users[who], staff=hoa, act=Act.CORRECT, base_version=1, cells={"phone": "0987654321"})
    there = reverse("registry:edit_review", args=[hoa.pk, "correct"])
    # when, then
    shown = {who: there in office.client(who).get(reverse("admin:index")).content.decode() for who in ("clerk", "stranger")}
    assert shown == {"clerk": True, "stranger": False}


@pytest.mark.parametrize(
    ("cell", "text", "remedy"),
    [
        ("height_cm", "1m65", "165"),
        ("job_position_amount", "nhiều", "9.500.000"),
        ("salary_history.n1.coefficient", "2,3,4", "2,34"),
        ("home_town_area", "không có", "chọn trong danh sách"),
    ],
)
def test_what_cannot_be_read_says_how_it_is_written(office, cell, text, remedy):
    hoa = office.hired()
    remarks = draft_remarks(profile=hoa, written=written(office, hoa, {cell: text}, Act.CORRECT))
    (told,) = [one for one in remarks if one.name == cell and text in one.message]
    assert remedy in told.repair
