"""What must be filled in: defaults, what an administrator sets otherwise, and all that reads it."""

from __future__ import annotations

from io import BytesIO

import pytest
from django.urls import reverse
from openpyxl import load_workbook

from orgtree.choices import Role
from registry.fields import FIELDS
from registry.models import FieldDemand, SweepFinding
from registry.rules.demands import DEFAULTS, demands
from registry.selectors.demands import completeness_of
from registry.selectors.worklist import worklist
from registry.services.demands import DemandRefused, demands_change
from registry.services.sweeping import sweep_run
from registry.template import PEOPLE_SHEET, template_workbook
from tests.factories import grant_make, user_make
from tests.registry.people import TODAY, judge, judge_changes, live_make, person, places
from workflows.errors import NotAllowed
from workflows.models import AuditEvent

pytestmark = pytest.mark.django_db
WHY = "Công văn 123/SNV-CCVC"


@pytest.fixture(autouse=True)
def _day(settings):
    settings.PINNED_TODAY = TODAY


@pytest.fixture
def units():
    return places()


@pytest.fixture
def root():
    return user_make("goc", is_superuser=True)


def ask(root, **wanted) -> list[str]:
    return demands_change(actor=root, seen=demands(), wanted=wanted, reason=WHY)


def of_sync(found) -> set[tuple]:
    return {(one.code, str(one.severity), one.field) for one in found if one.code.startswith("REQUIRED")}


def test_an_empty_table_means_the_catalogue(units):
    # given nobody has set anything: a rank or pay by position is asked for when a file is sent, and no telephone
    rank = dict.fromkeys(("rank_code", "rank_date", "step", "coefficient", "step_date", "percent"))
    # then
    assert demands() == DEFAULTS
    assert of_sync(judge(person(units, phone=None, **rank))) == {("REQUIRED_AT_SYNC", "warning", "rank_code")}
    assert of_sync(judge(person(units, job_position_amount="9500000", **rank))) == set()


def test_a_field_asked_for_when_a_file_is_made_holds_up_new_files_alone(units, root):
    # given
    ask(root, phone=(True, False))
    (key,) = live_make(person(units, phone=None))
    # then whatever is asked for when it is made is asked for when it is sent
    assert demands().at_sync - DEFAULTS.at_sync == demands().at_draft - DEFAULTS.at_draft == {"phone"}
    assert of_sync(judge(person(units, citizen_id="066185000777", staff_number="X", phone=None))) == {("REQUIRED", "error", "phone")}
    assert of_sync(judge_changes((key, 1, person(units, phone=None)))) == {("REQUIRED_AT_SYNC", "warning", "phone")}


def test_departures_are_kept_and_one_like_the_default_is_none(root):
    # when
    assert ask(root, phone=(False, True), rank_code=(False, False), religion=(True, True)) == ["phone", "rank_code"]
    # then
    assert {(one.name, one.at_draft, one.at_sync, one.reason, one.changed_by) for one in FieldDemand.objects.all()} == {
        ("phone", False, True, WHY, root),
        ("rank_code", False, False, WHY, root),
    }
    assert demands().has("phone")
    assert not demands().has("rank_code")
    # when it is taken back
    ask(root, phone=(False, False), rank_code=(False, True))
    # then
    assert (FieldDemand.objects.exists(), demands()) == (False, DEFAULTS)
    told = AuditEvent.objects.filter(action="demand.changed", actor=root).order_by("pk").values_list("detail", flat=True)
    assert [(one["field"], one["before"], one["after"]) for one in told] == [
        ("phone", "free", "sync"),
        ("rank_code", "sync", "free"),
        ("phone", "sync", "free"),
        ("rank_code", "free", "sync"),
    ]
    assert {one["reason"] for one in told} == {WHY}


