"""Who gets an answer at which address. Every address of the program has a line here: one without fails the test.

A cell says who is let in; everybody else gets "not found" (outside the scope nothing exists) or "forbidden" (the admin's model
forms), and whoever is not signed in is sent to sign in. What a let-in person may then do is tested with the page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.http import HttpResponse
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from accounts.models import NumberChange, SuperuserTerm
from exchange.models import (
    CatalogueCode,
    CatalogueManifest,
    CatalogueRead,
    CatalogueSource,
    Channel,
    ClaimNotice,
    CodePair,
    EqualityCertificate,
    IncomingTransfer,
    MatchDispute,
    OutgoingTransfer,
    Pull,
    Reconciliation,
    TransferRelease,
    Trial,
)
from exchange.services.agencies import agency_set
from exchange.services.transfer_line import AGENCIES
from orgtree import clock
from orgtree.choices import Role
from orgtree.models import Grant, User
from registry.choices import ListFormat
from registry.exporting import export_write
from registry.models import DecisionDraft, SavedFilter, Upload
from registry.services.exports import export_ask
from tests.exchange.matches import archived, match_made, packed
from tests.factories import gate_lifted
from tests.pages import Office
from tests.workflows.certificates import manifest as manifest_bytes
from workflows.documents import canonical
from workflows.models import JobRun, Notice, NoticeMail, RegisteredCertificate
from workflows.services.approval import manifest_prepare
from workflows.services.attachments import attachment_add
from workflows.services.delegations import delegation_give
from workflows.services.grants import grant_propose
from workflows.services.standing_in import absence_record, deputy_appoint
from workflows.services.submission import request_submit
from workflows.targets import target

PEOPLE = ("clerk", "supervisor", "operator", "auditor", "stranger", "nobody", "root")
EVERYBODY = frozenset(PEOPLE)
AGENCY = frozenset({"clerk", "supervisor", "operator", "auditor", "root"})
EDITORS = frozenset({"clerk", "root"})
AUDITORS = frozenset({"auditor", "root"})

# address name -> (method, who is let in). Let in: 200, 302 to a page of ours, or 422 (a form with remarks).
MATRIX: dict[str, tuple[str, frozenset[str]]] = {
    "admin:index": ("get", EVERYBODY),
    "admin:password_change": ("get", EVERYBODY),
    # One's own account; what is done there asks for a fresh proof, which tests/accounts tries.
    "accounts:own": ("get", EVERYBODY),
    "accounts:protect": ("get", frozenset()),  # sends home who needs nothing
    "accounts:sessions_end": ("post", EVERYBODY),
    "accounts:here": ("get", EVERYBODY),
    **{f"accounts:number_{act}": ("post", frozenset({"root"})) for act in ("propose", "confirm", "refuse", "withdraw")},
    "accounts:superusers": ("get", frozenset({"root"})),
    "accounts:superuser_propose": ("post", frozenset({"root"})),
    "accounts:superuser_confirm": ("post", frozenset({"root"})),
    "accounts:superuser_refuse": ("post", frozenset({"root"})),
    "accounts:superuser_withdraw": ("post", frozenset({"root"})),
    "accounts:certificates": ("get", EVERYBODY),
    "accounts:certificate_ask": ("post", EVERYBODY),
    "accounts:certificate": ("get", EDITORS),  # the clerk's own
    "accounts:certificate_statement": ("get", EDITORS),
    "accounts:certificate_prove": ("post", EDITORS),
    "accounts:certificate_end": ("post", EDITORS),
    "accounts:certificate_confirm": ("post", frozenset({"root"})),
    "accounts:certificate_refuse": ("post", frozenset({"root"})),
    "accounts:person_certificates": ("get", frozenset({"root"})),
    "accounts:person_certificate_ask": ("post", frozenset({"root"})),
    "account_change_password": ("get", EVERYBODY),
    "account_reauthenticate": ("get", EVERYBODY),
    "mfa_reauthenticate": ("get", EVERYBODY),
    "mfa_reauthenticate_webauthn": ("get", EVERYBODY),
    "mfa_index": ("get", EVERYBODY),
    "mfa_activate_totp": ("get", EVERYBODY),
    "mfa_deactivate_totp": ("get", frozenset()),  # nobody here has one to remove
    "mfa_add_webauthn": ("get", EVERYBODY),
    "mfa_remove_webauthn": ("get", frozenset()),
    "mfa_view_recovery_codes": ("get", frozenset()),
    "mfa_generate_recovery_codes": ("get", EVERYBODY),
    "accounts:person": ("get", frozenset({"root"})),
    "accounts:person_sessions_end": ("post", frozenset({"root"})),
    "accounts:person_factors_take_back": ("post", frozenset({"root"})),
    "admin:password_change_done": ("get", EVERYBODY),
    "admin:search": ("get", EVERYBODY),
    "admin:jsi18n": ("get", EVERYBODY),
    "workflows:request_list": ("get", EVERYBODY),
    "workflows:request_detail": ("get", AGENCY),
    "workflows:request_progress": ("get", AGENCY),
    "workflows:request_submit": ("post", AGENCY),
    "workflows:request_withdraw": ("post", AGENCY),
    "workflows:request_return": ("post", AGENCY),
    "workflows:request_prepare": ("post", AGENCY),
    "workflows:request_sign": ("get", frozenset({"supervisor"})),
    "workflows:manifest_download": ("get", frozenset({"supervisor"})),
    "workflows:request_approve": ("post", frozenset({"supervisor"})),
    "workflows:request_retry": ("get", AGENCY),
    "workflows:request_revoke": ("get", AGENCY),  # leads back to the request for whoever has nothing to revoke there
    "workflows:evidence_bundle": ("get", frozenset()),  # nobody has signed this one; who gets a signed one: tests/workflows/test_revoking_pages.py
    "workflows:request_recall": ("post", AGENCY),
    "workflows:request_record": ("get", AGENCY),
    "workflows:row_return": ("post", AGENCY),
    "workflows:row_keep": ("post", AGENCY),
    "workflows:absence": ("get", EVERYBODY),
    "workflows:absence_revoke": ("post", frozenset({"supervisor", "operator"})),  # its giver and its receiver
    "workflows:absence_back": ("post", frozenset({"supervisor"})),
    "workflows:deputy_remove": ("post", AGENCY),  # who sees the office; removing asks again
    "workflows:route_simulate": ("get", EVERYBODY),
    "workflows:rights": ("get", EVERYBODY),
    "workflows:rights_unit": ("get", AGENCY),
    "workflows:rights_person": ("get", AGENCY),  # the clerk's: whoever may view the unit on which the grant stands
    "workflows:why_unit": ("get", AGENCY),
    "workflows:why_request": ("get", AGENCY),
    "workflows:grant_give": ("get", frozenset({"root"})),
    "workflows:grant_list": ("get", frozenset({"root"})),
    "workflows:grant_renew": ("get", frozenset({"root"})),
    "workflows:grant_end": ("get", frozenset({"root"})),
    "workflows:grant_changes": ("get", EVERYBODY),
    "workflows:grant_moves": ("get", frozenset({"root"})),
    "workflows:grant_move": ("post", frozenset({"root"})),
    "workflows:grant_confirm": ("post", EVERYBODY),  # leads back to the list, which holds only what the reader may confirm
    "workflows:grant_refuse": ("post", frozenset({"root", "auditor", "clerk"})),  # who may know of it; deciding asks again
    "workflows:grant_withdraw": ("post", frozenset({"root", "auditor", "clerk"})),
    "workflows:notices": ("get", EVERYBODY),
    "workflows:notice_follow": ("get", frozenset({"clerk"})),  # whose it is
    "workflows:notices_read": ("post", EVERYBODY),
    "workflows:notice_wish": ("post", EVERYBODY),
    "workflows:notice_mails": ("get", frozenset({"operator", "root"})),
    "workflows:notice_mail_retry": ("post", frozenset({"operator", "root"})),
    "workflows:job_progress": ("get", frozenset({"clerk"})),
    "workflows:evidence_add": ("post", AGENCY),  # only the author's file is taken
    "workflows:evidence_remove": ("post", AGENCY),
    "workflows:evidence_show": ("get", frozenset({"clerk", "supervisor", "auditor", "root"})),  # a scan is never masked
    "registry:staff_list": ("get", EVERYBODY),
    "registry:staff_find": ("post", EVERYBODY),  # leads to the list, or to the person where the number is one's to ask
    "registry:staff_filter_panel": ("get", EVERYBODY),
    "registry:staff_filter_save": ("post", EVERYBODY),
    "registry:staff_filter_remove": ("post", frozenset({"clerk"})),  # its owner
    "registry:staff_detail": ("get", AGENCY),
    "registry:staff_past": ("get", AGENCY),
    "registry:code_list": ("get", EVERYBODY),  # the meaning of codes is no secret
    "registry:code_edit": ("get", frozenset({"root"})),  # who may edit every authority that is kept here
    "registry:scale_list": ("get", EVERYBODY),
    "registry:demand_list": ("get", frozenset({"root"})),
    "registry:scale_edit": ("get", frozenset({"root"})),
    "registry:worklist": ("get", EVERYBODY),  # holds the findings of the reader's units only
    "registry:staff_new": ("get", EDITORS | {"stranger"}),
    "registry:staff_edit": ("get", EDITORS),
    "registry:edit_section": ("get", EDITORS),
    "registry:edit_reveal": ("post", EDITORS),
    "registry:edit_row": ("post", EDITORS),
    "registry:edit_review": ("get", EDITORS),
    "registry:edit_rebase": ("post", EDITORS),
    "registry:edit_discard": ("post", EDITORS),
    "registry:decision_new": ("get", EDITORS | {"stranger"}),
    "registry:decision": ("get", frozenset({"clerk"})),  # a draft is its author's alone
    "registry:decision_people": ("post", frozenset({"clerk"})),
    "registry:decision_send": ("post", frozenset({"clerk"})),
    "registry:decision_discard": ("post", frozenset({"clerk"})),
    "registry:take_up": ("post", frozenset()),  # only the author, of a request made from a draft: tested with the drafts
    "registry:pick": ("get", EVERYBODY),  # units in sight and public lists
    "registry:mine": ("get", EVERYBODY),  # one's own file, or that there is none
    "registry:mine_confirm": ("post", frozenset()),  # nobody of the matrix has a file of their own: tested with it
    "registry:mine_request": ("get", frozenset()),
    "registry:mine_withdraw": ("post", frozenset()),
    "registry:value_show": ("post", EDITORS | {"supervisor"}),  # without a reason the form comes back
    "registry:staff_print": ("get", AGENCY),
    "registry:staff_marks": ("get", AGENCY),
    "registry:staff_photo": ("get", EDITORS),
    "registry:staff_former_numbers": ("get", EDITORS),
    "registry:staff_photo_file": ("get", frozenset()),  # nobody's picture is on file here: tested with it
    "registry:staff_export": ("get", EVERYBODY),  # of what is in the reader's own units
    "registry:export_detail": ("get", frozenset({"clerk"})),  # whose it is
    "registry:export_download": ("get", frozenset({"clerk"})),
    "registry:read_log": ("get", AUDITORS),
    "registry:read_log_csv": ("get", AUDITORS),
    "registry:audit_trail": ("get", AUDITORS),
    "registry:audit_trail_csv": ("get", AUDITORS),
    "registry:upload_new": ("get", EDITORS | {"stranger"}),
    "registry:upload_list": ("get", EDITORS | {"stranger"}),
    "registry:upload_detail": ("get", EDITORS),
    "registry:upload_check": ("post", EDITORS),
    "registry:upload_columns": ("get", EDITORS),
    "registry:upload_columns_save": ("get", EDITORS),
    "registry:upload_people": ("get", EDITORS),
    "registry:upload_missing": ("get", EDITORS),
    "registry:upload_changes": ("get", EDITORS),
    "registry:upload_reason": ("post", EDITORS),
    "registry:upload_day": ("post", EDITORS),
    "registry:upload_column_add": ("post", EDITORS),
    "registry:upload_causes": ("get", EDITORS),
    "registry:upload_repair": ("post", EDITORS),
    "registry:upload_pair": ("post", EDITORS),
    "registry:upload_take_back": ("get", EDITORS),
    "registry:upload_grid": ("get", EDITORS),
    "registry:upload_cells": ("post", EDITORS),
    "registry:upload_row_out": ("post", EDITORS),
    "registry:upload_hand_in": ("post", EDITORS),
    "registry:upload_returned": ("get", EDITORS),
    "registry:unit_tree": ("get", EVERYBODY),
    "registry:unit_children": ("get", AGENCY),
    "exchange:delivery_overview": ("get", frozenset({"operator", "root"})),
    "exchange:archive_list": ("get", frozenset({"root"})),  # of the whole line
    "exchange:archive_detail": ("get", frozenset({"root"})),
    "exchange:package_list": ("get", frozenset({"root"})),
    "exchange:package_new": ("post", frozenset({"root"})),
    "exchange:package_bring": ("post", frozenset({"root"})),
    "exchange:package_receipts": ("post", frozenset()),  # the hub's
    "exchange:package_statement": ("get", frozenset({"root"})),
    "exchange:package_signature": ("post", frozenset({"root"})),
    "exchange:package_download": ("get", frozenset({"root"})),
    "exchange:delivery_queue": ("get", frozenset({"operator", "root"})),
    "exchange:delivery_act": ("post", frozenset({"operator", "root"})),
    "exchange:delivery_hours": ("post", frozenset({"root"})),
    "exchange:delivery_probe": ("post", frozenset({"root"})),
    "exchange:consents": ("get", AGENCY),  # whoever may see the file, and the person
    "exchange:transfer_list": ("get", AGENCY | {"stranger"}),  # their own units' people; who edits anywhere may begin one
    "exchange:transfer_new": ("get", EDITORS),
    "exchange:transfer_out": ("get", AGENCY),
    "exchange:transfer_out_evidence": ("get", AGENCY),  # versions by number and signer; a file itself: workflows:evidence_bundle
    "exchange:transfer_in": ("get", frozenset({"root"})),  # who edits, approves or operates at the top of the installation
    "exchange:transfer_wish": ("post", frozenset()),  # without an answer there is nothing to do: tested with transfers
    "exchange:transfer_accept": ("post", frozenset({"root"})),
    "exchange:transfer_case": ("get", frozenset()),  # the hub's, and what follows: tests/exchange/test_transfers.py
    "exchange:transfer_case_evidence": ("get", frozenset()),
    "exchange:case_release": ("get", frozenset()),
    "exchange:case_version": ("get", frozenset()),
    "exchange:claim_list": ("get", frozenset({"root"})),  # who edits, approves or operates at the top of the installation
    "exchange:claim_notice": ("get", frozenset({"root"})),
    "exchange:claim_case": ("get", frozenset()),  # the hub's: tests/exchange/test_claims.py
    "exchange:claim_act": ("post", frozenset()),
    "exchange:agency_detail": ("get", frozenset()),  # the hub's: tests/exchange/test_keys_and_quotas.py
    "exchange:agency_act": ("post", frozenset()),
    "exchange:joining": ("get", frozenset({"root"})),
    "exchange:joining_check": ("post", frozenset({"root"})),
    "exchange:joining_begin": ("post", frozenset({"root"})),
    "exchange:trial_new": ("get", frozenset({"root"})),  # the whole line is tried by who operates the top unit
    "exchange:trial_detail": ("get", frozenset({"root"})),
    "exchange:trial_statement": ("get", frozenset({"root"})),
    "exchange:trial_signature": ("post", frozenset({"root"})),
    "exchange:pull_list": ("get", EDITORS | {"operator", "stranger"}),  # who operates or edits anywhere; asking is judged by unit
    **{f"exchange:pull_{name}": (method, EDITORS | {"operator"}) for name, method in (("detail", "get"), ("act", "post"))},
    "exchange:reconciliation_list": ("get", frozenset({"root"})),
    "exchange:reconciliation_detail": ("get", frozenset({"root"})),
    "exchange:reconciliation_statement": ("get", frozenset({"root"})),
    "exchange:reconciliation_signature": ("post", frozenset({"root"})),
    "exchange:certificate_statement": ("get", frozenset({"root"})),
    "exchange:certificate_signature": ("post", frozenset({"root"})),
    "exchange:match_list": ("get", EVERYBODY),  # holds the people of the reader's units only
    "exchange:match_act": ("post", EVERYBODY),  # leads back to the list; acting asks again, for each person
    "exchange:match_export": ("post", EVERYBODY),  # of what is in the reader's own units
    "exchange:match_detail": ("get", AGENCY),
    "exchange:match_answer": ("post", EDITORS | {"supervisor"}),  # without a reason it leads back
    "exchange:match_paper": ("get", EDITORS | {"supervisor"}),
    # whoever operates the line, or may propose codes
    **{f"exchange:catalogue_{name}": ("get", frozenset({"root"})) for name in ("list", "signed", "evidence", "code_evidence")},
    **{f"exchange:catalogue_{name}": ("post", frozenset({"root"})) for name in ("pull", "bring", "take", "choose")},
    "exchange:catalogue_publisher": ("post", frozenset({"root"})),
    "exchange:catalogue_publish": ("post", frozenset()),  # the hub's: tests/exchange/test_catalogues.py
    "exchange:catalogue_statement": ("get", frozenset()),
    "exchange:catalogue_package": ("post", frozenset()),
    **{f"exchange:mapping_{name}": ("get", frozenset({"root"})) for name in ("list", "export")},
    **{f"exchange:mapping_{name}": ("post", frozenset({"root"})) for name in ("set", "rest", "program", "import", "end")},
    "exchange:register_list": ("get", frozenset({"root"})),
    "exchange:register_log": ("get", frozenset({"root"})),
    "exchange:register_again": ("post", frozenset({"root"})),
    # The hub's: an agency has no such pages (tests/exchange/test_board.py asks on a hub).
    "exchange:progress": ("get", frozenset()),
    "exchange:progress_report": ("get", frozenset()),
    "exchange:progress_body": ("get", frozenset()),
    "exchange:expectation_add": ("post", frozenset()),
    "exchange:body_list": ("get", frozenset()),  # the hub's: tests/exchange/test_bodies.py
    "exchange:body_new": ("post", frozenset()),
    "exchange:body_detail": ("get", frozenset()),
    "exchange:body_act": ("post", frozenset()),
    # The admin's lists of people and units are open to all and hold only what the reader may see.
    "admin:registry_staffprofile_changelist": ("get", EVERYBODY),
    "admin:registry_staffprofile_template": ("get", EVERYBODY),
    "admin:registry_staffprofile_export": ("get", EVERYBODY),
    "admin:registry_staffprofile_change": ("get", EVERYBODY),  # leads to staff_detail, which asks
    "admin:registry_staffprofile_import": ("get", EVERYBODY),  # leads to upload_new, which asks
    "admin:registry_staffprofile_process_import": ("get", EVERYBODY),
    "admin:orgtree_orgunit_changelist": ("get", EVERYBODY),
    "admin:orgtree_orgunit_change": ("get", AGENCY),
    "admin:orgtree_orgunit_history": ("get", AGENCY),
    "admin:registry_staffprofile_history": ("get", AGENCY),
}
# Open without signing in: they say nothing about anybody.
SHARED_API = ("api-root", "openapi-json", "get_agreements", "get_profile", "get_profiles", "find_profiles")
PUBLIC = frozenset(
    {
        "exchange:public_status",  # the hub's, for everybody
        *("health", "set_language", "admin:login", "admin:logout"),
        *("token", *(f"shared-api:{name}" for name in SHARED_API)),  # for programs, by their own secret and token: tests/exchange/test_sharing.py
        *("account_login", "account_logout", "signed_out", "mfa_authenticate", "mfa_login_webauthn", "sso_login", "sso_callback"),
        "accounts:away",  # leaves; what it says, the door says to anybody
    }
)
# Answered by Django's admin after its own question about models and objects; tried below as a group.
ADMIN_HELPERS = frozenset({"admin:autocomplete", "admin:view_on_site", "admin:app_list", "admin:auth_user_password_change"})
MODEL_VIEWS = ("changelist", "add", "change", "delete", "history")


def named(resolver: URLResolver, namespace: str = "") -> Iterator[str]:
    for one in resolver.url_patterns:
        if isinstance(one, URLPattern):
            if one.name:
                yield namespace + one.name
        else:
            yield from named(one, f"{namespace}{one.namespace}:" if one.namespace else namespace)


def is_model_form(name: str) -> bool:
    return name.startswith("admin:") and name.rpartition("_")[2] in MODEL_VIEWS and name not in MATRIX.keys() | ADMIN_HELPERS


def is_let_in(answer: HttpResponse) -> bool:
    """A page, a form with remarks, or a way on; the admin sends those who may not see an object home."""
    return answer.status_code in (200, 422) or (answer.status_code == 302 and answer.url != reverse("admin:index"))


@pytest.fixture(scope="module")
def office(committed_db) -> Office:
    return Office.open()


def transfers_make(office: Office, channel: Channel) -> tuple[UUID, UUID]:
    """Somebody who leaves for another agency, and somebody who comes; the agencies as the hub would tell them."""
    cache.set(AGENCIES, [("H16", "Tỉnh Gia Lai")])
    gone, day = office.hired(), clock.today()
    said = {"effective_on": day, "decision_number": "12/QĐ", "decision_date": day, "person_name": gone.birth_name}
    with transaction.atomic(), gate_lifted("exchange_transferrelease"):
        named = {"from_agency": "H15", "to_agency": "H16", "to_agency_name": "Tỉnh Gia Lai", "unit": office.units["agency"]}
        release = TransferRelease.objects.create(
            version=1, digest=b"0" * 32, person=gone.pk, person_version=1, person_digest="0" * 64, **named, **said
        )
    OutgoingTransfer.objects.create(release=release, state="offered")
    arrival = IncomingTransfer.objects.create(
        pk=uuid4(), channel=channel, person=uuid4(), from_agency="H16", from_name="Tỉnh Gia Lai", state="offered", offered_at=clock.now(), **said
    )
    return release.pk, arrival.pk


def claim_make(channel: Channel) -> ClaimNotice:
    """Somebody whom another agency claims too."""
    other = {"other_code": "H16", "other_name": "Tỉnh Gia Lai"}
    return ClaimNotice.objects.create(pk=uuid4(), channel=channel, person=uuid4(), match="number", state="asked", due_on=clock.today(), **other)


def published_make(channel: Channel) -> CatalogueCode:
    """A code that the hub published."""
    source = CatalogueSource.objects.create(channel=channel, authority="G01")
    signed = CatalogueManifest.objects.create(source=source, digest=b"m", signature_digest=b"s", body=manifest_bytes(), received_at=clock.now())
    CatalogueRead.objects.create(source=source, name="gender", version=1)
    document = target("code_entry").schema.merge(None, {"list": "gender", "code": "X", "name_vi": "Khác", "source": "Thông tư"})
    made = {"catalogue": "gender", "kind": "code_entry", "key": uuid4(), "version": 1, "position": 1, "leaf_index": 0}
    return CatalogueCode.objects.create(source=source, manifest=signed, document=canonical(document), **made)


def pair_made(actor: User) -> CodePair:
    """A pair of codes of a side that nobody is connected to."""
    return CodePair.objects.create(side="channel.gone", list="gender", code="1", theirs="M", added_by=actor)


@pytest.fixture(scope="module")
def address(office) -> Callable[[str], str]:
    """The address of each name, leading to records of the agency."""
    profile = office.hired(birth_name="Nguyễn Thị Hoa")
    request = office.ready(office.document())
    pdf = SimpleUploadedFile("qd.pdf", b"%PDF-1.7 %%EOF")
    scan = attachment_add(actor=office.users["clerk"], request_id=request.pk, file=pdf, name="qd.pdf")
    request = request_submit(actor=office.users["clerk"], request_id=request.pk)
    export, _job = export_ask(actor=office.users["clerk"], format_=ListFormat.CSV, columns=["birth_name"], query={}, title="Danh sách")
    export_write(export)
    manifest = manifest_prepare(actor=office.users["supervisor"], request_id=request.pk)
    upload = Upload.objects.create(unit=office.units["agency"], uploader=office.users["clerk"], name="a.xlsx", size=1, read=1, returned=1)
    term = SuperuserTerm.objects.create(
        user=office.users["clerk"], proposer=office.users["root"], op="give", valid_to=clock.today(), reason="Thay người"
    )
    number = NumberChange.objects.create(user=office.users["clerk"], proposer=office.users["root"], number="066185000901", reason="Thẻ căn cước")
    held = Grant.objects.get(user=office.users["clerk"]).pk
    registered = RegisteredCertificate.objects.create(user=office.users["clerk"], way="former", state="ended", fingerprint="0" * 64).pk
    job = JobRun.objects.create(kind="upload", subject=f"upload:{upload.pk}", actor=office.users["clerk"])
    unit = office.units["agency"]
    away = delegation_give(
        actor=office.users["supervisor"],
        giver=office.users["supervisor"],
        receiver=office.users["operator"],
        unit=unit,
        risks=["C"],
        valid_from=clock.today() + timedelta(days=300),  # far away, so that it lets nobody in today
        valid_to=clock.today() + timedelta(days=301),
        decision_number="12/QĐ",
    )
    channel = Channel.objects.create(code="line", name="Nền tảng quốc gia", base_url="http://hub.invalid", client_id="x")
    trial = Trial.objects.create(channel=channel, actor=office.users["root"], people=1, body_digest=b"0" * 32, statement=b'{"records":[]}')
    far = {"valid_from": clock.today() + timedelta(days=300), "valid_to": clock.today() + timedelta(days=301)}
    leave = absence_record(actor=office.users["supervisor"], user=office.users["supervisor"], **far)
    deputy = deputy_appoint(actor=office.users["root"], unit=unit, user=office.users["auditor"], rank=1, risks=["C"], decision_number="13/QĐ", **far)
    change = grant_propose(
        actor=office.users["root"],
        user=office.users["clerk"],
        role=Role.AUDITOR,
        unit=unit,
        valid_from=clock.today(),
        valid_to=clock.today() + timedelta(days=9),
        reason="x",
    )
    kept = SavedFilter.objects.create(owner=office.users["clerk"], name="Nữ", query={"gender": "2"})
    pull = Pull.objects.create(channel=channel, kind="staff_profile", unit=unit, state="ready", stage="done")
    run = Reconciliation.objects.create(channel=channel, state="equal", statement=b'{"exchange":1}')
    sending = agency_set(actor=None, code="H16", name="Gia Lai", client_id="exchange-h16", secret="s" * 40)
    certificate = EqualityCertificate.objects.create(agency=sending, digest=b"exchange", statement=b"{}")
    decision = DecisionDraft.objects.create(user=office.users["clerk"], kind="salary_step")
    compared = match_made([profile])[0]
    dispute = MatchDispute.objects.create(
        match=compared, reason="x", raised_by=office.users["clerk"], due_on=clock.today(), sha256=scan.sha256, file_name="qd.pdf", file_kind="pdf"
    )
    released, coming = transfers_make(office, channel)
    exchanged = {"exchange:progress": {}, "exchange:progress_report": {"form": "xlsx"}, "exchange:public_status": {}}
    exchanged |= {"exchange:progress_body": {"body_id": 1}, "exchange:expectation_add": {"body_id": 1}}
    exchanged |= {f"exchange:body_{name}": {"body_id": 1} for name in ("detail", "act")} | {f"exchange:body_{name}": {} for name in ("list", "new")}
    about = {"workflows": {"request_id": request.pk}, "registry": {"key": profile.pk}}
    special = {
        "workflows:request_list": {},
        **{f"workflows:{name}": {"request_id": request.pk, "attachment_id": scan.pk} for name in ("evidence_show", "evidence_remove")},
        "registry:value_show": {"key": profile.pk, "name": "citizen_id"},
        **{f"registry:{name}": {} for name in ("staff_export", "read_log", "read_log_csv", "audit_trail", "audit_trail_csv")},
        **{f"registry:{name}": {"export_id": export.pk} for name in ("export_detail", "export_download")},
        "workflows:job_progress": {"job_id": job.pk},
        "workflows:route_simulate": {},
        "workflows:absence": {},
        "workflows:absence_revoke": {"delegation_id": away.pk},
        "workflows:absence_back": {"absence_id": leave.pk},
        "workflows:deputy_remove": {"deputy_id": deputy.pk},
        **{f"workflows:{name}": {} for name in ("notices", "notices_read", "notice_wish", "notice_mails")},
        "workflows:notice_follow": {"notice_id": Notice.objects.create(user=office.users["clerk"], kind="grant_given", key="x").pk},
        "workflows:notice_mail_retry": {"mail_id": NoticeMail.objects.create(user=office.users["clerk"], key="x", attempts=8, state="parked").pk},
        **{f"workflows:{name}": {} for name in ("rights", "grant_give", "grant_list", "grant_changes", "grant_confirm", "grant_moves")},
        **{f"workflows:{name}": {"unit_id": unit.pk} for name in ("rights_unit", "why_unit")},
        **{f"workflows:{name}": {"change_id": change.pk} for name in ("grant_refuse", "grant_withdraw")},
        "workflows:rights_person": {"user_id": office.users["clerk"].pk},
        **{f"workflows:{name}": {"grant_id": held} for name in ("grant_renew", "grant_end", "grant_move")},
        **{
            f"workflows:{name}": {"request_id": request.pk, "leaf_index": 0}
            for name in ("request_record", "row_return", "row_keep", "evidence_bundle")
        },
        **exchanged,
        **{f"exchange:{name}": {} for name in ("delivery_overview", "archive_list", "trial_new", "reconciliation_list")},
        **{f"exchange:{name}": {} for name in ("match_list", "match_act", "match_export", "register_list")},
        **{f"exchange:{name}": {"code": "population"} for name in ("register_log", "register_again")},
        "exchange:match_detail": {"key": profile.pk},
        "exchange:match_answer": {"key": profile.pk, "entry_id": compared.entry_id},
        "exchange:match_paper": {"key": profile.pk, "dispute_id": dispute.pk},
        **{f"exchange:{name}": {"run_id": run.pk} for name in ("reconciliation_detail", "reconciliation_statement", "reconciliation_signature")},
        "exchange:pull_list": {},
        **{f"exchange:{name}": {"pull_id": pull.pk} for name in ("pull_detail", "pull_act")},
        **{f"exchange:{name}": {"certificate_id": certificate.pk} for name in ("certificate_statement", "certificate_signature")},
        **{f"exchange:package_{name}": {} for name in ("list", "new", "bring")},
        **{f"exchange:package_{name}": {"number": packed().pk} for name in ("receipts", "statement", "signature", "download")},
        "exchange:archive_detail": {"number": archived(channel).pk},
        **{f"exchange:{name}": {"code": "line"} for name in ("delivery_queue", "delivery_act", "delivery_hours", "delivery_probe")},
        **{f"exchange:{name}": {"trial_id": trial.pk} for name in ("trial_detail", "trial_statement", "trial_signature")},
        **{f"registry:{name}": {} for name in ("staff_list", "staff_find", "staff_filter_panel", "staff_filter_save", "worklist", "code_list")},
        "registry:staff_filter_remove": {"pk": kept.pk},
        "registry:code_edit": {"name": "degree"},
        "registry:demand_list": {},
        **{f"registry:{name}": {"name": "ranks"} for name in ("scale_list", "scale_edit")},
        "registry:mine": {},
        "registry:staff_new": {},
        "registry:decision_new": {},
        **{f"registry:{name}": {"pk": decision.pk} for name in ("decision", "decision_people", "decision_send", "decision_discard")},
        "registry:mine_confirm": {},
        "registry:pick": {"what": "area"},
        **{f"registry:{name}": {"request_id": request.pk} for name in ("take_up", "mine_request", "mine_withdraw")},
        **{f"registry:{name}": {"key": profile.pk, "act": "correct"} for name in ("edit_review", "edit_rebase", "edit_discard")},
        **{f"registry:{name}": {"key": profile.pk, "act": "correct", "section": "identity"} for name in ("edit_section", "edit_reveal")},
        "registry:edit_row": {"key": profile.pk, "act": "correct", "rows": "degrees"},
        **{f"exchange:catalogue_{name}": {} for name in ("list", "pull", "bring", "statement", "package", "take", "publish", "publisher")},
        **{f"exchange:mapping_{name}": {} for name in ("list", "export", "set", "rest", "program", "import")},
        "exchange:mapping_end": {"pair_id": pair_made(office.users["clerk"]).pk},
        "exchange:catalogue_choose": {"code_id": (published := published_make(channel)).pk},
        "exchange:catalogue_signed": {"manifest_id": published.manifest_id, "part": "manifest"},
        "exchange:catalogue_code_evidence": {"code_id": published.pk},
        "exchange:catalogue_evidence": {"name": published.catalogue},
        "exchange:transfer_list": {},
        "exchange:claim_list": {},
        **{f"exchange:{name}": {"agency_id": 1} for name in ("agency_detail", "agency_act")},
        **{f"exchange:{name}": {"number": claim_make(channel).pk} for name in ("claim_notice", "claim_case", "claim_act")},
        **{f"exchange:{name}": {"key": profile.pk} for name in ("transfer_new", "consents")},
        **{f"exchange:transfer_{name}": {"number": released} for name in ("out", "out_evidence", "case", "case_evidence")},
        "exchange:case_release": {"number": released},
        "exchange:case_version": {"number": released, "version": 1},
        **{f"exchange:{name}": {"number": coming} for name in ("transfer_in", "transfer_wish", "transfer_accept")},
        "registry:unit_tree": {},
        "registry:unit_children": {"unit_id": unit.pk},
        **{name: {"upload_id": upload.pk} for name in MATRIX if name.startswith("registry:upload_")},
        "registry:upload_list": {},
        "registry:upload_new": {},
        **{
            f"workflows:{name}": {"request_id": request.pk, "manifest_digest": manifest.digest}
            for name in ("request_sign", "manifest_download", "request_approve")
        },
        **{name: {} for name in ("accounts:own", "accounts:protect", "accounts:sessions_end")},
        **{f"accounts:{name}": {"user_id": office.users["clerk"].pk} for name in ("person", "person_sessions_end", "person_factors_take_back")},
        **{f"accounts:superuser_{name}": {"term_id": term.pk} for name in ("confirm", "refuse", "withdraw")},
        **{f"accounts:number_{name}": {"change_id": number.pk} for name in ("confirm", "refuse", "withdraw")},
        "accounts:number_propose": {"user_id": office.users["clerk"].pk},
        **{f"accounts:certificate{name}": {"certificate_id": registered} for name in ("", "_statement", "_prove", "_end", "_confirm", "_refuse")},
        **{f"accounts:person_certificate{name}": {"user_id": office.users["clerk"].pk} for name in ("s", "_ask")},
        **{f"accounts:certificate{name}": {} for name in ("s", "_ask")},
        "mfa_remove_webauthn": {"pk": 1},
        **{f"admin:registry_staffprofile_{name}": {"object_id": profile.pk} for name in ("change", "history", "delete")},
        **{f"admin:orgtree_orgunit_{name}": {"object_id": unit.pk} for name in ("change", "history", "delete")},
    }

    def find(name: str) -> str:
        values = special.get(name, about.get(name.partition(":")[0], {}))
        if is_model_form(name) and name not in special and not name.endswith(("changelist", "add")):
            values = {"object_id": "1"}
        return reverse(name, kwargs=values)

    return find


def test_every_address_has_a_line():
    # when
    names = {name for name in named(get_resolver()) if not is_model_form(name)}
    # then
    assert names == MATRIX.keys() | PUBLIC | ADMIN_HELPERS


@pytest.mark.parametrize("name", MATRIX)
def test_the_matrix(name, office, address):
    # given
    method, let_in = MATRIX[name]
    there = address(name)
    # when
    answers = {who: getattr(office.client(who), method)(there) for who in PEOPLE}
    # then
    statuses = {who: answer.status_code for who, answer in answers.items()}
    assert {who for who, answer in answers.items() if is_let_in(answer)} == let_in, statuses
    assert {status for who, status in statuses.items() if who not in let_in} <= {302, 403, 404}


@pytest.mark.parametrize("name", MATRIX)
def test_nobody_enters_without_signing_in(name, address, client):
    # when
    answer = getattr(client, MATRIX[name][0])(address(name))
    # then
    assert answer.status_code == 302
    assert answer.url.startswith(reverse("admin:login"))


@pytest.mark.parametrize("name", sorted(name for name in named(get_resolver()) if is_model_form(name)))
def test_model_forms_are_for_administrators(name, office, address):
    # given
    there = address(name)
    # when
    people = {"clerk", "supervisor", "nobody"} | (set() if name.startswith("admin:exchange_") else {"operator"})
    answers = {who: office.client(who).get(there) for who in people}
    # then
    assert {who: answer.status_code for who, answer in answers.items() if is_let_in(answer)} == {}
    assert {answer.status_code for answer in answers.values()} <= {302, 403, 404}


@pytest.mark.parametrize("who", ["clerk", "nobody"])
def test_helpers_of_the_admin_give_nothing_away(who, office):
    # given
    client = office.client(who)
    # when
    asked = {
        "autocomplete": client.get(reverse("admin:autocomplete"), {"app_label": "orgtree", "model_name": "user", "field_name": "x", "term": "a"}),
        "view_on_site": client.get(reverse("admin:view_on_site", args=[1, "1"])),
        "app_list": client.get(reverse("admin:app_list", kwargs={"app_label": "django_celery_beat"})),
        "password": client.get(reverse("admin:auth_user_password_change", args=[office.users["root"].pk])),
    }
    # then
    assert {name: answer.status_code for name, answer in asked.items() if answer.status_code not in (403, 404)} == {}
