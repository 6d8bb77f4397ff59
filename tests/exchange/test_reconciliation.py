"""Two real databases are compared: equal ends in a certificate that both sign, anything else in the very list of what differs."""

import hashlib
from contextlib import contextmanager
from uuid import uuid4

import pytest
from django.db import connection, transaction

from exchange.choices import DifferenceKind, ReconciliationState
from exchange.connectors import CallFailed
from exchange.contract import BUCKETS, Certificate, ErrorKind
from exchange.models import BucketDigest, BucketMark, Channel, EqualityCertificate, InboundEvidence
from exchange.services.buckets import EMPTY, cell_digests, cell_entries, entries_read, tree_now, tree_stored
from exchange.services.forming import deliveries_fan_out
from exchange.services.inbound_digests import certificate_sign
from exchange.services.reconciling import HERE, reconcile, reconciliation_sign, reconciliations_nightly, signatures_exchange
from orgtree import clock
from registry.models import StaffProfile
from tests.exchange.office import PaperHub, until_settled
from tests.factories import superuser_make, user_make
from tests.workflows.certificates import sign_freely
from workflows.cms import SignatureRefused
from workflows.documents import canonical, parse
from workflows.errors import NotAllowed, WrongState

PEOPLE = 6


@pytest.fixture(scope="module")
def people(office, sender, bridge):
    """A line that has delivered everything."""
    made = [sender.person() for _ in range(PEOPLE)]
    office.apply(*made)
    office.apply(made[0].again(phone="0987654321"))
    return made


@pytest.fixture(scope="module")
def line(office, sender, bridge, people):
    with settled_line(bridge) as channel:
        yield channel


@contextmanager
def settled_line(bridge):
    """The only active channel, over which everything is settled. Receipts of earlier channels' rounds are found by their keys."""
    others = list(Channel.objects.filter(active=True).values_list("pk", flat=True))
    Channel.objects.update(active=False)
    name = f"line-{uuid4().hex[:8]}"
    channel = Channel.objects.create(code=name, name=name, base_url="http://hub.invalid", client_id="x", timeout_seconds=1)
    until_settled(channel, bridge)
    yield channel
    Channel.objects.filter(pk=channel.pk).update(active=False)
    Channel.objects.filter(pk__in=others).update(active=True)


