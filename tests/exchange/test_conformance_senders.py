"""A program that sends, under examination: a careless one is found out check by check, and ours passes them all."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from exchange import connectors
from exchange.conformance.kit import Kit
from exchange.conformance.senders.judging import CHECKS, Examined, SenderResult, judged, sender_report
from exchange.conformance.senders.watching import InTurn, Watched
from exchange.contract import PROFILE_KIND, UNIT_KIND
from exchange.models import Channel, Delivery
from exchange.sandbox.faults import Fault
from exchange.sandbox.serving import served
from exchange.services.channels import channel_work
from exchange.services.forming import deliveries_fan_out
from tests.exchange.sender import Sender
from workflows.models import OutboxMessage
from workflows.trust import TrustStore

SECRET = "s" * 32
PEOPLE = 20


@contextmanager
def examined(faults: tuple[Fault, ...] = ()) -> Iterator[tuple[Kit, Callable[[], dict[str, SenderResult]]]]:
    """A sender that may be as careless as a test likes, and what has become of the checks so far."""
    watched = Watched(SECRET, hang=0.3, faults=InTurn(faults))
    with served(watched.sandbox) as address:
        kit = Kit(address, "H15", "any", SECRET, lambda manifest, moment: b"00")
        kit.token = kit.token_ask().body["access_token"]

        def results() -> dict[str, SenderResult]:
            return {one.check.name: one for one in judged(Examined(watched.log, "H15"))}

        yield kit, results
        kit.client.close()


def failed(results: dict[str, SenderResult]) -> set[str]:
    return {name for name, one in results.items() if one.seen}


def test_a_careful_sender_fails_nothing_and_hears_what_was_not_seen():
    # given
    with examined() as (kit, results):
        # when: the tree, people in one batch, one of them again, and the receipts to their end
        tree, people = kit.tree(), [kit.person() for _ in range(3)]
        kit.send(kit.envelope(tree), kind=UNIT_KIND)
        kit.send(kit.envelope(people))
        kit.token = kit.token_ask().body["access_token"]  # those given before have ended
        kit.send(kit.envelope([people[0].again(phone="0987654321")]))
        after: int | None = 0
        while after is not None:
            after = kit.call("GET", f"/receipts?after={after}").body["next"]
        found = results()
    # then
    assert failed(found) == set()
    unseen = {name for name, one in found.items() if one.unseen}
    assert "signature_holds" in unseen  # nobody said whom to trust
    assert {"proofs_lead_to_the_root", "versions_follow_each_other", "pages_are_followed", "documents_keep_the_schema"} <= set(found) - unseen
    assert "UNSEEN  silence_is_looked_into" in sender_report(list(found.values()))


def _mixed(kit: Kit) -> None:
    kit.send(kit.envelope([*kit.tree(), kit.person()]), kind=UNIT_KIND)


def _without_key(kit: Kit) -> None:
    kit.call("PUT", "/org-units", body=kit.envelope(kit.tree()))


def _nonsense(kit: Kit) -> None:
    kit.call("POST", "/profiles", body=b"<xml/>", headers={"idempotency-key": uuid4().hex, "content-type": "text/xml"})


def _another_name(kit: Kit) -> None:
    kit.send(kit.envelope(kit.tree(), authority="H16"), kind=UNIT_KIND)


def _other_document(kit: Kit) -> None:
    envelope = kit.envelope([kit.person()])
    envelope["items"][0]["document"]["birth_name"] = "Trần Văn Khác"
    kit.send(envelope)


def _more_than_the_form(kit: Kit) -> None:
    person = kit.person()
    person.document["shoe_size"] = 41
    kit.send(kit.envelope([person]))


def _seal_without_signatures(kit: Kit) -> None:
    kit.send(kit.envelope(kit.tree(), purpose="seal", over=["0" * 64]), kind=UNIT_KIND)


def _moment_of_sending(kit: Kit) -> None:
    envelope = kit.envelope(kit.tree())
    envelope["received_at"] = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    kit.send(envelope, kind=UNIT_KIND)


def _child_first(kit: Kit) -> None:
    root, office = kit.tree()
    kit.send(kit.envelope([office]), kind=UNIT_KIND)
    kit.send(kit.envelope([root]), kind=UNIT_KIND)


def _people_first(kit: Kit) -> None:
    kit.send(kit.envelope([kit.person()]))
    kit.token = kit.token_ask().body["access_token"]
    kit.send(kit.envelope(kit.tree()), kind=UNIT_KIND)


def _a_version_left_out(kit: Kit) -> None:
    person = kit.person()
    for one in (person, person.again(phone="1").again(phone="0987654321")):
        kit.send(kit.envelope([one]))


def _under_another_key(kit: Kit) -> None:
    envelope = kit.envelope(kit.tree())
    for _ in range(2):
        kit.send(envelope, kind=UNIT_KIND)


def _other_bytes(kit: Kit) -> None:
    for _ in range(2):
        kit.send(kit.envelope(kit.tree()), kind=UNIT_KIND, key="k" * 32)


def _a_token_for_each_call(kit: Kit) -> None:
    for _ in range(9):
        kit.token = kit.token_ask().body["access_token"]
        kit.call("GET", "/receipts?after=0")


def _password(kit: Kit) -> None:
    kit.token_ask(grant_type="password")


def _no_token(kit: Kit) -> None:
    kit.call("GET", "/receipts", token="")


def _token_forgotten(kit: Kit) -> None:
    for _ in range(3):
        kit.send(kit.envelope([kit.person()]))


def _no_receipts(kit: Kit) -> None:
    kit.send(kit.envelope(kit.tree()), kind=UNIT_KIND)


def _first_page_only(kit: Kit) -> None:
    kit.send(kit.envelope([kit.person() for _ in range(3)]))
    kit.call("GET", "/receipts?after=0")


def _without_patience(kit: Kit) -> None:
    for _ in range(12):
        kit.call("GET", "/receipts?after=0")


@pytest.mark.parametrize(
    ("careless", "name"),
    [
        (_password, "token_by_client_credentials"),
        (_a_token_for_each_call, "token_is_kept"),
        (_no_token, "calls_carry_the_token"),
        (_token_forgotten, "refused_token_is_replaced"),
        (_nonsense, "body_is_json"),
        (_without_key, "batch_has_a_key"),
        (_nonsense, "envelope_can_be_read"),
        (_mixed, "kinds_have_their_address"),
        (_more_than_the_form, "documents_keep_the_schema"),
        (_another_name, "manifest_is_the_agencys"),
        (_seal_without_signatures, "seal_brings_what_it_is_put_on"),
        (_other_document, "proofs_lead_to_the_root"),
        (_moment_of_sending, "receipt_time_is_a_moment_of_the_past"),
        (_child_first, "units_come_after_their_parent"),
        (_people_first, "people_come_after_their_units"),
        (_a_version_left_out, "versions_follow_each_other"),
        (_under_another_key, "nothing_is_sent_twice"),
        (_other_bytes, "same_key_same_bytes"),
        (_no_receipts, "receipts_are_fetched"),
        (_first_page_only, "pages_are_followed"),
        (_without_patience, "asks_with_patience"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_a_careless_sender_is_found_out_with_an_example(careless, name):
    # given, when
    with examined() as (kit, results):
        careless(kit)
        found = results()[name]
    # then
    assert found.seen
    assert not found.passed
    assert f"FAILED  {name}" in sender_report([found])


@pytest.mark.parametrize(
    ("fault", "name"),
    [
        (Fault.EMPTY, "empty_answer_is_looked_into"),
        (Fault.FALSE_SUCCESS, "false_success_is_looked_into"),
        (Fault.TIMEOUT, "silence_is_looked_into"),
        (Fault.LOST_COMMIT, "lost_batch_is_sent_again"),
        (Fault.TOO_MANY, "waits_as_it_is_told"),
    ],
)
def test_who_takes_no_notice_of_a_fault_is_found_out(fault, name):
    # given
    with examined((fault,)) as (kit, results):
        # when: the fault strikes the second sending, and the sender goes on as if nothing had been
        for _ in range(2):
            kit.send(kit.envelope([kit.person()]))
        if fault == Fault.TOO_MANY:
            time.sleep(0.7)  # longer than a call may have been under way
            kit.token = kit.token_ask().body["access_token"]
            kit.send(kit.envelope([kit.person()]))
        found = results()[name]
    # then
    assert found.seen


@pytest.mark.long
def test_our_own_sender_passes_every_check(office, settings):
    # given: what the agency applied, one person in two versions, and a line of one record a call
    sender = Sender("H15", b"")
    last = OutboxMessage.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    people = [sender.person() for _ in range(PEOPLE)]
    office.apply(*sender.units())
    office.apply(*people)
    office.apply(people[0].again(phone="0987654321"))
    watched = Watched(SECRET, hang=3.0)
    settings.CHANNEL_SECRETS = {"watched": SECRET}
    connectors._tokens.clear()
    with served(watched.sandbox) as address:
        channel = Channel.objects.create(
            code="watched", name="w", base_url=address, client_id="H15", batch_size=1, timeout_seconds=1, fanned_below=last
        )
        deliveries_fan_out()
        waiting, until = Delivery.objects.filter(channel=channel).exclude(state="received"), time.monotonic() + 120
        # when: everything is delivered, in the line's own time
        while waiting.exists():
            assert time.monotonic() < until, list(waiting.values_list("state", "error_code", "error_text"))
            channel_work(channel_id=channel.pk)
            time.sleep(0.05)
        results = judged(Examined(watched.log, "H15", TrustStore.load(settings.TRUST_DIRECTORY)))
    # then
    assert watched.faults.left == []
    assert sender_report(results) == ""
    assert len(results) == len(CHECKS)
    assert PROFILE_KIND in {one.kind for one in watched.log.sendings}
