"""Any story of transfers at the hub, with calls repeated and answers lost: at every moment a person belongs to exactly one agency."""

from __future__ import annotations

from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from exchange.hub_contract import Offer
from exchange.models import Agency, TransferCase
from exchange.services.transfers import (
    CaseMoved,
    NotHeld,
    OfferInvalid,
    OtherOffer,
    owner_of,
    transfer_give_back,
    transfer_offer,
    transfer_refuse,
    transfer_take,
    transfer_withdraw,
    transfers_expire,
)
from orgtree import clock
from registry.models import StaffProfile
from tests.exchange.sender import Change
from workflows.documents import parse
from workflows.models import RecordVersion

CODES = ("H15", "H16")
KIND = "staff_profile"


def release_change(sender, profile, version, to):
    """The release that an agency signs for the version that the hub holds of it."""
    document = {
        "schema": "transfer_release/1",
        "person": str(profile.pk),
        "person_name": profile.birth_name,
        "person_version": version,
        "person_digest": bytes(profile.digest).hex(),
        "unit": str(sender.office),
        "from_agency": sender.code,
        "to_agency": to,
        "to_agency_name": f"Tỉnh {to}",
        "effective_on": clock.today().isoformat(),
        "decision_number": "12/QĐ",
        "decision_date": clock.today().isoformat(),
        "note": None,
    }
    return Change("transfer_release", uuid4(), document)


class Stories(RuleBasedStateMachine):
    """One person, two agencies. `mine` counts each agency's own versions; a step is what an agency's program would send."""

    hub: object = None

    @initialize()
    def hired(self):
        self.person = self.hub.senders["H15"].person()
        self.hub.accept(self.person)
        self.key, self.owner, self.mine, self.offers = self.person.key, "H15", {"H15": 1, "H16": 0}, []

    @property
    def profile(self):
        return StaffProfile.objects.get(pk=self.key)

    @property
    def other(self):
        return "H16" if self.owner == "H15" else "H15"

    def open_case(self):
        return TransferCase.objects.filter(key=self.key, state__in=["offered", "taken"]).first()

    def step(self, call, *, repeats):
        """A call whose answer may be lost, so that it is made once more; a refusal is an answer like any other."""
        for _try in range(1 + repeats):
            try:
                call()
            except (CaseMoved, OtherOffer, NotHeld, OfferInvalid, TransferCase.DoesNotExist):
                continue

    @rule(repeats=st.integers(0, 1))
    def offer(self, repeats):
        sender = self.hub.senders[self.owner]
        change = release_change(sender, self.profile, self.mine[self.owner], self.other)
        signed = sender.sign(change)
        (item,) = signed.items()
        said = {"document": item["document"], "leaf_index": item["leaf_index"], "proof": item["proof"]}
        offer = Offer(manifest=signed.manifest, signature=signed.signature, received_at=signed.received_at, **said)
        agency = Agency.objects.get(code=self.owner)
        self.step(lambda: transfer_offer(agency=agency, number=change.key, offer=offer), repeats=repeats)
        self.offers.append(change.key)

    @precondition(lambda self: self.offers)
    @rule(data=st.data(), who=st.sampled_from(CODES), what=st.sampled_from(["take", "refuse", "withdraw", "give back"]), repeats=st.integers(0, 1))
    def answer(self, data, who, what, repeats):
        """Any agency tries any step on any case it heard of, its own or not, open or long ended."""
        calls = {"take": transfer_take, "refuse": transfer_refuse, "withdraw": transfer_withdraw, "give back": transfer_give_back}
        more = {} if what == "take" else {"reason": "Lý do"}
        number, agency = data.draw(st.sampled_from(self.offers)), Agency.objects.get(code=who)
        self.step(lambda: calls[what](agency=agency, number=number, **more), repeats=repeats)

    @rule(who=st.sampled_from(CODES), repeats=st.integers(0, 1))
    def deliver(self, who, repeats):
        """An agency sends its next version of the file, standing in its own unit: true only from the owner, or from who is taking over."""
        sender, case, before = self.hub.senders[who], self.open_case(), self.owner
        head = RecordVersion.objects.filter(kind=KIND, key=self.key).order_by("-version").first()
        document = parse(bytes(head.document.body)) | {
            "managing_agency": str(sender.root),
            "using_unit": str(sender.office),
            "phone": f"09{uuid4().int % 10**8:08}",
            "postings": [{**row, "unit": str(sender.office)} for row in parse(bytes(head.document.body))["postings"]],
        }
        signed = sender.sign(Change(KIND, self.key, document, self.mine[who]))
        outcomes = {self.hub.take(signed, sender=who)[0].outcome for _try in range(1 + repeats)}
        passes = case is not None and case.state == "taken" and case.to_agency.code == who
        taken = passes or (who == before and case is None)
        assert outcomes == ({"accepted"} if taken else {"rejected"})
        if taken:
            self.owner, self.mine[who] = who, self.mine[who] + 1

    @rule()
    def time_passes(self):
        assert transfers_expire() == 0

    @invariant()
    def belongs_to_one(self):
        agencies = {one.pk: one.code for one in Agency.objects.all()}
        assert agencies[owner_of(self.profile.using_unit_id)] == self.owner
        assert TransferCase.objects.filter(key=self.key, state__in=["offered", "taken"]).count() <= 1
        passed = TransferCase.objects.filter(key=self.key, state="completed").count()
        assert self.owner == ("H15" if passed % 2 == 0 else "H16")
        versions = list(RecordVersion.objects.filter(kind=KIND, key=self.key).order_by("version").values_list("version", flat=True))
        assert versions == list(range(1, sum(self.mine.values()) + 1))


def run(hub, examples, steps):
    machine = type("Stories", (Stories,), {"hub": hub})
    quiet = list(HealthCheck)
    run_state_machine_as_test(
        machine, settings=settings(max_examples=examples, stateful_step_count=steps, suppress_health_check=quiet, deadline=None)
    )


def test_a_person_belongs_to_exactly_one_agency_at_every_moment(hub):
    run(hub, 6, 8)


@pytest.mark.long
def test_a_person_belongs_to_exactly_one_agency_for_long(hub):
    run(hub, 150, 25)
