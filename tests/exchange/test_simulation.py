"""Seeded worlds of faults: nothing lost, nothing twice, nothing out of order. `make fault-runs` does as many as it is told to."""

from collections import Counter

import pytest
from django.db.models import F

from exchange.contract import ErrorKind
from exchange.models import Batch, Channel
from exchange.services import delivery, forming
from tests.faults.simulation import quick_connection, run
from workflows.models import OutboxMessage


@pytest.fixture(scope="module")
def first_message(office, sender):
    """Two units, and two people of which one has two versions."""
    Channel.objects.update(active=False)
    last = OutboxMessage.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    unit = sender.unit(parent=str(sender.root))
    office.apply(unit, sender.unit(parent=str(unit.key)))
    person = sender.person()
    office.apply(person, sender.person())
    office.apply(person.again(phone="0987654321"))
    return last


@pytest.fixture
def quick(first_message):
    with quick_connection():
        yield first_message


@pytest.mark.parametrize(("runs", "small"), [(1_000, True), pytest.param(2_000, False, marks=pytest.mark.long)])
def test_seeded_worlds(quick, runs, small):
    faults: Counter[str] = Counter()
    for seed in range(runs):
        verdict = run(seed, first_message=quick, small=small)
        assert verdict.ok, f"seed {seed}: {verdict}"
        faults += verdict.faults
    # every kind of fault happened
    assert len(faults) == 32, sorted(faults)


@pytest.mark.parametrize("broken", ["doubt sends again under another name", "versions do not wait"])
def test_a_broken_program_is_found_out(quick, monkeypatch, broken):
    """The simulation would see it, were the program wrong."""
    if broken == "versions do not wait":
        monkeypatch.setattr(forming, "LANE", forming.LANE.partition("and not exists")[0])
    else:
        monkeypatch.setattr(delivery, "_failed", _rash(delivery._failed))
    assert not all(run(seed, first_message=quick).ok for seed in range(60))


def _rash(failed):
    """What a program without doubt would do: form a new batch for what may have arrived already."""

    def failing(batch, failure):
        if failure.kind != ErrorKind.AMBIGUOUS:
            return failed(batch, failure)
        batch.deliveries.update(state="waiting", batch=None, position=None, round=F("round") + 1)
        Batch.objects.filter(pk=batch.pk).update(state="parked")
        return "parked"

    return failing
