"""The demo on a real database: through the gate, with real signatures, and the workbook's rows judged by the product."""

import json
from pathlib import Path

import pytest
from django.core.files import File

from config.demo import seed, workbook
from config.demo.province import DEMO_COMMUNE, ROOT_CODE, commune_code
from orgtree import scope
from orgtree.choices import Action
from orgtree.models import OrgUnit, User
from registry.choices import UploadState
from registry.models import StaffProfile
from registry.services.uploads import upload_process, upload_receive
from workflows.choices import RequestState, Severity
from workflows.models import ChangeRequest, Finding, RecordVersion, Signature
from workflows.services.ledger import verify_ledger

DEMO = Path(__file__).resolve().parents[2] / "demo"


@pytest.fixture(scope="module")
def uploaded(demo):
    """The demo's workbook, read as a worker would."""
    with (DEMO / workbook.NAME).open("rb") as stream:
        unit = OrgUnit.objects.get(code=commune_code(DEMO_COMMUNE))
        upload = upload_receive(actor=User.objects.get(username="lan"), unit=unit, file=File(stream), name=workbook.NAME)
    return upload_process(upload=upload)


def test_units_and_people_are_there_by_two_signed_requests(demo):
    assert (OrgUnit.objects.count(), StaffProfile.objects.count(), RecordVersion.objects.count()) == (700, 2_000, 2_700)
    requests = ChangeRequest.objects.filter(title__in=(seed.UNITS_TITLE, seed.PEOPLE_TITLE)).order_by("number")
    assert [(one.state, one.kinds) for one in requests] == [
        (RequestState.APPLIED, {"org_unit": 700}),
        (RequestState.APPLIED, {"staff_profile": 2_000}),
    ]
    assert sorted(Signature.objects.values_list("user__username", flat=True)) == ["minh", "quantri2"]


def test_the_rules_find_nothing_in_the_demo_people(demo):
    initial = Finding.objects.filter(request__title=seed.PEOPLE_TITLE)
    assert list(initial.values_list("code", "field", "value")) == []


def test_ledger_seals_signatures_and_tables_agree(demo):
    outcome = verify_ledger()
    assert outcome.damages == []
    assert (outcome.versions, outcome.signatures) == (2_700, 2)


def test_a_second_seed_changes_nothing(demo):
    requests = ChangeRequest.objects.count()
    assert seed.demo_seed() is False
    assert (ChangeRequest.objects.count(), StaffProfile.objects.count(), User.objects.count()) == (requests, 2_000, len(seed.logins()))


def test_logins_hold_their_rights_and_no_others(demo):
    here, elsewhere, root = (OrgUnit.objects.get(code=code) for code in (commune_code(DEMO_COMMUNE), commune_code("24373"), ROOT_CODE))
    held = {
        username: {(action.value, unit.code) for action in Action for unit in (here, elsewhere, root) if scope.can(user, action, unit)}
        for username in ("lan", "minh", "hoa", "tuan", "thu")
        for user in [User.objects.get(username=username)]
    }
    everywhere = (here.code, elsewhere.code, root.code)
    assert held["lan"] == {("view", here.code), ("edit", here.code)}
    for username, action in {"minh": "approve", "hoa": "edit", "tuan": "operate", "thu": "audit"}.items():
        assert held[username] == {(one, code) for one in ("view", action) for code in everywhere}


def test_what_the_seed_wrote_lets_somebody_take_part(demo):
    path = demo / "demo.json"
    said = json.loads(path.read_text())
    assert path.stat().st_mode & 0o777 == 0o600
    for one in said["logins"]:
        assert User.objects.get(username=one["username"]).check_password(said["password"])
        assert Path(one["certificate"]).exists()


def test_the_workbook_is_read_as_documented(uploaded):
    expected = json.loads((DEMO / "expected.json").read_bytes())
    assert (uploaded.state, uploaded.read, uploaded.staged, uploaded.returned) == (UploadState.STAGED, 200, 188, 12)
    errors = uploaded.findings.filter(severity=Severity.ERROR).order_by("sheet_row").values_list("sheet_row", "column", "code", "field")
    assert list(errors) == [(one["sheet_row"], one["column"], one["code"], one["field"]) for one in expected["findings"]]


def test_nothing_but_an_ignored_column_is_remarked(uploaded):
    """A raised step writes its row of the salary history, so that nothing contradicts it."""
    others = uploaded.findings.exclude(severity=Severity.ERROR).values_list("sheet_row", "heading", "code")
    assert sorted(others) == [(0, "Ghi chú", "COLUMN_IGNORED"), (0, "TT", "COLUMN_IGNORED"), (0, "Zalo/Email", "COLUMN_IGNORED")]


def test_the_workbook_proposes_new_people_and_small_changes(uploaded):
    accepted = uploaded.rows.filter(state="staged")
    assert accepted.filter(op="create").count() == 140
    changes = {tuple(changed) for changed in accepted.filter(op="update").values_list("changed", flat=True)}
    assert changes == {("phone",), ("coefficient", "salary_history", "step", "step_date"), ("current_address",), ("party_join_date",)}