def behind_the_walls(statement, params=()):
    """As a superuser of the database with the triggers off would."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("set local session_replication_role = replica")
        cursor.execute(statement, params)


def listed(run):
    return {(one.key, one.what, one.version_here, one.version_there, tuple(one.fields)) for one in run.differences.all()}


def compared(office, line, bridge):
    return reconcile(actor=office.approver, channel=line, connector=bridge)


def test_equal_sides_end_in_a_certificate_that_both_sign(office, line, bridge):
    # when both hold the same
    run = compared(office, line, bridge)
    # then both keep the same statement
    assert (run.state, run.error) == (ReconciliationState.EQUAL, "")
    said = parse(bytes(run.statement))
    assert (said["agency"], said["kinds"]["staff_profile"]["count"]) == ("H15", StaffProfile.objects.count())
    # and the agency's signature crosses over, the hub's comes back
    run = reconciliation_sign(
        actor=office.approver, run=run, signature=sign_freely(office.p12, bytes(run.statement), signed_at=clock.now()), connector=bridge
    )
    with bridge.over():
        kept = EqualityCertificate.objects.get(digest=hashlib.sha256(bytes(run.statement)).digest())
        assert bytes(kept.agency_signature) == bytes(run.agency_signature)
        by = superuser_make(f"hub-{uuid4().hex[:6]}", personal_number="066075001234")
        certificate_sign(actor=by, certificate=kept, signature=sign_freely(office.p12, bytes(kept.statement), signed_at=clock.now()))
        with pytest.raises(WrongState):
            certificate_sign(actor=by, certificate=kept, signature=b"again")
    run = signatures_exchange(run=run, connector=bridge)
    assert "Nguyễn Văn An" in run.hub_signer
    with pytest.raises(WrongState):
        reconciliation_sign(actor=office.approver, run=run, signature=b"again", connector=bridge)


def test_every_difference_is_found_and_no_other(office, line, bridge, people):
    # given a record the hub lost, one it made up, one it altered
    lost, altered = people[1].key, people[2].key
    with bridge.over():
        behind_the_walls("update registry_staffprofile set id = %s where id = %s", [madeup := uuid4(), lost])
        behind_the_walls(
            "update registry_staffprofile set digest = (select digest from registry_staffprofile where id = %s) where id = %s",
            [people[3].key, altered],
        )
        BucketMark.objects.all().delete()
    # when
    run = compared(office, line, bridge)
    # then
    assert (run.state, run.found) == (ReconciliationState.DIFFERENT, 3)
    found = {key: (what, here, there) for key, what, here, there, _fields in listed(run)}
    assert found == {
        lost: (DifferenceKind.MISSING_THERE, 1, None),
        madeup: (DifferenceKind.MISSING_HERE, None, 1),
        altered: (DifferenceKind.DIFFERS, 1, 1),
    }
    assert set(run.differences.get(key=altered).fields) == {"citizen_id", "staff_number"}
    assert bytes(run.statement) == b""
    # and once it is mended they are equal again
    with bridge.over():
        behind_the_walls("update registry_staffprofile set id = %s where id = %s", [lost, madeup])
        behind_the_walls("update registry_staffprofile set digest = %s where id = %s", [people[2].digest, altered])
        BucketMark.objects.all().delete()
    assert compared(office, line, bridge).state == ReconciliationState.EQUAL


def test_what_is_under_way_is_told_apart_and_taken_in_without_a_rebuild(office, sender, line, bridge):
    # given both sides compared, then a change that has not gone yet
    compared(office, line, bridge)
    change = sender.person()
    office.apply(change)
    deliveries_fan_out()
    run = compared(office, line, bridge)
    assert listed(run) == {(change.key, DifferenceKind.ON_THE_WAY, 1, None, ())}
    # when it has arrived
    until_settled(line, bridge)
    assert compared(office, line, bridge).state == ReconciliationState.EQUAL
    # then the stored buckets are those that a rebuild makes
    stored = tree_stored(HERE, "staff_profile")
    BucketDigest.objects.all().delete()
    BucketMark.objects.all().delete()
    assert tree_now(HERE, "staff_profile") == stored


def test_numbers_that_parted_compare_equal(office, sender, line, bridge):
    # given a version that the hub's rules refuse (somebody else there has the citizen number) and its correction
    first = sender.person()
    office.apply(first)
    until_settled(line, bridge)
    with bridge.over():
        somebody = StaffProfile.objects.exclude(pk=first.key).earliest("pk").pk
        behind_the_walls("update registry_staffprofile set citizen_id = '066185099998' where id = %s", [somebody])
    office.apply(first.again(citizen_id="066185099998"))
    until_settled(line, bridge)
    office.apply(first.again(citizen_id="066185099998").again(citizen_id="066185099997"))
    until_settled(line, bridge)
    with bridge.over():
        assert InboundEvidence.objects.get(key=first.key, version=2).agency_version == 3
    run = compared(office, line, bridge)
    assert first.key not in {one.key for one in run.differences.all()}


def test_the_digests_are_what_the_contract_says(office, people):
    """Made once more in plain Python from the live rows."""
    tree = tree_now(HERE, "staff_profile")
    buckets: dict[int, list[bytes]] = {}
    for key, version, digest in sorted(StaffProfile.objects.values_list("pk", "version", "digest")):
        place = int.from_bytes(hashlib.sha256(key.bytes).digest()[:2], "big") >> 4
        buckets.setdefault(place, []).append(key.bytes + version.to_bytes(4, "big") + bytes(digest))
    expected = [hashlib.sha256(b"\x00" + b"".join(buckets.get(place, []))).digest() for place in range(BUCKETS)]
    assert list(tree.buckets) == expected
    assert (tree.count, len(tree.groups)) == (StaffProfile.objects.count(), 64)
    place = next(iter(buckets))
    cells = cell_digests(HERE, "staff_profile", [place])[place]
    filled = [place * 64 + child for child, digest in enumerate(cells) if digest != EMPTY]
    entries = entries_read(cell_entries(HERE, "staff_profile", filled))
    assert {key.bytes for key in entries} == {entry[:16] for entry in buckets[place]}


def test_a_statement_that_is_not_true_is_not_kept(office, line, bridge):
    run = compared(office, line, bridge)
    false = parse(bytes(run.statement))
    false["kinds"]["staff_profile"]["count"] += 1
    with pytest.raises(Exception, match="NOT_EQUAL"):
        bridge.certificate(Certificate(statement=canonical(false)))


def test_who_may_compare_and_sign(office, line, bridge):
    with pytest.raises(NotAllowed):
        reconcile(actor=user_make(f"u{uuid4().hex[:6]}"), channel=line, connector=bridge)
    run = compared(office, line, bridge)
    with pytest.raises(SignatureRefused):
        reconciliation_sign(actor=office.approver, run=run, signature=sign_freely(office.p12, b"{}", signed_at=clock.now()), connector=bridge)


def test_every_line_is_compared_once_a_night(line, bridge):
    with settled_line(bridge):
        # given a first run of the night that did not reach the other side
        assert [run.state for run in reconciliations_nightly(connector=Unreachable)] == ["failed"]
        # then the next one compares, and the one after it finds that done
        assert [run.state for run in reconciliations_nightly(connector=bridge)] == ["equal"]
        assert reconciliations_nightly(connector=bridge) == []


class Unreachable(PaperHub):
    def __init__(self, channel):
        super().__init__()

    def digests(self, question):
        raise CallFailed(ErrorKind.TRANSIENT, "UNREACHABLE", "the line is cut")


def test_a_step_of_the_descent_reads_what_it_asks_about_by_the_index_of_places(office, people):
    """However many people there are: neither the file's table nor all of the index."""
    select, values = HERE.entries_sql("staff_profile", some=True)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("set local enable_seqscan = off")
        cursor.execute("set local enable_bitmapscan = off")
        cursor.execute(f"explain {select}", {**values, "cells": [1, 2, 3]})
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Index Only Scan using exchange_staff_by_cell" in plan
    assert "Index Cond" in plan