@pytest.mark.parametrize(
    ("name", "asked", "reason"),
    [
        ("religion", (False, False), WHY),  # the tables and what is signed cannot be without it
        ("posting.title", (True, True), WHY),
        ("degrees", (True, True), WHY),
        ("phone", (True, True), " x "),
        ("phone", (False, False), WHY),  # nothing new
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_kept(root, name, asked, reason):
    with pytest.raises(DemandRefused):
        demands_change(actor=root, seen=demands(), wanted={name: asked, "health": (False, name != "phone" or asked[0])}, reason=reason)
    assert not FieldDemand.objects.exists()
    assert not AuditEvent.objects.filter(action="demand.changed").exists()


def test_only_superusers_and_only_what_they_saw(root):
    seen = demands()
    ask(root, phone=(False, True))
    with pytest.raises(DemandRefused):
        demands_change(actor=root, seen=seen, wanted={"health": (False, True)}, reason=WHY)
    with pytest.raises(NotAllowed):
        demands_change(actor=user_make("lan"), seen=demands(), wanted={"health": (False, True)}, reason=WHY)
    assert list(FieldDemand.objects.values_list("name", flat=True)) == ["phone"]


def test_what_is_missing_lands_in_the_work_list_and_in_the_score(units, root):
    # given two people without a row in any list but their postings, one of them without a telephone
    ask(root, phone=(False, True), family=(False, False))
    document = person(units)
    whole, poor = live_make(document, person(units, citizen_id="066185000777", staff_number="X", phone=None))
    # when
    sweep_run()
    # then
    lists = {name for name in ("postings", "degrees", "salary_history") if not document[name]}
    open_ = set(SweepFinding.objects.filter(code="REQUIRED_AT_SYNC").values_list("staff_id", "field"))
    assert open_ == {(key, name) for key in (whole, poor) for name in lists} | {(poor, "phone")}
    found = worklist(user=grant_make(user_make("lan"), Role.CLERK, units["agency"]).user)
    asked = len(demands().at_sync)
    assert (found.people, found.asked) == (2, asked)
    assert found.completeness == (2 * asked - 2 * len(lists) - 1) * 100 // (2 * asked)
    # and the person's own page counts the same
    score = completeness_of({**document, "phone": None})
    assert ({one.name for one in score.lacks}, score.filled) == (lists | {"phone"}, asked - len(lists) - 1)


def test_the_workbook_tells_both_by_colour(root):
    ask(root, phone=(True, True), health=(False, True))
    sheet = load_workbook(BytesIO(template_workbook()))[PEOPLE_SHEET]
    colours = {one.name: sheet.cell(1, place).fill.start_color.rgb[-6:] for place, one in enumerate(FIELDS, start=1)}
    assert (colours["religion"], colours["phone"], colours["health"], colours["rank_code"], colours["other_names"]) == (
        *("FFF2CC", "FFF2CC", "DDEBF7", "DDEBF7", "EEF2F6"),
    )


def test_the_page_saves_ticks_with_a_reason_and_says_what_was_refused(client, root):
    # given
    client.force_login(root)
    address = reverse("registry:demand_list")
    page = client.get(address)
    draft, sync = (sorted(one - DEFAULTS.at_draft) for one in (DEFAULTS.at_draft, DEFAULTS.at_sync))
    sent = {"state": page.context["state"], "draft": [*draft, "phone"], "sync": sync}
    # when the reason is forgotten, the ticks stay
    refused = client.post(address, sent)
    assert refused.status_code == 422
    assert 'value="phone" aria-label' in refused.content.decode()
    assert not FieldDemand.objects.exists()
    # and with it
    assert client.post(address, {**sent, "reason": WHY}).status_code == 302
    # then, and back again with the button of the line
    assert demands().at_draft - DEFAULTS.at_draft == {"phone"}
    page = client.get(address)
    assert WHY in page.content.decode()
    client.post(address, {"state": page.context["state"], "back": "phone", "reason": WHY})
    assert demands() == DEFAULTS
    assert client.post(address, {**sent, "state": "x", "reason": WHY}).status_code == 422
