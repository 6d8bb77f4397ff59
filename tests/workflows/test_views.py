"""The pages of change requests: what each person may press, what is shown, and what a refusal says."""

from __future__ import annotations

import base64

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils.html import escape

from tests.pages import Office
from tests.workflows.certificates import World
from workflows.choices import RequestState
from workflows.models import AuditEvent, Manifest
from workflows.services.approval import manifest_prepare

pytestmark = pytest.mark.django_db


@pytest.fixture
def office() -> Office:
    return Office.open()


def address(name: str, request, *more) -> str:
    return reverse(f"workflows:{name}", args=[request.pk, *more])


def page(office: Office, who: str, there: str, **query) -> str:
    answer = office.client(who).get(there, query)
    assert answer.status_code == 200
    return answer.content.decode()


def button(name: str, request) -> str:
    return f'action="{address(name, request)}"'


def test_the_author_may_submit_and_withdraw_and_the_approver_not_yet_decide(office):
    # given
    request = office.ready(office.document())
    # when
    pages = {who: page(office, who, address("request_detail", request)) for who in ("clerk", "supervisor")}
    # then
    assert button("request_submit", request) in pages["clerk"]
    assert button("request_withdraw", request) in pages["clerk"]
    assert not any(button(name, request) in pages["supervisor"] for name in ("request_submit", "request_withdraw", "request_prepare"))


def test_what_is_submitted_can_be_decided_by_the_approver_alone(office):
    # given
    request = office.ready(office.document())
    # when
    office.client("clerk").post(address("request_submit", request))
    pages = {who: page(office, who, address("request_detail", request)) for who in ("clerk", "supervisor", "auditor")}
    # then
    assert {who for who, text in pages.items() if button("request_prepare", request) in text} == {"supervisor"}
    assert {who for who, text in pages.items() if button("request_return", request) in text} == {"supervisor"}
    assert button("request_withdraw", request) in pages["clerk"]


def test_a_new_record_shows_its_values_and_a_change_only_what_differs(office):
    # given
    hired = office.hired(birth_name="Nguyễn Thị Hoa", phone="0912345678")
    request = office.ready({"phone": "0987654321"}, office.document(birth_name="Trần Văn Bình"), keys=[hired.pk, office.units["office"].pk])
    # when
    text = page(office, "supervisor", address("request_detail", request))
    # then
    assert "<del>0912345678</del>" in text
    assert "<ins>0987654321</ins>" in text
    assert "Trần Văn Bình" in text
    assert "<del>Nguyễn Thị Hoa</del>" not in text
    assert "<ins>Nguyễn Thị Hoa</ins>" not in text


def test_codes_and_units_are_shown_in_words(office):
    # given
    request = office.ready(office.document(gender="2"))
    # when
    text = page(office, "supervisor", address("request_detail", request))
    # then
    assert "<ins>Nữ</ins>" in text
    assert "<ins>Văn phòng</ins>" in text
    assert "<ins>15/08/1985</ins>" in text


def test_items_come_fifty_at_a_time_by_leaf(office):
    # given
    request = office.ready(*(office.document() for _ in range(51)))
    # when
    first = page(office, "clerk", address("request_detail", request))
    second = page(office, "clerk", address("request_detail", request), after=49)
    # then
    assert (first.count('<details class="hs-item"'), second.count('<details class="hs-item"')) == (50, 1)
    assert 'href="?after=49"' in first
    assert 'href="?after=' not in second


def test_a_return_needs_a_reason_and_tells_it(office):
    # given
    request = office.submitted(office.document())
    client = office.client("supervisor")
    # when
    client.post(address("request_return", request), {"reason": "  "})
    request.refresh_from_db()
    still = request.state
    client.post(address("request_return", request), {"reason": "Thiếu quyết định <bổ nhiệm>"})
    request.refresh_from_db()
    # then
    assert (still, request.state) == (RequestState.IN_REVIEW, RequestState.RETURNED)
    assert escape("Thiếu quyết định <bổ nhiệm>") in page(office, "clerk", address("request_detail", request))


def test_whoever_wrote_a_part_sees_no_button_and_is_refused(office):
    # given: the author is a superuser, who holds every right
    request = office.ready(office.document(), actor="root")
    office.client("root").post(address("request_submit", request))
    # when
    answer = office.client("root").post(address("request_prepare", request), follow=True)
    # then
    assert button("request_prepare", request) not in answer.content.decode()
    assert "người khác phải quyết định" in answer.content.decode()
    assert not Manifest.objects.exists()


