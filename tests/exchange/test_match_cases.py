"""What people do about a difference: a correction that takes the gate, a dispute with a term; who may, and who sees what."""

from __future__ import annotations

import io
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from openpyxl import load_workbook

from exchange.choices import DisputeState, MatchOutcome, MatchOwner
from exchange.models import MatchDispute, PopulationMatch, RegisterEntry
from exchange.selectors.matching import match_sentence, papers_named, queue, standing
from exchange.services.match_cases import MatchRefused, matches_ask_again, matches_correct, matches_dispute
from tests.exchange.registers import PaperRegister, change, holds, matched, pass_time, register_make, round_
from tests.pages import Office
from workflows.choices import RequestState
from workflows.errors import NotAllowed
from workflows.models import AuditEvent, ReadEvent
from workflows.services.approval import manifest_prepare
from workflows.services.marks import mark_propose
from workflows.services.submission import request_withdraw

HELD = "Nguyễn Thị Hòa Bình"
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40 + b"IEND\xaeB`\x82"


@pytest.fixture
def office(db) -> Office:
    return Office.open()


@pytest.fixture
def channel(office):
    return register_make()


@pytest.fixture
def person(office, channel):
    """Somebody whose name the database writes otherwise."""
    person = office.hired(birth_name="Nguyễn Thị Hoa")
    round_(channel, PaperRegister(says=holds(birth_name=HELD)))
    return person


def png(name="thẻ căn cước.png"):
    return SimpleUploadedFile(name, PNG, content_type="image/png")


def test_a_correction_is_a_request_with_the_answer_as_its_ground_and_changes_nothing_itself(office, person):
    # when
    made = matches_correct(actor=office.users["clerk"], keys=[person.pk], note="Đã xem thẻ căn cước", files=[png()])
    # then
    request = made.request
    assert (request.state, request.author, request.count) == (RequestState.IN_REVIEW, office.users["clerk"], 1)
    assert request.reason.endswith("Đã xem thẻ căn cước")
    match = PopulationMatch.objects.get(staff=person)
    assert match.correction == request
    assert request.evidence["population"][0]["question"] == str(match.entry_id)
    assert request.evidence["attachments"]
    person.refresh_from_db()
    assert person.birth_name == "Nguyễn Thị Hoa"
    assert "chờ quyết định" in match_sentence(match)
    # and the approver finds it as any other
    assert manifest_prepare(actor=office.users["supervisor"], request_id=request.pk).body


def test_who_has_no_value_to_take_over_or_is_being_changed_is_left_out_with_the_reason(office, channel, person):
    # given
    unknown = office.hired()
    round_(channel, PaperRegister(says=lambda one: {"code": "ID_NOT_FOUND"}))
    # when
    made = matches_correct(actor=office.users["clerk"], keys=[person.pk, unknown.pk])
    again = matches_correct(actor=office.users["clerk"], keys=[person.pk])
    # then
    assert made.request.count == 1
    assert set(made.left_out) == {unknown.pk}
    assert again.request is None
    assert "đang có thay đổi khác" in again.left_out[person.pk]


def test_a_year_alone_is_never_taken_over(office, channel):
    person = office.hired()
    round_(channel, PaperRegister(says=holds("DOB_DIFF", birth_date="1960")))
    made = matches_correct(actor=office.users["clerk"], keys=[person.pk])
    assert made.request is None


def test_once_the_file_says_what_the_database_holds_the_person_matches_and_a_withdrawn_correction_is_forgotten(office, channel, person):
    # given
    made = matches_correct(actor=office.users["clerk"], keys=[person.pk])
    request_withdraw(actor=office.users["clerk"], request_id=made.request.pk)
    assert "chờ quyết định" not in match_sentence(PopulationMatch.objects.select_related("correction").get(staff=person))
    # when
    change(office, person, birth_name=HELD)
    register = PaperRegister(says=holds(birth_name=HELD))
    round_(channel, register, wait=False)
    # then
    match = PopulationMatch.objects.get(staff=person)
    assert (match.outcome, match.correction, len(register.asked)) == (MatchOutcome.MATCHED, None, 1)


