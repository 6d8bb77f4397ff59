"""A person's own account: their own file and nobody else's, their own fields and none of the agency's, and the same gate."""

from __future__ import annotations

import pytest
from django.urls import reverse

from registry.models import Confirmation, Draft
from registry.services import drafts
from registry.services.codes import codes_load
from tests.factories import user_make
from tests.pages import Office
from workflows.choices import Act, RequestState
from workflows.errors import NotAllowed
from workflows.models import AuditEvent, ChangeRequest
from workflows.services.approval import manifest_prepare, request_approve

pytestmark = pytest.mark.django_db
HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def office() -> Office:
    codes_load()
    return Office.open()


@pytest.fixture
def hoa(office):
    """A person on file with an account and no right whatever."""
    profile = office.hired(birth_name="Nguyễn Thị Hoa", health="Tốt", family=[{"relation": "03", "full_name": "Nguyễn Văn Cha"}])
    office.users["hoa"] = user_make("hoa", personal_number=profile.citizen_id)
    return profile


def declare(office, profile, cells, *, section="identity", revision=0):
    there = reverse("registry:edit_section", args=[profile.pk, "own", section])
    return office.client("hoa").post(there, {"revision": revision, "base_version": profile.version, **cells}, **HTMX)


def sent(office, profile) -> ChangeRequest:
    office.client("hoa").post(reverse("registry:edit_review", args=[profile.pk, "own"]))
    return ChangeRequest.objects.order_by("-number").first()


def test_one_reads_ones_own_file_in_full_and_who_read_it(office, hoa):
    # given
    office.client("clerk").get(reverse("registry:staff_detail", args=[hoa.pk]))
    # when
    text = office.client("hoa").get(reverse("registry:mine")).content.decode()
    # then
    for shown in ("Nguyễn Thị Hoa", hoa.citizen_id, "Nguyễn Văn Cha", "Tốt", office.users["clerk"].display_name):
        assert shown in text


def test_an_account_of_nobody_on_file_sees_nobody(office, hoa):
    # given
    office.users["other"] = user_make("other", personal_number="066085999999")
    # when, then
    for who in ("other", "nobody", "clerk", "root"):
        assert "Nguyễn Thị Hoa" not in office.client(who).get(reverse("registry:mine")).content.decode()
        assert office.client(who).post(reverse("registry:mine_confirm")).status_code == 404


def test_the_key_of_another_file_is_as_unknown_as_none(office, hoa):
    # given
    binh = office.hired(birth_name="Trần Văn Bình")
    client = office.client("hoa")
    own = {"act": "own", "section": "identity"}
    addresses = [
        *(reverse("registry:edit_section", kwargs={"key": binh.pk, **own}), reverse("registry:edit_reveal", kwargs={"key": binh.pk, **own})),
        *(reverse(f"registry:{name}", args=[binh.pk, "own"]) for name in ("edit_review", "edit_discard", "edit_rebase")),
        *(reverse("registry:edit_section", args=[hoa.pk, act, "identity"]) for act in ("correct", "record")),
        *(reverse("registry:staff_detail", args=[hoa.pk]), reverse("registry:staff_edit", args=[hoa.pk])),
    ]
    # when, then: not even one's own file by the ways of those who keep files
    assert {address: client.get(address).status_code for address in addresses if client.get(address).status_code not in (404, 405)} == {}
    assert {address: client.post(address).status_code for address in addresses if client.post(address).status_code not in (404, 405)} == {}


def test_who_keeps_files_does_not_declare_for_others(office, hoa):
    for who in ("clerk", "root"):
        assert office.client(who).get(reverse("registry:edit_section", args=[hoa.pk, "own", "identity"])).status_code == 404


def test_a_declaration_is_checked_by_the_clerk_before_it_is_approved(office, hoa):
    # given
    declare(office, hoa, {"phone": "0987654321"})
    request = sent(office, hoa)
    stages = list(request.stages.values_list("action", flat=True))
    # when: the approver is not first, and the clerk decides without a signature
    with pytest.raises(NotAllowed):
        manifest_prepare(actor=office.users["supervisor"], request_id=request.pk)
    manifest = manifest_prepare(actor=office.users["clerk"], request_id=request.pk)
    request_approve(actor=office.users["clerk"], manifest_digest=bytes(manifest.digest))
    # then
    assert (request.act, request.state, request.author) == (Act.OWN, RequestState.IN_REVIEW, office.users["hoa"])
    assert stages == ["edit", "approve"]
    assert "Trình duyệt" not in office.client("hoa").get(reverse("registry:mine_request", args=[request.pk])).content.decode().partition("<h1")[0]
    assert manifest_prepare(actor=office.users["supervisor"], request_id=request.pk).stage == 2