def test_the_signing_page_shows_what_is_signed(office):
    # given
    request = office.submitted(office.document(), office.document(), title="Cập nhật <quý IV>")
    # when
    answer = office.client("supervisor").post(address("request_prepare", request), follow=True)
    # then
    text = answer.content.decode()
    manifest = Manifest.objects.get()
    assert escape("Cập nhật <quý IV>") in text
    assert bytes(request.root).hex() in text
    assert f'data-signing-manifest="{base64.b64encode(bytes(manifest.body)).decode()}"' in text


def test_the_download_is_the_very_bytes(office):
    # given
    request = office.submitted(office.document())
    manifest = manifest_prepare(actor=office.users["supervisor"], request_id=request.pk)
    # when
    answer = office.client("supervisor").get(address("manifest_download", request, manifest.digest))
    # then
    assert answer.content == bytes(manifest.body)
    assert "attachment" in answer["Content-Disposition"]


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"signature": "kein Base64!"},
        {"signature": base64.b64encode(b"no signature").decode()},
        {"file": b"no signature"},
        {"file": b"-----BEGIN CMS-----\nAAAA\n-----END CMS-----\n"},
        {"file": b"0" * 100_000},
    ],
    ids=["nothing", "not base64", "not cms", "file", "pem", "too large"],
)
def test_what_is_no_signature_is_refused_and_says_why(office, sent, settings, tmp_path):
    # given
    settings.TRUST_DIRECTORY = World.make(tmp_path).trust
    request = office.submitted(office.document())
    manifest = manifest_prepare(actor=office.users["supervisor"], request_id=request.pk)
    form = {name: SimpleUploadedFile("a.p7s", value) if isinstance(value, bytes) else value for name, value in sent.items()}
    # when
    answer = office.client("supervisor").post(address("request_approve", request, manifest.digest), form, follow=True)
    # then
    assert answer.redirect_chain == [(address("request_sign", request, manifest.digest), 302)]
    assert 'role="alert"' in answer.content.decode()
    request.refresh_from_db()
    assert request.state == RequestState.IN_REVIEW
    assert AuditEvent.objects.filter(request=request, action="signature.refused").exists()


def test_a_manifest_prepared_for_somebody_else_is_not_found(office):
    # given
    request = office.submitted(office.document())
    manifest = manifest_prepare(actor=office.users["supervisor"], request_id=request.pk)
    # when
    statuses = {who: office.client(who).get(address("request_sign", request, manifest.digest)).status_code for who in ("clerk", "root", "stranger")}
    # then
    assert statuses == {"clerk": 404, "root": 404, "stranger": 404}


def test_the_list_holds_what_waits_for_me_what_is_mine_and_what_is_in_my_scope(office):
    # given
    ready, waiting = office.ready(office.document(), title="Còn là nháp"), office.submitted(office.document(), title="Đang chờ duyệt")
    there = reverse("workflows:request_list")
    seen = {
        (who, show): {one.title for one in (ready, waiting) if one.title in page(office, who, there, show=show)}
        for who in ("clerk", "supervisor", "stranger")
        for show in ("waiting", "mine", "all")
    }
    # then
    both = {"Còn là nháp", "Đang chờ duyệt"}
    assert seen == {
        ("clerk", "waiting"): set(),
        ("clerk", "mine"): both,
        ("clerk", "all"): both,
        ("supervisor", "waiting"): {"Đang chờ duyệt"},
        ("supervisor", "mine"): set(),
        ("supervisor", "all"): both,
        ("stranger", "waiting"): set(),
        ("stranger", "mine"): set(),
        ("stranger", "all"): set(),
    }


def test_the_progress_part_asks_again_while_the_workers_have_the_request(office):
    # given
    request = office.submitted(office.document())
    client = office.client("clerk")
    # when
    resting = client.get(address("request_progress", request)).content.decode()
    type(request).objects.filter(pk=request.pk).update(state=RequestState.CHECKING)
    working = client.get(address("request_progress", request)).content.decode()
    # then
    assert "data-finished" in resting
    assert "data-watch" not in resting
    assert f'data-watch="{address("request_progress", request)}"' in working
