"""One decision about many people: worked out, judged person by person, sent as one request or not at all."""

from __future__ import annotations

from datetime import date

import pytest
from django.urls import reverse

from registry.choices import DecisionKind
from registry.models import DecisionDraft
from registry.selectors.decisions import decision_lines, people_due
from registry.services import decisions
from registry.services.codes import codes_load
from tests.pages import Office
from workflows.choices import Act, RequestState
from workflows.documents import parse
from workflows.models import ChangeRequest

pytestmark = pytest.mark.django_db
COMMON = {"decision_number": "12/QĐ-UBND", "decision_date": "01/10/2026", "valid_from": "01/10/2026"}


@pytest.fixture
def office() -> Office:
    codes_load()
    return Office.open()


def begun(office, *people, kind=DecisionKind.SALARY_STEP, common=COMMON, who="clerk"):
    draft = decisions.decision_begin(actor=office.users[who], kind=kind, keys=[one.pk for one in people])
    return decisions.decision_save(draft=draft, sent={f"common.{name}": text for name, text in common.items()})


def send(office, draft, *, submit=True):
    return decisions.decision_send(actor=office.users["clerk"], draft=draft, submit=submit)


def test_a_salary_step_of_many_is_one_request_with_everything_that_follows(office):
    # given
    people = [office.hired(step_date="2023-10-01"), office.hired(step=3, coefficient="3.00", step_date="2023-09-01")]
    # when
    request = send(office, begun(office, *people))
    # then
    after = {item.key: parse(bytes(item.document.body)) for item in request.items.select_related("document")}
    assert (request.state, request.act, request.count) == (RequestState.IN_REVIEW, Act.RECORD, 2)
    assert request.title == "Nâng bậc lương, quyết định số 12/QĐ-UBND: 2 người"
    assert [(after[one.pk]["step"], after[one.pk]["coefficient"], after[one.pk]["step_date"]) for one in people] == [
        (7, "4.32", "2026-10-01"),
        (4, "3.33", "2026-10-01"),
    ]
    assert [row["valid_to"] for row in after[people[0].pk]["salary_history"]] == ["2026-10-01", None]
    assert not DecisionDraft.objects.filter(request=None).exists()


def test_one_persons_mistake_is_told_of_that_person_and_nothing_is_sent(office):
    # given
    right, wrong = office.hired(), office.hired()
    draft = begun(office, right, wrong)
    draft = decisions.decision_save(draft=draft, sent={f"{wrong.pk}.coefficient": "9,99"})
    before = ChangeRequest.objects.count()
    # when
    remarks = {
        line.profile.pk: [one.code for one in line.remarks if one.is_error] for line in decision_lines(draft=draft, user=office.users["clerk"])
    }
    with pytest.raises(decisions.DecisionIncomplete):
        send(office, draft)
    # then
    assert remarks == {right.pk: [], wrong.pk: ["SALARY_COEFFICIENT"]}
    assert ChangeRequest.objects.count() == before


def test_what_the_gate_refuses_of_one_refuses_all(office):
    # given: another open request already changes one of them
    free, busy = office.hired(), office.hired()
    draft = begun(office, free, busy)
    office.submitted({"phone": "0987654321"}, keys=[busy.pk])
    before = ChangeRequest.objects.count()
    # when
    with pytest.raises(decisions.PeopleRefused) as refused:
        send(office, draft)
    # then
    assert {key: [one.code for one in found] for key, found in refused.value.found.items()} == {busy.pk: ["RECORD_BUSY"]}
    assert ChangeRequest.objects.count() == before
    assert DecisionDraft.objects.get(pk=draft.pk).request is None


@pytest.mark.parametrize(
    ("kind", "common", "own", "changed"),
    [
        (DecisionKind.EVALUATION, {"year": "2025", "decision_number": "5/QĐ"}, {"grade": "01"}, ["annual_results"]),
        (DecisionKind.APPOINTMENT, COMMON, {"title": "Phó Chánh Văn phòng", "movement": "BN"}, ["appoint_date", "postings"]),
    ],
)
def test_the_other_kinds(office, kind, common, own, changed):
    # given
    hoa = office.hired()
    draft = begun(office, hoa, kind=kind, common=common)
    unit = {"unit": str(office.units["office"].pk)} if kind == DecisionKind.APPOINTMENT else {}
    draft = decisions.decision_save(draft=draft, sent={f"{hoa.pk}.{name}": text for name, text in {**own, **unit}.items()})
    # when
    (item,) = send(office, draft).items.all()
    # then
    assert item.changed == changed


def test_nobody_outside_my_units_is_picked(office):
    # given
    mine, stranger = office.hired(), office.hired()
    # when
    draft = begun(office, mine, stranger, who="stranger")
    # then
    assert draft.lines == {}


def test_people_ticked_in_the_list_come_along(office):
    # given
    first, second = office.hired(), office.hired()
    clerk, auditor = office.client("clerk"), office.client("auditor")
    # when
    listed = clerk.get(reverse("registry:staff_list")).content.decode()
    begun_page = clerk.post(reverse("registry:decision_new"), {"key": [str(first.pk)]}).content.decode()
    answer = clerk.post(reverse("registry:decision_new"), {"key": [str(first.pk)], "kind": DecisionKind.EVALUATION})
    # then
    assert all(f'form="pick" name="key" value="{one.pk}"' in listed for one in (first, second))
    assert 'name="key"' not in auditor.get(reverse("registry:staff_list")).content.decode()
    assert "Đã chọn 1 người" in begun_page
    draft = DecisionDraft.objects.get()
    assert (answer.url, list(draft.lines)) == (reverse("registry:decision", args=[draft.pk]), [str(first.pk)])


