"""The file of somebody who has none: begun by hand, written section by section, and nothing of it on record before the gate."""

from __future__ import annotations

import pytest
from django.urls import reverse

from registry.choices import Section
from registry.models import Draft, StaffProfile
from registry.schema import STAFF_PROFILE
from registry.selectors.drafts import base_texts, cell_parts, drafts_open, section_of
from registry.services.codes import codes_load
from tests.pages import Office
from tests.registry.people import posting
from workflows.choices import Act, Op, RequestState
from workflows.documents import parse
from workflows.models import ChangeRequest, ReadEvent

pytestmark = pytest.mark.django_db
HTMX = {"HTTP_HX_REQUEST": "true"}
NUMBER = "066185900001"


@pytest.fixture
def office() -> Office:
    codes_load()
    return Office.open()


def begin(office, who="clerk", **more):
    sent = {"name": "Trần  Thị Mới", "number": "066 185 900 001", "unit": str(office.units["office"].pk), **more}
    return office.client(who).post(reverse("registry:staff_new"), sent)


def begun(office) -> Draft:
    assert begin(office).status_code == 302
    return Draft.objects.get(user=office.users["clerk"], new_file__isnull=False, request=None)


def write(office, draft, document):
    """Type a whole document section by section, rows as new ones, as the browser sends them."""
    client = office.client("clerk")
    texts = base_texts(STAFF_PROFILE.merge(None, document))
    for number, part in enumerate(Section):
        cells = {}
        for name, text in texts.items():
            parts = cell_parts(name)
            if section_of(name) == part and text:
                cells[f"{parts[0]}.n{int(parts[1]) + 1}.{parts[2]}" if parts else name] = text
        there = reverse("registry:edit_section", args=[draft.key, Act.RECORD, part])
        answer = client.post(there, {"revision": 0, "base_version": 0, "window": "w", "tick": number + 1, **cells}, **HTMX)
        assert answer.status_code == 200, (part, answer.content)
    draft.refresh_from_db()
    return draft


def test_a_file_is_begun_once_and_nothing_is_on_record(office):
    # when: begun, and begun again
    draft = begun(office)
    again = begin(office)
    # then
    assert draft.cells == {"birth_name": "Trần Thị Mới", "citizen_id": NUMBER}
    assert again.url == reverse("registry:edit_section", args=[draft.key, "record", "identity"])
    assert Draft.objects.count() == 1
    assert not StaffProfile.objects.exists()
    assert [(one.name, one.place) for one in drafts_open(user=office.users["clerk"])] == [("Trần Thị Mới", office.units["office"])]


def test_every_section_opens_without_a_line_in_the_read_log(office):
    draft, client = begun(office), office.client("clerk")
    pages = [client.get(reverse("registry:edit_section", args=[draft.key, "record", part])) for part in Section]
    assert {page.status_code for page in pages} == {200}
    assert not ReadEvent.objects.exists()
    # what is missing is counted beside the sections, not told in boxes that nobody has reached yet
    assert "Trường này phải được điền" not in pages[0].content.decode()
    assert "ed-wrong" in pages[0].content.decode()


def test_a_whole_file_from_paper_goes_through_the_gate_once(office):
    # given
    wanted = office.document(citizen_id=NUMBER, birth_name="Trần Thị Mới", postings=[posting(office.units["office"])])
    draft = write(office, begun(office), wanted)
    client = office.client("clerk")
    there = reverse("registry:edit_review", args=[draft.key, "record"])
    # when
    shown = client.get(there)
    answer = client.post(there, {"reason": "Hồ sơ giấy số 12"})
    # then
    request = ChangeRequest.objects.get()
    assert shown.status_code == 200
    assert answer.url == reverse("workflows:request_detail", args=[request.pk])
    assert (request.state, request.act, request.title) == (RequestState.IN_REVIEW, Act.RECORD, "Hồ sơ mới của Trần Thị Mới")
    (item,) = request.items.select_related("document")
    assert (item.op, item.base_version, item.key) == (Op.CREATE, 0, draft.key)
    document = parse(bytes(item.document.body))
    assert {name: document[name] for name in wanted} == wanted
    # and the draft has done its work
    assert not drafts_open(user=office.users["clerk"]).exists()
    assert client.get(there).status_code == 404


