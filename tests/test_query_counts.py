"""How many queries each page costs, as recorded in query_baselines.json: a page that begins to ask once a row is seen at once.

A lower number is good news: record it. `HOSO_RECORD_QUERIES=1` writes the file anew.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from registry.models import Upload, UploadFinding, UploadRow
from tests.exchange.matches import match_made, packed, pulled
from tests.factories import user_make
from tests.pages import Office
from tests.workflows.test_routing import SIGN, in_force
from workflows.models import Finding, Notice, RecordVersion
from workflows.services.approval import manifest_prepare

BASELINES = Path(__file__).with_name("query_baselines.json")
PEOPLE = 12
MOST = 12

# page -> (who asks, address)
PAGES: dict[str, tuple[str, Callable[[dict], str]]] = {
    "home of a clerk": ("clerk", lambda _: reverse("admin:index")),
    "home of a supervisor": ("supervisor", lambda _: reverse("admin:index")),
    "home of an operator": ("operator", lambda _: reverse("admin:index")),
    "requests": ("supervisor", lambda _: reverse("workflows:request_list") + "?show=all"),
    "requests that wait": ("supervisor", lambda _: reverse("workflows:request_list") + "?show=waiting"),
    "request": ("supervisor", lambda made: reverse("workflows:request_detail", args=[made["request"].pk])),
    "request, to its author": ("clerk", lambda made: reverse("workflows:request_detail", args=[made["request"].pk])),
    "request, to a reader": ("auditor", lambda made: reverse("workflows:request_detail", args=[made["request"].pk])),
    "request, not submitted": ("clerk", lambda made: reverse("workflows:request_detail", args=[made["ready"].pk])),
    "request, applied": ("supervisor", lambda made: reverse("workflows:request_detail", args=[made["applied"].pk])),
    "request, a record": ("supervisor", lambda made: reverse("workflows:request_record", args=[made["request"].pk, 0])),
    "request, signing": ("supervisor", lambda made: reverse("workflows:request_sign", args=[made["manifest"].request_id, made["manifest"].digest])),
    "staff list": ("clerk", lambda _: reverse("registry:staff_list")),
    "staff list, filtered": ("clerk", lambda made: reverse("registry:staff_list") + f"?q=hoa&unit={made['unit'].pk}&type=CC"),
    "profile, another day": ("clerk", lambda made: reverse("registry:staff_past", args=[made["people"][0].pk]) + "?on=2020-01-01"),
    "work list": ("clerk", lambda _: reverse("registry:worklist")),
    "signing certificates": ("root", lambda _: reverse("accounts:certificates")),
    "mandatory fields": ("root", lambda _: reverse("registry:demand_list")),
    "code lists": ("clerk", lambda _: reverse("registry:code_list")),
    "profile": ("clerk", lambda made: reverse("registry:staff_detail", args=[made["people"][0].pk])),
    "profile, printing": ("clerk", lambda made: reverse("registry:staff_print", args=[made["people"][0].pk])),
    "profile, old cards": ("clerk", lambda made: reverse("registry:staff_former_numbers", args=[made["people"][0].pk])),
    "profile, marks": ("clerk", lambda made: reverse("registry:staff_marks", args=[made["people"][0].pk])),
    "staff list, export": ("clerk", lambda _: reverse("registry:staff_export")),
    "read log": ("auditor", lambda _: reverse("registry:read_log")),
    "audit trail": ("auditor", lambda _: reverse("registry:audit_trail")),
    "profile, a section of the form": ("clerk", lambda made: reverse("registry:edit_section", args=[made["people"][0].pk, "correct", "identity"])),
    "profile, editing": ("clerk", lambda made: reverse("registry:staff_edit", args=[made["people"][0].pk])),
    "own file": ("holder", lambda _: reverse("registry:mine")),
    "new file": ("clerk", lambda _: reverse("registry:staff_new")),
    "upload, new": ("clerk", lambda _: reverse("registry:upload_new")),
    "uploads": ("clerk", lambda _: reverse("registry:upload_list")),
    "upload, columns": ("clerk", lambda made: reverse("registry:upload_columns", args=[made["upload"].pk])),
    "upload, causes": ("clerk", lambda made: reverse("registry:upload_causes", args=[made["upload"].pk])),
    "upload, who is who": ("clerk", lambda made: reverse("registry:upload_people", args=[made["upload"].pk])),
    "upload, cells": ("clerk", lambda made: reverse("registry:upload_grid", args=[made["upload"].pk])),
    "upload, changes": ("clerk", lambda made: reverse("registry:upload_changes", args=[made["upload"].pk])),
    "upload, missing": ("clerk", lambda made: reverse("registry:upload_missing", args=[made["upload"].pk])),
    "upload, result": ("clerk", lambda made: reverse("registry:upload_detail", args=[made["upload"].pk])),
    "unit tree": ("clerk", lambda _: reverse("registry:unit_tree")),
    "unit tree, search": ("clerk", lambda _: reverse("registry:unit_tree") + "?q=van phong"),
    "notices": ("supervisor", lambda _: reverse("workflows:notices")),
    "absence": ("supervisor", lambda _: reverse("workflows:absence")),
    "home of an administrator": ("root", lambda _: reverse("admin:index")),
    "rights": ("clerk", lambda _: reverse("workflows:rights")),
    "rights of a unit": ("supervisor", lambda made: reverse("workflows:rights_unit", args=[made["unit"].pk])),
    "population matching": ("clerk", lambda _: reverse("exchange:match_list")),
    "population matching, a person": ("clerk", lambda made: reverse("exchange:match_detail", args=[made["people"][0].pk])),
    "registers": ("root", lambda _: reverse("exchange:register_list")),
    "register, what went out": ("root", lambda _: reverse("exchange:register_log", args=["population"])),
    "exchange archive": ("root", lambda _: reverse("exchange:archive_list")),
    "packages to carry": ("root", lambda _: reverse("exchange:package_list")),
    "deliveries": ("operator", lambda _: reverse("exchange:delivery_overview")),
    "from the national platform": ("operator", lambda _: reverse("exchange:pull_list")),
    "from the national platform, a run": ("clerk", lambda made: reverse("exchange:pull_detail", args=[made["pull"].pk])),
    "lists of the hub": ("root", lambda _: reverse("exchange:catalogue_list")),
    "codes of other sides": ("root", lambda _: reverse("exchange:mapping_list")),
    "ranks": ("clerk", lambda _: reverse("registry:scale_list", args=["ranks"])),
    "my account": ("clerk", lambda _: reverse("accounts:own")),
    "account of a person": ("root", lambda made: reverse("accounts:person", args=[made["request"].author_id])),
    "superusers": ("root", lambda _: reverse("accounts:superusers")),
    "roles after a reorganisation": ("root", lambda _: reverse("workflows:grant_moves")),
}


@pytest.fixture(scope="module")
def office(committed_db) -> Office:
    return Office.open()


@pytest.fixture(scope="module")
def made(office) -> dict:
    """Records enough for a page that asks once a row to stand out."""
    people = [office.hired(birth_name=f"Nguyễn Thị Hoa {'ABCDEFGHIJKL'[number]}") for number in range(PEOPLE)]
    office.users["holder"] = user_make("holder", personal_number=people[0].citizen_id)
    applied = RecordVersion.objects.get(kind="staff_profile", key=people[0].pk).request
    changed = [office.document(birth_name=one.birth_name, citizen_id=one.citizen_id, staff_number=one.staff_number) for one in people]
    keys = [*(one.pk for one in people), *(uuid4() for _ in people)]
    with in_force({"steps": [{**SIGN, "sample": 3, "days": 5}]}):
        request = office.submitted(*changed, *(office.document() for _ in range(PEOPLE)), keys=keys)
    Finding.objects.bulk_create([Finding(request=request, leaf_index=leaf, code="CHANGED_OFTEN", severity="suggestion") for leaf in range(PEOPLE)])
    ready = office.ready(*(office.document() for _ in range(PEOPLE)))
    upload = Upload.objects.create(unit=office.units["agency"], uploader=office.users["clerk"], name="a.xlsx", size=1, read=PEOPLE, returned=PEOPLE)
    UploadRow.objects.bulk_create([UploadRow(upload=upload, sheet_row=row, raw={"A": "x"}, state="returned") for row in range(PEOPLE)])
    UploadFinding.objects.bulk_create([UploadFinding(upload=upload, sheet_row=row, code="REQUIRED", severity="error") for row in range(PEOPLE)])
    supervisor = office.users["supervisor"]
    Notice.objects.bulk_create([Notice(user=supervisor, kind="waiting", key=f"{number}", request=request) for number in range(PEOPLE)])
    manifest = manifest_prepare(actor=supervisor, request_id=office.submitted(office.document()).pk)
    match_made(people)
    packed()
    pull = pulled(people, unit=office.units["agency"])
    return {
        "people": people,
        "request": request,
        "ready": ready,
        "applied": applied,
        "manifest": manifest,
        "upload": upload,
        "unit": office.units["agency"],
        "pull": pull,
    }


def queries(office: Office, who: str, address: str) -> int:
    """Queries of the second call: the first one fills what a process keeps."""
    client = office.client(who)
    assert client.get(address).status_code == 200
    with CaptureQueriesContext(connection) as asked:
        assert client.get(address).status_code == 200
    return len(asked)


def test_no_page_asks_more_than_twelve_queries():
    assert {name: asked for name, asked in json.loads(BASELINES.read_text()).items() if asked > MOST} == {}


def test_every_page_has_its_baseline():
    assert json.loads(BASELINES.read_text()).keys() == PAGES.keys()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_asks_no_more_than_it_did(name, office, made):
    # given
    cache.clear()
    who, address = PAGES[name]
    # when
    asked = queries(office, who, address(made))
    # then
    if os.environ.get("HOSO_RECORD_QUERIES"):
        recorded = {**(json.loads(BASELINES.read_text()) if BASELINES.exists() else {}), name: asked}
        BASELINES.write_text(json.dumps({one: recorded[one] for one in PAGES if one in recorded}, ensure_ascii=False, indent=1) + "\n")
    assert asked == json.loads(BASELINES.read_text())[name]
