"""Evidence: what is taken, kept once, frozen with its request, shown safely, and cleared away."""

from __future__ import annotations

import hashlib
import json
import os
import time

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, connection, transaction
from django.urls import reverse

from tests.pages import Office
from workflows.choices import AttachmentKind
from workflows.errors import EvidenceRefused, NotAllowed
from workflows.evidence_files import folder, path_of, sniffed
from workflows.models import Attachment, AuditEvent, ChangeRequest, ReadEvent, Seal
from workflows.services.attachments import attachment_add, attachment_remove, evidence_sweep, shown_name
from workflows.services.submission import request_submit

PDF = b"%PDF-1.7\n1 0 obj <<>> endobj\ntrailer <<>>\n%%EOF\n"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40 + b"IEND\xaeB`\x82"
JPEG = b"\xff\xd8\xff\xe0" + b"\0" * 40 + b"\xff\xd9"


@pytest.fixture(scope="module")
def office(committed_db) -> Office:
    return Office.open()


@pytest.fixture(autouse=True)
def _folder(settings, tmp_path):
    settings.VAR_DIRECTORY = tmp_path


@pytest.fixture
def ready(office) -> ChangeRequest:
    return office.ready(office.document())


def sent(body: bytes = PDF, name: str = "QĐ 12.pdf") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, body)


def attach(office, request, body=PDF, name="QĐ 12.pdf", who="clerk") -> Attachment:
    return attachment_add(actor=office.users[who], request_id=request.pk, file=sent(body, name), name=name)


@pytest.mark.parametrize(("body", "kind"), [(PDF, AttachmentKind.PDF), (PNG, AttachmentKind.PNG), (JPEG, AttachmentKind.JPEG)])
def test_what_a_file_is_follows_from_its_bytes(body, kind):
    assert sniffed(body[:1024], body[-2048:]) == kind


@pytest.mark.parametrize(
    "body",
    [b"<script>alert(1)</script>", b"MZ\x90\0", b"PK\x03\x04", PDF[:20], PNG[:30], b"\xff\xd8\xff\xe0 cut off", b"GIF89a", b" " + PDF, b"%PDF"],
)
def test_anything_else_is_refused_whatever_its_name(office, ready, body):
    with pytest.raises(EvidenceRefused, match="PDF, JPEG"):
        attach(office, ready, body, "qd.pdf")
    assert [path for path in folder().rglob("*") if path.is_file()] == []


def test_empty_and_too_large_files_are_refused(office, ready, settings):
    settings.EVIDENCE_MAX_BYTES = 60
    for body in (b"", PDF + b"\n" * 100 + b"%%EOF"):
        with pytest.raises(EvidenceRefused):
            attach(office, ready, body)
    assert ready.attachments.count() == 0


def test_the_same_bytes_are_stored_once_and_swept_when_nothing_names_them(office, ready):
    # given one file in two requests, twice in one of them
    other = office.ready(office.document())
    first, again, elsewhere = attach(office, ready), attach(office, ready, name="bản khác.pdf"), attach(office, other)
    sha256 = hashlib.sha256(PDF).hexdigest()
    assert (first.pk == again.pk, first.sha256, elsewhere.sha256) == (True, sha256, sha256)
    assert [path.name for path in folder().rglob("*") if path.is_file()] == [sha256]
    old = time.time() - 2 * 86_400
    # when one lets go of it, it stays; when both do, it goes, and not before it is a day old
    attachment_remove(actor=office.users["clerk"], request_id=ready.pk, attachment_id=first.pk)
    os.utime(path_of(sha256), (old, old))
    assert evidence_sweep() == 0
    attachment_remove(actor=office.users["clerk"], request_id=other.pk, attachment_id=elsewhere.pk)
    os.utime(path_of(sha256))
    assert evidence_sweep() == 0
    os.utime(path_of(sha256), (old, old))
    assert evidence_sweep() == 1
    assert not path_of(sha256).exists()


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\lan\\QĐ.pdf", "QĐ.pdf"),
        ("a\u202egnp.exe\n.pdf", "agnp.exe.pdf"),
        ("x" * 300 + ".pdf", "x" * 196 + ".pdf"),
        ("", "–"),
    ],
)
def test_a_name_is_shown_and_never_a_path(name, shown):
    assert shown_name(name) == shown
    assert len(shown_name(name)) <= 200