AGENCYS = [
    ("identity", {"birth_date": "16/08/1990"}),
    ("identity", {"citizen_id": "066185000999"}),
    ("service", {"using_unit": "H15.71"}),
    ("service", {"postings.n1.title": "Chủ tịch"}),
    ("service", {"postings.0.title": "Chủ tịch"}),
    ("family", {"disciplines.n1.act": "x"}),
]


def test_a_field_of_the_agency_is_not_taken_from_a_declaration(office, hoa):
    # when
    for section, cells in AGENCYS:
        declare(office, hoa, cells, section=section)
    # then
    assert Draft.objects.get(user=office.users["hoa"]).cells == {}
    with pytest.raises(drafts.NothingChanged):
        drafts.draft_send(actor=office.users["hoa"], profile=hoa, act=Act.OWN)


def test_the_wall_behind_the_form_holds(office, hoa):
    # given: somebody put a file of another's, or a field of the agency, past the form
    binh = office.hired()
    # when, then
    with pytest.raises(NotAllowed):
        drafts._is_theirs({"step": 9}, hoa, office.users["hoa"])
    with pytest.raises(NotAllowed):
        drafts._is_theirs({"phone": "0911111111"}, binh, office.users["hoa"])
    with pytest.raises(NotAllowed):
        drafts.nothing_has_changed(actor=office.users["hoa"], profile=binh)


def test_what_another_declared_is_not_shown(office, hoa):
    # given
    declare(office, hoa, {"phone": "0987654321"})
    request = sent(office, hoa)
    binh = office.hired()
    office.users["binh"] = user_make("binh", personal_number=binh.citizen_id)
    there = [reverse("registry:mine_request", args=[request.pk]), reverse("workflows:request_detail", args=[request.pk])]
    # when, then
    assert [office.client("binh").get(address).status_code for address in there] == [404, 404]
    assert office.client("binh").post(reverse("registry:mine_withdraw", args=[request.pk])).status_code == 404
    assert office.client("hoa").get(there[0]).status_code == 200


def test_nothing_has_changed_in_one_click(office, hoa):
    # when
    client = office.client("hoa")
    client.post(reverse("registry:mine_confirm"))
    client.post(reverse("registry:mine_confirm"))
    # then: once a day, and audited
    assert [(one.user.username, one.version) for one in Confirmation.objects.all()] == [("hoa", 1)]
    assert AuditEvent.objects.filter(action="profile.confirmed", key=hoa.pk).count() == 1
    # and who keeps the file sees it
    assert "xác nhận hồ sơ không có gì thay đổi" in office.client("clerk").get(reverse("registry:staff_detail", args=[hoa.pk])).content.decode()


def test_one_withdraws_and_goes_on_with_what_one_wrote(office, hoa):
    # given
    declare(office, hoa, {"phone": "0987654321"})
    request = sent(office, hoa)
    client = office.client("hoa")
    # when
    client.post(reverse("registry:mine_withdraw", args=[request.pk]))
    client.post(reverse("registry:take_up", args=[request.pk]))
    # then
    request.refresh_from_db()
    assert request.state == RequestState.WITHDRAWN
    assert Draft.objects.get(user=office.users["hoa"], request=None).cells == {"phone": "0987654321"}


def test_a_clerk_does_not_check_their_own_declaration(office):
    # given
    profile = office.hired()
    office.users["clerk"].personal_number = profile.citizen_id
    office.users["clerk"].save()
    office.users["hoa"] = office.users["clerk"]
    declare(office, profile, {"phone": "0987654321"})
    request = sent(office, profile)
    # when, then
    with pytest.raises(NotAllowed):
        manifest_prepare(actor=office.users["clerk"], request_id=request.pk)
