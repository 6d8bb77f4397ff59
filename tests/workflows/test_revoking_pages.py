"""Revoking on the screen: what it would do, proposed, signed by somebody else, and what the pages say afterwards."""

import io
import zipfile

import pytest
from django.test import Client
from django.urls import reverse

from tests.factories import grant_make, user_make
from workflows.models import ChangeRequest, ReadEvent
from workflows.services.applying import request_apply
from workflows.services.submission import request_submit

pytestmark = pytest.mark.xdist_group("gate")


def client_of(user):
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture(scope="module")
def other(gate):
    from orgtree.models import User

    return User.objects.get(username="other")


def page(client, request, name="request_detail", **more):
    return client.get(reverse(f"workflows:{name}", kwargs={"request_id": request.pk, **more}))


def test_from_the_page_of_an_applied_request_to_its_mark(gate, other):
    # given a record changed by a signed request, and once more since
    key = gate.key()
    gate.applied(gate.proposal(key, amount="1.00", count=1))
    wrong = gate.applied(gate.proposal(key, amount="9.00", count=9_797_979))
    gate.applied(gate.proposal(key, amount="9.00", count=8_686_868))
    client = client_of(other)
    address = reverse("workflows:request_revoke", args=[wrong.pk])
    assert address in page(client, wrong).content.decode()
    # when the page is looked at, sent without a ground, and sent in full
    text = client.get(address).content.decode()
    assert 0 < text.index("9797979") < text.index("8686868")  # as signed, then as now
    assert client.post(address, {"reason": "Kết luận 7/KL"}).status_code == 422
    assert client.post(address, {"ground": "content", "reason": " "}).status_code == 422
    sent = client.post(address, {"ground": "content", "reason": "Kết luận 7/KL"}, follow=True)
    # then there is a request to submit, and after its signature both pages say so
    revocation = ChangeRequest.objects.get(revokes=wrong)
    assert sent.redirect_chain[-1][0] == reverse("workflows:request_detail", args=[revocation.pk])
    request_submit(actor=other, request_id=revocation.pk)
    manifest = gate.approve(revocation)
    assert manifest is not None
    request_apply(request_id=revocation.pk)
    text = page(client, wrong).content.decode()
    assert reverse("workflows:request_detail", args=[revocation.pk]) in text
    assert "Kết luận 7/KL" in text
    assert address not in text
    assert page(client, wrong, "request_revoke").status_code == 302


def test_who_reads_only_revokes_nothing_and_gets_no_evidence_in_full(gate, other):
    # given a signed record, somebody who may only look and somebody from elsewhere
    wrong = gate.applied(gate.proposal(count=1))
    reader, approver, stranger = user_make("reader"), user_make("leader"), user_make("stranger")
    grant_make(reader, "auditor", gate.unit)
    grant_make(approver, "supervisor", gate.unit)
    answers = {user.username: page(client_of(user), wrong, "request_revoke").status_code for user in (other, approver, reader, stranger)}
    assert answers == {"other": 200, "leader": 200, "reader": 302, "stranger": 404}
    zips = {user.username: page(client_of(user), wrong, "evidence_bundle", leaf_index=0).status_code for user in (other, approver, reader, stranger)}
    assert zips == {"other": 200, "leader": 200, "reader": 404, "stranger": 404}


def test_the_evidence_of_a_record_is_had_from_its_page(gate, other):
    wrong = gate.applied(gate.proposal(count=1))
    before = ReadEvent.objects.count()
    client = client_of(other)
    address = reverse("workflows:evidence_bundle", args=[wrong.pk, 0])
    assert address in page(client, wrong, "request_record", leaf_index=0).content.decode()
    with zipfile.ZipFile(io.BytesIO(client.get(address).content)) as archive:
        assert {"document.json", "proof.json", "stage-1/manifest.json", "stage-1/signature.p7s", "seal.json"} <= set(archive.namelist())
    assert ReadEvent.objects.count() == before  # a toy is nobody's file
    assert client.get(reverse("workflows:evidence_bundle", args=[wrong.pk, 99])).status_code == 404