def test_a_person_is_taken_out_and_the_whole_is_undone_before_it_is_submitted(office):
    # given
    first, second = office.hired(), office.hired()
    draft = begun(office, first, second)
    client = office.client("clerk")
    # when
    client.post(reverse("registry:decision_people", args=[draft.pk]), {"remove": str(second.pk)})
    client.post(reverse("registry:decision_send", args=[draft.pk]), {"later": "1"})
    request = ChangeRequest.objects.order_by("-number").first()
    client.post(reverse("workflows:request_withdraw", args=[request.pk]))
    answer = client.post(reverse("registry:take_up", args=[request.pk]))
    # then
    assert request.count == 1
    assert answer.url == reverse("registry:decision", args=[draft.pk])
    assert list(DecisionDraft.objects.get(pk=draft.pk, request=None).lines) == [str(first.pk)]
    client.post(reverse("registry:decision_discard", args=[draft.pk]))
    assert not DecisionDraft.objects.exists()


def test_who_is_due_is_found_and_who_is_on_the_last_step_is_not(office):
    # given
    due = office.hired(step_date="2023-10-01")
    office.hired(step_date="2025-10-01")
    last = office.hired(step=9, coefficient="4.98", step_date="2020-10-01")
    # when, then
    assert people_due(user=office.users["clerk"], kind=DecisionKind.SALARY_STEP, by=date(2027, 1, 1)) == [due]
    assert people_due(user=office.users["clerk"], kind=DecisionKind.OVERFRAME, by=date(2027, 1, 1)) == [last]
    assert people_due(user=office.users["stranger"], kind=DecisionKind.SALARY_STEP, by=date(2027, 1, 1)) == []


def test_the_next_over_frame_share_is_worked_out_and_the_present_value_follows(office):
    # given: nobody's first share, and somebody's third
    first = office.hired(step=9, coefficient="4.98", step_date="2023-10-01")
    third = office.hired(step=9, coefficient="4.98", step_date="2018-10-01", overframe_percent=6, overframe_date="2025-10-01")
    draft = begun(office, first, third, kind=DecisionKind.OVERFRAME)
    # when
    request = send(office, draft)
    # then
    after = {item.key: parse(bytes(item.document.body)) for item in request.items.select_related("document")}
    assert [(after[one.pk]["overframe_percent"], after[one.pk]["overframe_date"]) for one in (first, third)] == [(5, "2026-10-01"), (7, "2026-10-01")]
    assert [(row["kind"], row["percent"], row["decision_number"]) for row in after[third.pk]["allowances"]] == [("07", "7.00", "12/QĐ-UBND")]


def test_two_windows_on_one_decision_do_not_overwrite_each_other(office):
    # given: two windows opened on the same draft
    hoa = office.hired()
    draft = decisions.decision_begin(actor=office.users["clerk"], kind=DecisionKind.SALARY_STEP, keys=[hoa.pk])
    there, client = reverse("registry:decision", args=[draft.pk]), office.client("clerk")

    def save(window, tick, number, where=there, **more):
        sent = {"revision": str(draft.revision), "window": window, "tick": str(tick), "common.decision_number": number, **more}
        return client.post(where, sent, HTTP_HX_REQUEST="true")

    # when: one saves twice, what it sent first comes in once more, then the other one saves, takes somebody out, and sends
    answers = [save("one", 1, "1/QĐ"), save("one", 2, "2/QĐ"), save("one", 1, "1/QĐ"), save("two", 1, "9/QĐ")]
    taken_out = save("two", 2, "9/QĐ", reverse("registry:decision_people", args=[draft.pk]), remove=str(hoa.pk))
    sent = save("two", 3, "9/QĐ", reverse("registry:decision_send", args=[draft.pk]))
    # then
    assert [answer.status_code for answer in (*answers, taken_out, sent)] == [200, 200, 200, 409, 409, 409]
    kept = DecisionDraft.objects.get(pk=draft.pk)
    assert (kept.common["decision_number"], list(kept.lines), kept.request) == ("2/QĐ", [str(hoa.pk)], None)


def test_the_page_saves_as_one_types_and_says_what_is_missing_once(office):
    # given
    people = [office.hired(), office.hired()]
    draft = decisions.decision_begin(actor=office.users["clerk"], kind=DecisionKind.SALARY_STEP, keys=[one.pk for one in people])
    there = reverse("registry:decision", args=[draft.pk])
    client = office.client("clerk")
    # when
    page = client.get(there).content.decode()
    saved = client.post(there, {"common.valid_from": "01/10/2026", f"{people[0].pk}.step": "8"}, HTTP_HX_REQUEST="true").content.decode()
    found = client.get(there, {"q": "nguyen"}).content.decode()
    # then
    assert 'value="4,32"' in page
    assert saved.count("Trường này phải được điền") == 1
    assert DecisionDraft.objects.get(pk=draft.pk).lines[str(people[0].pk)]["step"] == "8"
    assert 'name="key"' not in found  # both stand in it already
