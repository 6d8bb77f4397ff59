"""Comparing people with the population database: who is asked, when, and what becomes of the answers."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, transaction

from exchange.choices import BatchState, ChannelKind, MatchOutcome, MatchOwner
from exchange.connectors import CallFailed
from exchange.contract import ErrorKind
from exchange.models import Channel, PopulationMatch, RegisterBatch, RegisterEntry, RegisterLane
from exchange.selectors.matching import matches_seen
from exchange.services.lanes import batches_dissolve, lanes_ask_again
from tests.exchange.registers import PaperRegister, change, holds, matched, no_answer, register_make, round_
from tests.pages import Office
from workflows.models import Hold
from workflows.services.marks import mark_propose


@pytest.fixture
def office(db) -> Office:
    return Office.open()


@pytest.fixture
def channel(office) -> Channel:
    return register_make()


def test_everybody_is_asked_once_and_again_only_when_one_of_the_four_fields_changes(office, channel):
    # given
    person = office.hired()
    register = PaperRegister()
    # when
    round_(channel, register)
    round_(channel, register, wait=False)
    # then
    match = PopulationMatch.objects.get(staff=person)
    assert (match.outcome, match.owner, len(register.asked)) == (MatchOutcome.MATCHED, MatchOwner.NOBODY, 1)
    # when something else changes, nobody is asked; when the name does, the person is
    change(office, person, phone="0987654321")
    round_(channel, register, wait=False)
    assert len(register.asked) == 1
    change(office, person, birth_name="Nguyễn Thị Hoa Mai")
    round_(channel, register, wait=False)
    assert [one["birth_name"] for one in register.asked][1:] == ["Nguyễn Thị Hoa Mai"]


def test_a_difference_names_its_owner_and_keeps_the_answer_as_it_came(office, channel):
    # given
    person = office.hired(birth_name="Nguyễn Thị Hoà")
    # when
    round_(channel, PaperRegister(says=holds(birth_name="Nguyễn Thị Hoa", extra="unknown to us")))
    # then
    match = PopulationMatch.objects.select_related("entry").get(staff=person)
    assert (match.outcome, match.owner, match.differs) == (MatchOutcome.NAME_DIFF, MatchOwner.AGENCY, ["birth_name"])
    assert match.entry.answer[0]["extra"] == "unknown to us"


def test_a_number_that_was_cancelled_is_for_the_police(office, channel):
    person = office.hired()
    round_(channel, PaperRegister(says=lambda one: {"code": "ID_CANCELLED"}))
    assert PopulationMatch.objects.get(staff=person).owner == MatchOwner.POLICE


def test_a_call_that_arrived_unanswered_is_asked_for_and_not_repeated(office, channel):
    # given
    person = office.hired()
    register = PaperRegister(script=[no_answer()])
    # when
    round_(channel, register)
    assert PopulationMatch.objects.get(staff=person).outcome == MatchOutcome.NOT_CHECKED
    round_(channel, register)
    # then
    assert register.calls == ["put", "ask"]
    assert PopulationMatch.objects.get(staff=person).outcome == MatchOutcome.MATCHED
    assert RegisterEntry.objects.filter(staff=person).count() == 1


def test_a_call_that_never_arrived_is_repeated_under_the_same_key(office, channel):
    office.hired()
    register = PaperRegister(script=[no_answer()], arrived=False)
    round_(channel, register)
    round_(channel, register)
    assert (register.calls, len(register.kept)) == (["put", "ask", "put"], 1)


def test_whoever_is_passed_over_is_asked_about_again_and_the_others_are_not(office, channel):
    # given a database that answers half of a batch, twice, in the wrong order, and for somebody who was not asked about
    people = [office.hired() for _ in range(4)]
    stranger = {"ref": "00000000-0000-4000-8000-000000000000", **matched(dict.fromkeys(("citizen_id", "birth_name", "birth_date", "gender"), ""))}
    register = PaperRegister(spoil=lambda answers: [stranger, *reversed(answers[:2]), *answers[:2]])
    # when
    round_(channel, register)
    # then
    batch = RegisterBatch.objects.get()
    assert (batch.answered, batch.state) == (2, BatchState.DONE)
    assert "2 without an answer" in batch.detail
    # when it has come to itself
    register.spoil = lambda answers: answers
    round_(channel, register, wait=True)
    assert set(PopulationMatch.objects.values_list("outcome", flat=True)) == {MatchOutcome.MATCHED}
    assert RegisterEntry.objects.filter(answered_at__isnull=False).count() == len(people) + 2 - 2


@pytest.mark.parametrize(
    ("says", "code"),
    [
        (lambda one: {**matched(one), "citizen_id": "001099000001"}, "OTHER_PERSON"),
        (lambda one: {**matched(one), "code": "OLD-07"}, "CODE_UNKNOWN"),
        (lambda one: {"birth_name": "no code at all"}, "UNREADABLE"),
    ],
)
def test_an_answer_that_nobody_can_use_is_no_answer_and_is_asked_for_again_later(office, channel, says, code):
    # given
    person = office.hired()
    register = PaperRegister(says=says)
    # when
    round_(channel, register)
    # then
    match = PopulationMatch.objects.get(staff=person)
    assert (match.outcome, match.code) == (MatchOutcome.ERROR, code)
    assert round_(channel, register, wait=False) == 0
    # when
    register.says = matched
    round_(channel, register)
    assert PopulationMatch.objects.get(staff=person).outcome == MatchOutcome.MATCHED


def test_two_answers_that_disagree_are_none(office, channel):
    person = office.hired()
    round_(channel, PaperRegister(spoil=lambda answers: [*answers, {**answers[0], "birth_name": "Trần Văn Khác"}]))
    assert PopulationMatch.objects.get(staff=person).code == "CONTRADICTION"


def test_an_unusable_answer_does_not_take_away_what_is_known_of_the_same_values(office, channel):
    # given
    person = office.hired()
    register = PaperRegister()
    round_(channel, register)
    # when asked again, without a change
    RegisterLane.objects.update(again_at="2020-01-01T00:00:00Z")
    register.says = lambda one: {"code": "???"}
    round_(channel, register)
    # then
    assert PopulationMatch.objects.get(staff=person).outcome == MatchOutcome.MATCHED


def test_a_file_that_changes_while_it_is_asked_about_is_asked_about_again(office, channel):
    # given
    person = office.hired()

    def meanwhile(one):
        if one["birth_name"] != "Nguyễn Thị Mới":
            change(office, person, birth_name="Nguyễn Thị Mới")
        return matched(one)

    register = PaperRegister(says=meanwhile)
    # when
    round_(channel, register)
    # then
    assert [one["birth_name"] for one in register.asked][-1] == "Nguyễn Thị Mới"
    entry = PopulationMatch.objects.select_related("entry").get(staff=person).entry
    assert entry.version == person.version


def test_who_has_passed_to_another_agency_is_that_one_s_to_ask_about(office, channel):
    # given two people who differ, one of whom has passed on
    stays, gone = office.hired(), office.hired()
    register = PaperRegister(says=holds(birth_name="Trần Văn Khác"))
    round_(channel, register)
    Hold.objects.create(kind="staff_profile", key=gone.pk, cause="transfer", text="Tỉnh Gia Lai", final=True)
    asked = len(register.asked)
    # when both are to be asked about once more
    lanes_ask_again(channel=channel, keys=[stays.pk, gone.pk])
    round_(channel, register, wait=False)
    # then
    assert [one["citizen_id"] for one in register.asked[asked:]] == [stays.citizen_id]
    assert [one.staff_id for one in matches_seen(office.users["clerk"])] == [stays.pk]


def test_who_does_not_leave_is_not_asked_about(office, channel):
    # given
    person, register = office.hired(), PaperRegister()
    mark = {"kind": "staff_profile", "key": person.pk, "unit": office.units["office"], "reason": "Danh mục bí mật nhà nước"}
    mark_propose(actor=office.users["clerk"], **mark)
    # when
    round_(channel, register)
    # then
    assert register.asked == []
    assert RegisterLane.objects.get(staff=person).withheld


@pytest.mark.parametrize("what", ["mark", "change"])
def test_a_batch_that_waited_is_put_as_the_files_are_when_it_goes(office, channel, what):
    # given a batch that the line refused to take
    person, other = office.hired(), office.hired()
    register = PaperRegister(script=[CallFailed(ErrorKind.THROTTLED, "TOO_MANY", "slow down", retry_after=60)], arrived=False)
    round_(channel, register)
    # when one of its people is marked, or changes, before it is tried again
    if what == "mark":
        mark_propose(actor=office.users["clerk"], kind="staff_profile", key=person.pk, unit=office.units["office"], reason="Danh mục bí mật")
    else:
        change(office, person, birth_name="Nguyễn Thị Mới")
    round_(channel, register)
    # then
    asked = {one["citizen_id"]: one["birth_name"] for one in register.asked}
    assert asked.pop(other.citizen_id) == other.birth_name
    assert asked == ({} if what == "mark" else {person.citizen_id: "Nguyễn Thị Mới"})


def test_a_batch_that_is_not_understood_is_parked_and_its_people_can_be_put_again(office, channel):
    # given
    person = office.hired()
    register = PaperRegister(script=[CallFailed(ErrorKind.SCHEMA, "INVALID", "no")], arrived=False)
    round_(channel, register)
    assert RegisterBatch.objects.get().state == BatchState.PARKED
    assert round_(channel, register) == 0
    # when
    assert batches_dissolve(channel=channel) == 1
    round_(channel, register)
    # then
    assert PopulationMatch.objects.get(staff=person).outcome == MatchOutcome.MATCHED


def test_the_circuit_breaker_holds_the_line(office, channel):
    office.hired()
    register = PaperRegister(script=[CallFailed(ErrorKind.THROTTLED, "TOO_MANY", "slow down", retry_after=120)], arrived=False)
    round_(channel, register)
    assert round_(channel, register, wait=False) == 0
    assert register.calls == ["put"]


def test_what_was_asked_and_answered_is_never_altered(office, channel):
    office.hired()
    round_(channel, PaperRegister())
    entry = RegisterEntry.objects.get()
    for deed in (
        lambda: RegisterEntry.objects.filter(pk=entry.pk).update(code="NAME_DIFF"),
        lambda: RegisterEntry.objects.filter(pk=entry.pk).update(payload=b"{}"),
        lambda: RegisterEntry.objects.filter(pk=entry.pk)._raw_delete("default"),
    ):
        with pytest.raises(DatabaseError, match="is kept as it was"), transaction.atomic():
            deed()


def test_a_register_gets_no_deliveries(office):
    from exchange.services.forming import channels_active

    register_make(ChannelKind.PARTY)
    assert channels_active() == []