def test_what_is_missing_is_told_all_at_once_before_it_is_sent(office):
    draft = begun(office)
    there = reverse("registry:edit_review", args=[draft.key, "record"])
    page = office.client("clerk").post(there, {})
    assert page.status_code == 422
    missing = {one.name for one in page.context["errors"]}
    assert {"gender", "birth_date", "ethnicity", "first_recruit_date", "personnel_type"} <= missing
    assert not ChangeRequest.objects.exists()


def test_a_present_step_follows_from_its_row(office):
    draft, client = begun(office), office.client("clerk")
    cells = {"salary_history.n1.valid_from": "01/01/2025", "salary_history.n1.rank_code": "01.003", "salary_history.n1.step": "6"}
    there = reverse("registry:edit_section", args=[draft.key, "record", Section.PAY])
    client.post(there, {"revision": 0, "base_version": 0, **cells, "salary_history.n1.coefficient": "3,99"}, **HTMX)
    page = client.get(reverse("registry:edit_review", args=[draft.key, "record"]))
    assert {one.name for one in page.context["follows"]} >= {"rank_code", "step", "coefficient", "step_date"}


@pytest.mark.parametrize(("sent", "said"), [({"name": " "}, "họ và tên"), ({"number": "06618590000"}, "12 chữ số"), ({"unit": "x"}, "đơn vị")])
def test_what_cannot_begin_says_why(office, sent, said):
    page = begin(office, **sent)
    assert page.status_code == 422
    assert said in page.content.decode()
    assert not Draft.objects.exists()


def test_who_has_a_file_is_led_to_it(office):
    hoa = office.hired()
    page = begin(office, number=hoa.citizen_id)
    assert page.status_code == 422
    assert reverse("registry:staff_detail", args=[hoa.pk]) in page.content.decode()


def test_a_draft_is_its_authors_alone(office):
    # given
    draft = begun(office)
    there = reverse("registry:edit_section", args=[draft.key, "record", "identity"])
    # then: nobody else's, no other act, no page of the file itself
    assert office.client("root").get(there).status_code == 404
    assert office.client("clerk").get(there.replace("record", "correct")).status_code == 404
    assert office.client("clerk").get(reverse("registry:staff_detail", args=[draft.key])).status_code == 404
    assert begin(office, who="stranger").status_code == 422


def test_what_does_not_fit_a_new_file_changes_nothing(office):
    draft, client = begun(office), office.client("clerk")
    assert client.post(reverse("registry:edit_rebase", args=[draft.key, "record"])).status_code == 302
    assert client.post(reverse("registry:edit_reveal", args=[draft.key, "record", "identity"])).status_code == 302
    draft.refresh_from_db()
    assert (draft.base_version, draft.revealed, ReadEvent.objects.count()) == (0, [], 0)


def test_thrown_away_it_is_gone(office):
    draft = begun(office)
    answer = office.client("clerk").post(reverse("registry:edit_discard", args=[draft.key, "record"]))
    assert answer.url == reverse("registry:staff_list")
    assert not Draft.objects.exists()


def test_withdrawn_it_is_taken_up_again(office):
    # given
    wanted = office.document(citizen_id=NUMBER, postings=[posting(office.units["office"])])
    draft, client = write(office, begun(office), wanted), office.client("clerk")
    client.post(reverse("registry:edit_review", args=[draft.key, "record"]), {})
    request = ChangeRequest.objects.get()
    client.post(reverse("workflows:request_withdraw", args=[request.pk]))
    # when
    answer = client.post(reverse("registry:take_up", args=[request.pk]))
    # then
    assert answer.url == reverse("registry:edit_review", args=[draft.key, "record"])
    assert client.get(answer.url).status_code == 200
