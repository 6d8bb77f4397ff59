"""The Party database: what it is told, what it tells, and that neither direction goes round the policy or the gate."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from django.urls import reverse

from exchange.choices import ChannelKind, FactState
from exchange.models import PartyFact, RegisterEntry, RegisterLane
from exchange.party import Fact, Facts
from exchange.services.lanes import lanes_review
from exchange.services.party import facts_fetch, facts_propose
from exchange.services.registers import PURPOSES, registers_drive
from tests.exchange.registers import PaperRegister, pass_time, register_make, round_
from tests.pages import Office
from workflows.choices import RequestState
from workflows.documents import canonical, digest, parse
from workflows.services.marks import mark_propose


@pytest.fixture
def office(db) -> Office:
    return Office.open()


@pytest.fixture
def channel(office):
    return register_make(ChannelKind.PARTY)


def taken(member):
    return {"code": "OK", "digest": digest(canonical({"citizen_id": member["citizen_id"], **member["fields"]})).hex()}


@dataclass
class PaperParty:
    """The stream of facts, as a connector; pages of two."""

    told: list[dict[str, Any]]
    asked: list[int] = field(default_factory=list)

    def __call__(self, channel):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *details):
        pass

    def facts(self, *, after):
        self.asked.append(after)
        rest = [Fact(**one) for one in self.told if one["sequence"] > after]
        return Facts(facts=rest[:2], next=rest[1].sequence if len(rest) > 2 else None)


def fact(sequence, person, **fields):
    return {"sequence": sequence, "citizen_id": person if isinstance(person, str) else person.citizen_id, "fields": fields}


def mark(office, person, name=""):
    said = {"kind": "staff_profile", "key": person.pk, "unit": office.units["office"], "reason": "Danh mục bí mật"}
    mark_propose(actor=office.users["clerk"], field=name, **said)


def test_out_goes_what_the_policy_names_and_nothing_else(office, channel):
    # given
    person, register = office.hired(), PaperRegister(says=taken)
    # when
    round_(channel, register)
    # then
    (member,) = register.asked
    assert member["fields"]["birth_name"] == person.birth_name
    assert not {"phone", "current_address", "family", "health"} & member["fields"].keys()
    assert RegisterEntry.objects.get().code == "OK"
    # and the log of what went out names the fields as they went
    assert set(parse(bytes(RegisterEntry.objects.get().payload))) == {"citizen_id", *member["fields"]}


def test_a_marked_field_stays_and_a_marked_person_stays_whole(office, channel):
    # given
    one, other, register = office.hired(), office.hired(), PaperRegister(says=taken)
    mark(office, one, "religion")
    mark(office, other)
    # when
    round_(channel, register)
    # then
    (member,) = register.asked
    assert member["citizen_id"] == one.citizen_id
    assert "religion" not in member["fields"]
    assert RegisterLane.objects.get(staff=other).withheld


def test_told_is_told_only_when_the_answer_names_our_digest(office, channel):
    # given
    office.hired()
    register = PaperRegister(says=lambda one: {"code": "OK", "digest": "0" * 64})
    # when
    round_(channel, register)
    # then
    assert (RegisterEntry.objects.get().code, RegisterLane.objects.get().fingerprint) == ("OTHER_DIGEST", None)
    # when it comes to itself
    register.says = taken
    round_(channel, register)
    assert RegisterLane.objects.get().fingerprint is not None


def test_a_fact_becomes_a_request_that_a_person_decides(office, channel):
    # given
    person = office.hired()
    # when
    facts_fetch(channel=channel, connector=PaperParty([fact(7, person, first_org_date="2003-03-26", fee_paid=True)]))
    facts_propose(channel=channel)
    # then
    told = PartyFact.objects.get()
    assert (told.state, told.fields, told.left_out) == (FactState.PROPOSED, {"first_org_date": "2003-03-26"}, ["fee_paid"])
    assert (told.request.state, told.request.author, told.request.system) == (RequestState.IN_REVIEW, None, "party")
    before = person.first_org_date
    person.refresh_from_db()
    assert person.first_org_date == before


def test_facts_are_read_once_in_pages_whatever_comes_twice(office, channel):
    # given
    person = office.hired()
    told = [fact(number, person, first_org_date=f"2003-03-{number:02}") for number in range(1, 6)]
    party = PaperParty([*told[:3], told[2], *told[3:]])
    # when
    facts_fetch(channel=channel, connector=party)
    pass_time(3_600)
    facts_fetch(channel=channel, connector=party)
    # then
    assert sorted(PartyFact.objects.values_list("sequence", flat=True)) == [1, 2, 3, 4, 5]


def test_a_file_that_is_being_changed_waits_and_so_do_the_later_facts_of_the_person(office, channel):
    # given
    person = office.hired()
    facts_fetch(channel=channel, connector=PaperParty([fact(1, person, first_org_date="2003-03-26"), fact(2, person, first_org_date="2004-03-26")]))
    # when
    facts_propose(channel=channel)
    facts_propose(channel=channel)
    # then
    assert list(PartyFact.objects.order_by("sequence").values_list("state", flat=True)) == [FactState.PROPOSED, FactState.WAITING]


def test_what_is_said_of_strangers_is_not_kept(office, channel):
    facts_fetch(channel=channel, connector=PaperParty([fact(1, "001099000001", party_post="x")]))
    told = PartyFact.objects.get()
    assert (told.state, told.fields, told.staff) == (FactState.NOBODY, {}, None)


def test_what_the_rules_refuse_or_the_file_has_already_makes_no_request(office, channel):
    # given
    person = office.hired()
    same = person.first_org_date.isoformat() if person.first_org_date else None
    party = PaperParty([fact(1, person, party_official_date="1900-01-01"), fact(2, person, fee_paid=True), fact(3, person, first_org_date=same)])
    # when
    facts_fetch(channel=channel, connector=party)
    facts_propose(channel=channel)
    # then
    assert list(PartyFact.objects.order_by("sequence").values_list("state", flat=True)) == [FactState.REFUSED, FactState.FOREIGN, FactState.SAME]
    assert PartyFact.objects.get(sequence=1).detail


def test_with_a_policy_that_cannot_be_used_nothing_crosses_and_the_other_lines_go_on(office, channel, settings, tmp_path):
    # given
    office.hired()
    (table := tmp_path / "policy.csv").write_text("field,out,in,why\nsalary,1,0,x\n")
    settings.PARTY_POLICY_FILE = table
    # when
    lanes_review(channel=channel, purpose=PURPOSES[channel.kind])
    registers_drive()
    # then
    channel.refresh_from_db()
    assert channel.last_error.startswith("POLICY_INVALID")
    assert not RegisterEntry.objects.exists()
    page = office.client("root").get(reverse("exchange:register_list")).content.decode()
    assert "there is no field" in page
