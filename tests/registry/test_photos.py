"""The photograph: proposed like any change, kept by its hash, shown to who may view the file, and on paper."""

from __future__ import annotations

import hashlib
import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from pypdf import PdfReader

from registry.errors import PhotoRefused
from registry.models import StaffProfile
from registry.services.photos import photo_propose
from tests.pages import Office
from tests.pictures import png
from workflows.errors import EvidenceRefused
from workflows.models import ChangeItem, ReadEvent
from workflows.services.applying import request_apply
from workflows.services.approval import request_approve_by_system


@pytest.fixture(scope="module")
def office(committed_db) -> Office:
    return Office.open()


@pytest.fixture(scope="module")
def hoa(office):
    return office.hired(birth_name="Nguyễn Thị Hoa")


@pytest.fixture(autouse=True)
def _folder(settings, tmp_path):
    settings.VAR_DIRECTORY = tmp_path


def propose(office, profile, body):
    return photo_propose(actor=office.users["clerk"], profile=profile, file=SimpleUploadedFile("anh.png", body), name="anh.png")


def test_a_photograph_goes_through_the_gate_and_onto_paper(office, hoa):
    # given a picture that the clerk proposes on the page
    client, address = office.client("clerk"), reverse("registry:staff_photo", args=[hoa.pk])
    answer = client.post(address, {"photo": SimpleUploadedFile("anh.png", png())})
    item = ChangeItem.objects.filter(key=hoa.pk).latest("id")
    assert answer.url == reverse("workflows:request_detail", args=[item.request_id])
    sha256 = hashlib.sha256(png()).hexdigest()
    assert (item.changed, item.request.attachments.get().sha256) == (["photo"], sha256)
    picture = reverse("registry:staff_photo_file", args=[hoa.pk])
    assert client.get(picture).status_code == 404  # not on file before it is approved
    # when it is approved by a check of the program
    from workflows.services.submission import request_submit

    request_submit(actor=office.users["clerk"], request_id=item.request_id, system_stage="test")
    request_approve_by_system(request_id=item.request_id)
    request_apply(request_id=item.request_id)
    # then it is on file, for who may view the file
    shown = office.client("auditor").get(picture)
    assert (shown["Content-Type"], shown["X-Content-Type-Options"], b"".join(shown.streaming_content)) == ("image/png", "nosniff", png())
    assert "sandbox" in shown["Content-Security-Policy"]
    assert office.client("stranger").get(picture).status_code == 404
    assert ReadEvent.objects.filter(key=hoa.pk, what="photo").get().actor == office.users["auditor"]
    # and on paper
    for format_ in ("pdf", "docx"):
        printed = client.post(reverse("registry:staff_print", args=[hoa.pk]), {"form": "2c-bnv-2008", "format": format_})
        assert printed.status_code == 200
        assert b"media/image" in printed.content if format_ == "docx" else PdfReader(io.BytesIO(printed.content)).pages[0].images
    # a second time it is no change
    with pytest.raises(PhotoRefused, match=r"already|đã có"):
        propose(office, StaffProfile.objects.get(pk=hoa.pk), png())


@pytest.mark.parametrize(
    "body", [png()[:-20] + png()[-12:], b"%PDF-1.7 %%EOF", b"\x89PNG\r\n\x1a\n" + b"IEND\xaeB`\x82"], ids=["cut", "pdf", "hollow"]
)
def test_what_is_no_sound_picture_is_refused(office, hoa, body):
    with pytest.raises(PhotoRefused):
        propose(office, hoa, body)


def test_foreign_and_large_files_are_refused_with_the_reason_on_the_page(office, hoa, monkeypatch):
    with pytest.raises(EvidenceRefused):
        propose(office, hoa, b"GIF89a")
    monkeypatch.setattr("registry.services.photos.MOST_BYTES", 10)
    answer = office.client("clerk").post(reverse("registry:staff_photo", args=[hoa.pk]), {"photo": SimpleUploadedFile("a.png", png(7))})
    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode()


def test_only_editors_propose(office, hoa):
    address = reverse("registry:staff_photo", args=[hoa.pk])
    for who in ("auditor", "supervisor", "stranger"):
        assert office.client(who).post(address, {"photo": SimpleUploadedFile("a.png", png())}).status_code == 404