def test_who_differs_is_asked_about_again_after_a_week_and_who_matches_is_not(office, channel, person):
    # given
    office.hired(birth_name="Lê Văn Khớp")
    register = PaperRegister(says=lambda one: matched(one) if one["birth_name"] == "Lê Văn Khớp" else holds(birth_name=HELD)(one))
    round_(channel, register, wait=False)
    register.asked.clear()
    # when
    pass_time(6 * 86_400)
    round_(channel, register, wait=False)
    before = len(register.asked)
    pass_time(2 * 86_400)
    round_(channel, register, wait=False)
    # then
    assert (before, [one["birth_name"] for one in register.asked]) == (0, ["Nguyễn Thị Hoa"])


def test_a_dispute_gives_the_police_their_term_and_ends_when_the_database_is_mended(office, channel, person):
    # when
    assert matches_dispute(actor=office.users["clerk"], keys=[person.pk], reason="Thẻ căn cước ghi như hồ sơ", file=png()) == 1
    # then
    dispute = MatchDispute.objects.get()
    assert (dispute.state, dispute.match.owner) == (DisputeState.OPEN, MatchOwner.POLICE)
    assert dispute.due_on.weekday() < 5
    assert list(papers_named()) == [dispute.sha256]
    with pytest.raises(MatchRefused, match="tranh chấp rồi"):
        matches_dispute(actor=office.users["clerk"], keys=[person.pk], reason="Lần nữa")
    # when the database holds what the file says
    round_(channel, PaperRegister())
    # then
    dispute.refresh_from_db()
    assert (dispute.state, PopulationMatch.objects.get(staff=person).outcome) == (DisputeState.UPHELD, MatchOutcome.MATCHED)


def test_a_correction_gives_an_open_dispute_up(office, person):
    matches_dispute(actor=office.users["clerk"], keys=[person.pk], reason="Hồ sơ đúng")
    matches_correct(actor=office.users["clerk"], keys=[person.pk])
    assert MatchDispute.objects.get().state == DisputeState.DROPPED
    assert PopulationMatch.objects.get(staff=person).owner == MatchOwner.AGENCY


def test_a_dispute_wants_a_reason(office, person):
    with pytest.raises(MatchRefused, match="Viết một câu"):
        matches_dispute(actor=office.users["clerk"], keys=[person.pk], reason="  ")


def test_nobody_acts_without_the_right_to_edit_there(office, person):
    for who in ("supervisor", "operator", "auditor", "stranger", "nobody"):
        actor = office.users[who]
        with pytest.raises(NotAllowed):
            matches_correct(actor=actor, keys=[person.pk])
        with pytest.raises(NotAllowed):
            matches_dispute(actor=actor, keys=[person.pk], reason="x")
        with pytest.raises(NotAllowed):
            matches_ask_again(actor=actor, keys=[person.pk])


def test_asking_again_asks_although_nothing_changed(office, channel, person):
    register = PaperRegister()
    matches_ask_again(actor=office.users["clerk"], keys=[person.pk])
    round_(channel, register, wait=False)
    assert PopulationMatch.objects.get(staff=person).outcome == MatchOutcome.MATCHED


def test_the_figures_count_what_one_sees_and_their_lists_hold_as_many(office, channel, person):
    # given
    office.hired()
    round_(channel, PaperRegister())
    for who, seen in (("clerk", 2), ("stranger", 0), ("root", 2)):
        user = office.users[who]
        # when
        figures = standing(user=user, unit=None)
        # then
        assert figures.total == seen
        assert sum(one.people for one in figures.units) == seen
        for outcome, count in figures.outcomes:
            assert queue(user=user, unit=None, outcome=outcome).count() == count
    figures = standing(user=office.users["clerk"], unit=office.units["agency"])
    assert (figures.matched, figures.share) == (1, 50.0)


def test_what_the_database_holds_is_seen_by_who_prepares_or_decides_and_the_number_in_full_by_nobody(office, person):
    for who, sees in (("clerk", True), ("supervisor", True), ("auditor", False), ("operator", False)):
        page = office.client(who).get(reverse("exchange:match_list")).content.decode()
        assert (HELD in page) == sees
        assert person.birth_name in page
        assert person.citizen_id not in page
        detail = office.client(who).get(reverse("exchange:match_detail", args=[person.pk])).content.decode()
        assert (HELD in detail) == sees
        assert person.citizen_id not in detail


