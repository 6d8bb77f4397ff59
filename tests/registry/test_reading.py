"""Opening a file and showing its masked values; and the logs as auditors see them."""

from __future__ import annotations

import csv
import io
from uuid import uuid4

import pytest
from django.urls import reverse

from orgtree.choices import Role
from registry.selectors.readers import readers_of
from tests.factories import grant_make, user_make
from tests.pages import Office
from workflows.choices import ReadAction
from workflows.models import AuditEvent, ReadEvent
from workflows.selectors import trails
from workflows.services.audit import audit
from workflows.services.reads import read_record


@pytest.fixture(scope="module")
def office(committed_db) -> Office:
    return Office.open()


@pytest.fixture(scope="module")
def hoa(office):
    kin = {"relation": "03", "full_name": "Nguyễn Văn Cha", "birth_year": 1950, "description": None}
    return office.hired(birth_name="Nguyễn Thị Hoa", family=[kin])


@pytest.fixture(scope="module")
def far(office):
    """Somebody of another agency."""
    from tests.registry.people import posting

    elsewhere = office.units["elsewhere"]
    return office.hired(birth_name="Trần Văn Xa", managing_agency=str(elsewhere.pk), using_unit=str(elsewhere.pk), postings=[posting(elsewhere)])


def last(profile) -> ReadEvent:
    return ReadEvent.objects.filter(key=profile.pk).latest("id")


def show(office, hoa, name="citizen_id", who="clerk", fetch=True, **sent):
    headers = {"X-Requested-With": "fetch"} if fetch else {}
    return office.client(who).post(reverse("registry:value_show", args=[hoa.pk, name]), {"reason": "verify", **sent}, headers=headers)


@pytest.mark.parametrize(
    ("who", "which", "what"), [("auditor", "staff_detail", ""), ("clerk", "staff_print", None), ("clerk", "staff_marks", "marks")]
)
def test_opening_a_file_is_in_the_log_before_it_is_shown(office, hoa, who, which, what):
    # given
    before = ReadEvent.objects.filter(key=hoa.pk).count()
    # when
    answer = office.client(who).get(reverse(f"registry:{which}", args=[hoa.pk]), headers={"X-Forwarded-For": "198.51.100.7, 10.9.8.7"})
    # then: the page of choices for a print shows nothing of the file
    assert answer.status_code == 200
    lines = ReadEvent.objects.filter(key=hoa.pk).count() - before
    assert lines == (what is not None)
    if lines:
        line = last(hoa)
        assert (line.actor.username, line.action, line.what, line.unit, line.address) == (who, "open", what, hoa.using_unit, "10.9.8.7")


def test_a_file_outside_the_scope_is_neither_opened_nor_logged(office, hoa):
    before = ReadEvent.objects.count()
    assert office.client("stranger").get(reverse("registry:staff_detail", args=[hoa.pk])).status_code == 404
    assert show(office, hoa, who="stranger").status_code == 404
    assert ReadEvent.objects.count() == before


def test_a_masked_value_is_shown_for_a_reason_and_is_in_the_log(office, hoa):
    # given
    page = office.client("clerk").get(reverse("registry:staff_detail", args=[hoa.pk])).content.decode()
    assert hoa.citizen_id not in page
    assert "Nguyễn Văn Cha" not in page
    # when
    number, family = show(office, hoa, note="đối chiếu CCCD"), show(office, hoa, "family")
    # then
    assert hoa.citizen_id in number.content.decode()
    assert "Nguyễn Văn Cha" in family.content.decode()
    assert "no-store" in number["Cache-Control"]
    said = ReadEvent.objects.filter(key=hoa.pk, action="reveal").order_by("id").values_list("what", "reason", "note", "actor__username")
    assert list(said)[-2:] == [("citizen_id", "verify", "đối chiếu CCCD", "clerk"), ("family", "verify", "", "clerk")]


@pytest.mark.parametrize("fetch", [True, False])
@pytest.mark.parametrize("sent", [{"reason": ""}, {"reason": "curious"}, {"reason": "other", "note": "  "}])
def test_without_a_reason_the_form_comes_back(office, hoa, sent, fetch):
    before = ReadEvent.objects.filter(action="reveal").count()
    answer = show(office, hoa, fetch=fetch, **sent)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode()
    assert hoa.citizen_id not in answer.content.decode()
    assert ReadEvent.objects.filter(action="reveal").count() == before


def test_without_script_the_value_has_a_page_of_its_own(office, hoa):
    answer = show(office, hoa, fetch=False)
    assert answer.status_code == 200
    assert hoa.citizen_id in answer.content.decode()
    assert "<h1>" in answer.content.decode()


@pytest.mark.parametrize(("who", "name"), [("auditor", "citizen_id"), ("operator", "citizen_id"), ("clerk", "birth_name"), ("clerk", "password")])
def test_nobody_else_and_nothing_else_is_revealed(office, hoa, who, name):
    assert show(office, hoa, name, who=who).status_code == 404


def test_the_supervisor_may_too(office, hoa):
    assert hoa.citizen_id in show(office, hoa, who="supervisor").content.decode()


def test_people_in_a_request_are_looked_at_in_the_log(office):
    # given
    request = office.submitted(office.document(birth_name="Lê Thị Đào"), office.document(birth_name="Y Ngông Niê"))
    # when
    assert office.client("supervisor").get(reverse("workflows:request_detail", args=[request.pk])).status_code == 200
    assert office.client("supervisor").get(reverse("workflows:request_record", args=[request.pk, 0])).status_code == 200
    # then
    keys = list(request.items.order_by("leaf_index").values_list("key", flat=True))
    lines = ReadEvent.objects.filter(action="review", what=f"#{request.number}", actor__username="supervisor").order_by("id")
    assert [one.key for one in lines] == [*keys, keys[0]]


