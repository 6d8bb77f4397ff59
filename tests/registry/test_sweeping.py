"""The nightly sweep: the gate's rules on live files, findings that come and go, a run that a kill does not lose, a list of one's own."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.urls import reverse

from orgtree.choices import Role
from registry.models import NameWord, StaffProfile, Sweep, SweepFinding
from registry.selectors.filters import StaffFilter, filter_read
from registry.selectors.staff import staff_list
from registry.selectors.units import tops
from registry.selectors.worklist import section_of, worklist
from registry.services import sweeping
from registry.services.codes import codes_load
from registry.services.sweeping import applied_take_up, people_recheck, sweep_run
from tests.factories import gate_lifted, grant_make, user_make
from tests.pages import Office
from tests.registry.people import TODAY, live_make, person, places, posting
from workflows.models import Hold, JobRun, RecordVersion

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _day(settings):
    settings.PINNED_TODAY = TODAY


@pytest.fixture
def units():
    return places()


def people(units, count: int, **changes) -> list:
    return live_make(*(person(units, citizen_id=f"066185{n:06}", staff_number=f"N{n}", **changes) for n in range(count)))


def broken(key, **values) -> None:
    """A file that is wrong although it went through the gate once: a rule came later, a list ended."""
    with gate_lifted("registry_staffprofile"):
        StaffProfile.objects.filter(pk=key).update(**values)


def open_findings() -> set[tuple]:
    return set(SweepFinding.objects.filter(resolved_on=None).values_list("staff_id", "code", "field"))


def test_the_rules_of_the_gate_judge_what_is_live(units):
    # given
    right, wrong = people(units, 2)
    broken(wrong, step=7, ethnicity="zz")
    # when
    sweep = sweep_run()
    # then
    assert (sweep.done, sweep.finished_at is not None) == (2, True)
    assert {(wrong, "COEFFICIENT_SCALE", "coefficient"), (wrong, "CODE_UNKNOWN", "ethnicity")} <= open_findings()
    assert not {code for key, code, _field in open_findings() if key == right} & {"COEFFICIENT_SCALE", "CODE_UNKNOWN", "CITIZEN_ID_DUPLICATE"}
    assert sweep.job.state == "done"


def test_rows_are_judged_with_their_person(units):
    # given a posting in a list whose period overlaps nothing but whose code nobody knows
    (key,) = people(units, 1, postings=[posting(units["office"])])
    with gate_lifted("registry_posting"), connection.cursor() as cursor:
        cursor.execute("update registry_posting set movement = 'zz' where staff_id = %s", [key])
    # when
    sweep_run()
    # then
    assert (key, "CODE_UNKNOWN", "postings.movement") in open_findings()


def test_a_finding_keeps_its_first_day_and_is_resolved_when_it_is_gone(units, settings):
    # given
    (key,) = people(units, 1)
    broken(key, ethnicity="zz")
    sweep_run()
    # when: it is found again the next night, put right, and wrong once more
    one = SweepFinding.objects.filter(staff=key, code="CODE_UNKNOWN")
    days = [TODAY + timedelta(days=number) for number in range(4)]
    settings.PINNED_TODAY = days[1]
    sweep_run()
    assert (one.get().first_seen, one.get().last_seen, one.get().resolved_on) == (days[0], days[1], None)
    settings.PINNED_TODAY = days[2]
    broken(key, ethnicity="01")
    sweep_run()
    assert one.get().resolved_on == days[2]
    settings.PINNED_TODAY = days[3]
    broken(key, ethnicity="zz")
    sweep_run()
    # then
    assert (one.get().first_seen, one.get().resolved_on) == (days[3], None)


def test_a_run_is_taken_up_where_it_stopped(units, monkeypatch):
    # given a sweep that a kill ends after its second slice
    monkeypatch.setattr(sweeping, "SLICE", 2)
    people(units, 7)
    judged: list = []
    judge = sweeping._judge

    def dies(keys, day):
        if len(judged) == 4:
            raise KeyboardInterrupt
        judged.extend(keys)
        judge(keys, day)

    monkeypatch.setattr(sweeping, "_judge", dies)
    with pytest.raises(KeyboardInterrupt):
        sweep_run()
    assert Sweep.objects.get().done == 4
    # when
    monkeypatch.setattr(sweeping, "_judge", lambda keys, day: judged.extend(keys) or judge(keys, day))
    sweep = sweep_run()
    # then: every file once, one run, and nothing to do the second time
    assert judged == sorted(StaffProfile.objects.values_list("pk", flat=True))
    assert (sweep.done, Sweep.objects.count(), JobRun.objects.filter(kind="sweep").count()) == (7, 1, 1)
    sweep_run()
    assert len(judged) == 7


def test_time_is_kept(units):
    people(units, 1)
    assert sweep_run(seconds=0).finished_at is None


def test_what_was_put_right_leaves_the_list_at_once(units):
    # given
    (key,) = people(units, 1)
    broken(key, ethnicity="zz")
    sweep_run()
    # when
    broken(key, ethnicity="01")
    people_recheck(keys=[key])
    # then
    assert "CODE_UNKNOWN" not in {code for _key, code, _field in open_findings()}


def test_after_a_request_its_people_are_judged_and_their_words_known():
    # given
    office = Office.open()
    hoa = office.hired(birth_name="Nguyễn Thị Hoa")
    broken(hoa.pk, ethnicity="zz")
    # when
    applied_take_up(request_id=RecordVersion.objects.get(key=hoa.pk).request_id)
    # then
    assert set(NameWord.objects.values_list("word", flat=True)) >= {"nguyen", "thi", "hoa"}
    assert (hoa.pk, "CODE_UNKNOWN", "ethnicity") in open_findings()


def test_the_work_list_holds_my_units_and_goes_with_the_person(units):
    # given
    here, there = people(units, 2)
    elsewhere = {"using_unit": units["elsewhere"].pk, "managing_agency": units["elsewhere"].pk}
    for key in (here, there):
        broken(key, ethnicity="zz")
    sweep_run()
    clerk = user_make()
    grant_make(clerk, Role.CLERK, units["agency"])
    seen = [{line.finding.staff_id for line in worklist(user=clerk, code="CODE_UNKNOWN").lines}]
    # when one of them is moved away
    broken(there, **elsewhere)
    seen.append({line.finding.staff_id for line in worklist(user=clerk, code="CODE_UNKNOWN").lines})
    # then
    assert seen == [{here, there}, {here}]
    assert worklist(user=user_make()).total == 0


def test_counts_by_rule_and_pages(units, monkeypatch):
    # given
    monkeypatch.setattr("registry.selectors.worklist.PAGE", 2)
    for key in people(units, 5):
        broken(key, ethnicity="zz")
    sweep_run()
    clerk = user_make()
    grant_make(clerk, Role.CLERK, units["agency"])
    # when
    pages, cursor = [], ""
    while True:
        found = worklist(user=clerk, code="CODE_UNKNOWN", cursor=cursor)
        pages.append([line.finding.pk for line in found.lines])
        cursor = found.next
        if not cursor:
            break
    # then
    assert [len(one) for one in pages] == [2, 2, 1]
    assert len({pk for one in pages for pk in one}) == found.total == 5
    assert {one.code: one.count for one in found.counts}["CODE_UNKNOWN"] == 5
    assert worklist(user=clerk, severity="error", code="CODE_UNKNOWN").total == 5
    assert worklist(user=clerk, severity="suggestion", code="CODE_UNKNOWN").total == 0


def test_the_page_leads_to_the_section_and_shows_no_class_a_value():
    # given a number whose year of birth is wrong
    office = Office.open()
    hoa = office.hired(birth_name="Nguyễn Thị Hoa")
    broken(hoa.pk, citizen_id="001299000001")
    sweep_run()
    # when
    text = office.client("clerk").get(reverse("registry:worklist")).content.decode()
    # then
    assert reverse("registry:edit_section", args=[hoa.pk, "correct", "identity"]) in text
    assert "001299000001" not in text
    assert "Nguyễn Thị Hoa" not in office.client("stranger").get(reverse("registry:worklist")).content.decode()


def test_a_field_and_a_column_have_their_section():
    assert [section_of(name) for name in ("ethnicity", "degrees.major", "postings[0].title", "", "nothing")] == [
        "identity",
        "education",
        "service",
        "",
        "",
    ]


def test_who_has_left_or_passed_on_counts_no_more_and_asks_for_no_work():
    # given one who serves, one who leaves next month, one who has left, and one who passed to another agency
    codes_load()
    office = Office.open()
    clerk, out = office.users["clerk"], {"valid_from": "2010-01-01", "movement": "NH"}

    def hired(name: str, **post: str) -> UUID:
        return office.hired(birth_name=name, postings=[posting(office.units["office"], **post)]).pk

    here, soon = hired("Nguyễn Thị Ở"), hired("Trần Văn Sắp", **out, valid_to="2026-11-15")
    left, passed = hired("Lê Thị Nghỉ", **out, valid_to="2026-10-01"), hired("Phạm Văn Chuyển")
    Hold.objects.create(kind="staff_profile", key=passed, cause="transfer", text="Tỉnh Gia Lai", final=True)
    everybody = {here, soon, left, passed}
    for key in everybody:
        broken(key, ethnicity="zz")
    sweep_run()
    # then the work list and the tree's figures are about the first two
    found = worklist(user=clerk, code="CODE_UNKNOWN")
    assert {line.finding.staff_id for line in found.lines} == {here, soon}
    assert (found.total, found.people) == (2, 2)
    (branch,) = tops(clerk)
    assert (branch.people, [one.people for one in branch.children]) == (2, [2])

    # and the list has each of them under its own status, and leaves out only who passed on
    def listed(**values: str) -> set[UUID]:
        return set(staff_list(user=clerk, wanted=StaffFilter(values=values)).values_list("pk", flat=True))

    assert (listed(gone="here"), listed(gone="left"), listed(gone="yes")) == ({here, soon}, {left}, {passed})
    assert listed() == everybody - {passed}
    assert filter_read(user=clerk, data={"gone": "rubbish"})[1] == ["Tình trạng công tác"]