def test_opening_a_case_is_in_the_read_log_and_the_raw_answer_wants_a_reason(office, person):
    # given
    client, entry = office.client("clerk"), RegisterEntry.objects.get(staff=person)
    client.get(reverse("exchange:match_detail", args=[person.pk]))
    assert ReadEvent.objects.filter(key=person.pk, what="population").count() == 1
    address = reverse("exchange:match_answer", args=[person.pk, entry.pk])
    # when
    refused = client.post(address)
    shown = client.post(address, {"reason": "verify"})
    # then
    assert (refused.status_code, shown.status_code) == (302, 200)
    assert person.citizen_id in shown.content.decode()
    assert HELD in shown.content.decode()
    assert list(ReadEvent.objects.filter(what="population_answer").values_list("reason", flat=True)) == ["verify"]
    assert office.client("auditor").post(address, {"reason": "verify"}).status_code == 404


def test_the_queue_as_a_workbook_holds_no_number_in_full_and_leaves_the_marked_out(office, channel, person):
    # given
    hidden = office.hired(birth_name="Trần Văn Kín")
    round_(channel, PaperRegister(says=holds(birth_name=HELD)))
    mark_propose(actor=office.users["clerk"], kind="staff_profile", key=hidden.pk, unit=office.units["office"], reason="Danh mục bí mật")
    # when
    answer = office.client("clerk").post(reverse("exchange:match_export"))
    # then
    rows = list(load_workbook(io.BytesIO(answer.content)).active.iter_rows(values_only=True))
    assert [row[0] for row in rows[1:]] == [person.birth_name]
    assert rows[1][2].endswith(person.citizen_id[-3:])
    assert not re.search(r"\d{12}", str(rows))
    assert rows[1][7] == HELD
    assert ReadEvent.objects.filter(action="export", what="matching").count() == 1
    assert AuditEvent.objects.filter(action="matches.exported").exists()


def test_the_page_corrects_several_at_once_and_says_what_became_of_each(office, channel, person):
    # given
    other = office.hired()
    round_(channel, PaperRegister(says=lambda one: {"code": "DUPLICATE_ID"} if one["citizen_id"] == other.citizen_id else matched(one)))
    client = office.client("clerk")
    # when
    answer = client.post(reverse("exchange:match_act"), {"act": "correct", "key": [person.pk, other.pk]}, follow=True)
    # then
    text = answer.content.decode()
    assert "1 người chưa sửa được" in text
    assert PopulationMatch.objects.get(staff=person).correction is not None
    nothing = client.post(reverse("exchange:match_act"), {"act": "correct"}, follow=True)
    assert "Hãy đánh dấu người trước" in nothing.content.decode()


def test_the_form_leads_back_to_our_own_pages_only(office, person):
    client = office.client("clerk")
    for wanted in ("https://elsewhere.example/", "//elsewhere.example/x", "javascript:alert(1)"):
        answer = client.post(reverse("exchange:match_act"), {"act": "again", "key": person.pk, "next": wanted})
        assert answer.url == reverse("exchange:match_list")


def test_a_person_s_page_says_in_one_sentence_how_they_stand(office, person):
    page = office.client("clerk").get(reverse("registry:staff_detail", args=[person.pk])).content.decode()
    assert "Lệch họ tên" in page


def test_the_paper_of_a_dispute_is_for_who_works_on_the_file(office, person):
    matches_dispute(actor=office.users["clerk"], keys=[person.pk], reason="Hồ sơ đúng", file=png())
    address = reverse("exchange:match_paper", args=[person.pk, MatchDispute.objects.get().pk])
    shown = office.client("clerk").get(address)
    assert b"".join(shown.streaming_content) == PNG
    assert "sandbox" in shown["Content-Security-Policy"]
    assert office.client("auditor").get(address).status_code == 404


def test_a_hub_compares_nobody(office, settings):
    settings.ROLE = "hub"
    client = office.client("clerk")
    assert client.get(reverse("exchange:match_list")).status_code == 404
    assert "Đối khớp dân cư" not in client.get(reverse("admin:index")).content.decode()