def test_the_person_sees_who_read_the_file(office, django_assert_num_queries):
    # given
    key = uuid4()
    for action, what, reason in (("open", "", ""), ("reveal", "citizen_id", "decision"), ("print", "2c-bnv-2008.pdf +A", "request")):
        read_record(
            actor=office.users["clerk"],
            action=ReadAction(action),
            kind="staff_profile",
            records=[(key, office.units["office"].pk)],
            what=what,
            reason=reason,
        )
    # when
    with django_assert_num_queries(1):
        lines = readers_of(key=key)
    # then
    assert [str(one.action) for one in lines] == [str(ReadAction(name).label) for name in ("print", "reveal", "open")]
    assert lines[0].what.startswith("Sơ yếu lý lịch")
    assert lines[0].reason
    assert {one.who for one in lines} == {office.users["clerk"].display_name}


# For auditors


def rows(answer) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))


@pytest.fixture(scope="module")
def auditor_below(office):
    """Somebody who audits the office below the agency alone."""
    user = user_make("kiem-toan-van-phong")
    grant_make(user, Role.AUDITOR, office.units["office"])
    office.users["below"] = user
    return user


def test_an_auditor_sees_the_lines_of_their_units_only(office, hoa, far, auditor_below):
    # given readings here and elsewhere, and deeds
    for profile in (hoa, far):
        read_record(actor=office.users["root"], action=ReadAction.OPEN, kind="staff_profile", records=[(profile.pk, profile.using_unit_id)])
    for name in ("agency", "office", "elsewhere"):
        audit(actor=office.users["root"], action="route.drafted", unit=office.units[name], name=name)
    audit(actor=None, action="channel.set", channel="ndxp")  # concerns the whole installation
    # when
    seen = {
        who: {
            "reads": {
                one["Khóa"] if "Khóa" in one else list(one.values())[4] for one in rows(office.client(who).get(reverse("registry:read_log_csv")))
            },
            "deeds": [
                list(one.values())[6] for one in rows(office.client(who).get(reverse("registry:audit_trail_csv"), {"action": "route.drafted"}))
            ],
        }
        for who in ("auditor", "below", "root")
    }
    # then
    assert {who: (str(hoa.pk) in one["reads"], str(far.pk) in one["reads"]) for who, one in seen.items()} == {
        "auditor": (True, False),
        "below": (True, False),
        "root": (True, True),
    }
    assert seen["auditor"]["deeds"] == ["name: office", "name: agency"]
    assert seen["below"]["deeds"] == ["name: office"]
    assert seen["root"]["deeds"] == ["name: elsewhere", "name: office", "name: agency"]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"person": "hoa"}, True),
        ({"person": "khong ai"}, False),
        ({"who": "clerk"}, True),
        ({"who": "auditor"}, False),
        ({"action": "reveal"}, True),
        ({"action": "export"}, False),
        ({"since": "2026-01-01"}, True),
        ({"since": "2999-01-01"}, True),  # no such day: the field is ignored
        ({"since": "2199-01-01"}, False),
        ({"since": "", "until": "2020-01-01"}, False),
        ({"since": "9999-12-31", "until": "9999-12-31"}, True),
    ],
)
def test_the_filters_narrow(office, hoa, asked, found):
    # given
    show(office, hoa)
    # when
    page = office.client("auditor").get(reverse("registry:read_log"), {"action": "reveal", **asked}).content.decode()
    # then
    assert ("127.0.0.1" in page) == found


def test_a_unit_that_is_not_audited_cannot_be_asked_for(office):
    client = office.client("auditor")
    assert client.get(reverse("registry:read_log"), {"unit": office.units["elsewhere"].pk}).status_code == 404
    assert client.get(reverse("registry:audit_trail"), {"unit": "x"}).status_code == 404
    assert client.get(reverse("registry:audit_trail"), {"unit": office.units["office"].pk}).status_code == 200


def test_pages_follow_each_other_without_gap_or_repeat(office, monkeypatch):
    # given
    monkeypatch.setattr(trails, "PAGE", 3)
    for number in range(7):
        audit(actor=office.users["root"], action="route.ended", unit=office.units["office"], name=f"#{number}")
    # when
    seen, before = [], None
    while True:
        lines = trails.audit_events(user=office.users["auditor"], wanted=trails.TrailFilter(action="route.ended"))
        found, before = trails.trail_page(lines, before=before)
        seen += [one.detail["name"] for one in found]
        if before is None:
            break
    # then
    assert seen == [f"#{number}" for number in range(6, -1, -1)]
    assert [one.detail["name"] for one in trails.trail_rows(lines)] == seen


def test_formulas_in_a_log_are_neutralised_and_taking_it_is_audited(office):
    # given
    audit(actor=office.users["root"], action="=cmd()", unit=office.units["office"])
    # when
    lines = rows(office.client("auditor").get(reverse("registry:audit_trail_csv"), {"action": "=cmd()"}))
    # then
    assert [list(one.values())[2] for one in lines] == ["'=cmd()"]
    event = AuditEvent.objects.filter(action="trail.exported").latest("id")
    assert (event.actor.username, event.detail["asked"]["action"]) == ("auditor", "=cmd()")


@pytest.mark.parametrize("which", ["read_log", "audit_trail", "read_log_csv", "audit_trail_csv"])
def test_only_auditors_enter(office, which):
    people = ("clerk", "supervisor", "operator", "stranger", "nobody")
    assert {office.client(who).get(reverse(f"registry:{which}")).status_code for who in people} == {404}