def test_what_was_attached_at_submit_stays_and_is_sealed(office, ready):
    # given
    attachment = attach(office, ready)
    request_submit(actor=office.users["clerk"], request_id=ready.pk)
    # when, then: neither by the program
    with pytest.raises(EvidenceRefused, match=r"stays|giữ nguyên"):
        attach(office, ready, PNG)
    with pytest.raises(EvidenceRefused, match=r"stays|giữ nguyên"):
        attachment_remove(actor=office.users["clerk"], request_id=ready.pk, attachment_id=attachment.pk)
    # nor past it
    for statement in ("delete from workflows_attachment", "update workflows_attachment set name = 'x'", "truncate workflows_attachment"):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    # and it stands in what is frozen and audited
    statement = {"attachments": [{"sha256": attachment.sha256, "size": len(PDF)}]}
    assert ChangeRequest.objects.get(pk=ready.pk).evidence == statement
    assert AuditEvent.objects.get(request=ready, action="request.submitted").detail["attachments"] == [attachment.sha256]


def test_the_seal_of_an_applied_request_names_its_evidence(office):
    # given a request with evidence that a check of the program decides
    from workflows.services.applying import request_apply
    from workflows.services.approval import request_approve_by_system

    ready = office.ready(office.document())
    attachment = attach(office, ready)
    request_submit(actor=office.users["clerk"], request_id=ready.pk, system_stage="test")
    request_approve_by_system(request_id=ready.pk)
    # when
    request_apply(request_id=ready.pk)
    # then
    body = json.loads(bytes(Seal.objects.get(request=ready).body))
    assert body["evidence"] == {"attachments": [{"sha256": attachment.sha256, "size": len(PDF)}]}


def test_only_the_author_attaches(office, ready):
    for who in ("supervisor", "stranger", "nobody"):
        with pytest.raises(NotAllowed):
            attach(office, ready, who=who)


def test_who_works_on_the_request_looks_and_is_in_the_read_log(office, ready):
    # given
    attachment = attach(office, ready, PNG, "qd.png")
    address = reverse("workflows:evidence_show", args=[ready.pk, attachment.pk])
    # when
    answers = {who: office.client(who).get(address) for who in ("clerk", "supervisor", "auditor", "operator", "stranger", "nobody")}
    # then
    let_in = {"clerk", "supervisor", "auditor"}
    assert {who for who, answer in answers.items() if answer.status_code == 200} == let_in
    answer = answers["clerk"]
    assert b"".join(answer.streaming_content) == PNG
    assert (answer["Content-Type"], answer["X-Content-Type-Options"]) == ("image/png", "nosniff")
    assert "sandbox" in answer["Content-Security-Policy"]
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert "qd" not in answer["Content-Disposition"]  # the sender's name stays out of headers and paths
    readers = ReadEvent.objects.filter(kind="change_request", key=ready.pk).values_list("actor__username", flat=True)
    assert set(readers) == let_in


def test_a_page_takes_several_files_and_says_which_it_refused(office, ready):
    # given
    client = office.client("clerk")
    files = [sent(PDF, "qd.pdf"), sent(b"<html>", "trang.pdf"), sent(JPEG, "qd.jpg")]
    # when
    page = client.post(reverse("workflows:evidence_add", args=[ready.pk]), {"file": files}, follow=True).content.decode()
    # then
    assert sorted(ready.attachments.values_list("name", flat=True)) == ["qd.jpg", "qd.pdf"]
    assert "trang.pdf: " in page
    # and one is taken away again
    one = ready.attachments.get(name="qd.pdf")
    client.post(reverse("workflows:evidence_remove", args=[ready.pk, one.pk]))
    assert list(ready.attachments.values_list("name", flat=True)) == ["qd.jpg"]
