"""Our own hub keeps the contract, and a hub that does not is found out, check by check."""

from __future__ import annotations

from itertools import count

import pytest

from exchange.conformance import runner
from exchange.conformance.checks import CHECKS
from exchange.conformance.runner import conformance_run, report
from tests.exchange.examining import kit_make

pytestmark = pytest.mark.urls("tests.exchange.hub_urls")
# What every commit is examined for; the rest by `make test-long` and `make conformance`.
THIN = frozenset(
    {
        "token_is_given", "description_is_published", "batches_are_bounded", "tree_is_taken", "receipt_names_the_record", "a_gap_is_refused",
        "forgery_is_found: document", "forgery_is_found: proof", "a_trial_keeps_nothing", "digests_descend",
    }
)  # fmt: skip
_numbers = count()


@pytest.fixture
def kit(hub):
    """An agency that nobody has used yet."""
    return kit_make(hub.authority, next(_numbers))


def test_our_hub_passes_a_thin_selection(kit, monkeypatch):
    chosen = [one for one in CHECKS if one.name in THIN]
    assert len(chosen) == len(THIN)
    monkeypatch.setattr(runner, "CHECKS", chosen)
    assert report(conformance_run(kit)) == ""


@pytest.mark.long
def test_our_hub_passes_every_check(kit):
    results = conformance_run(kit)
    assert len(results) >= 60
    assert report(results) == ""


@pytest.mark.long
@pytest.mark.parametrize(
    ("fault", "found"),
    [
        ("proofs are not verified", {"forgery_is_found: document", "forgery_is_found: proof"}),
        ("gaps are taken", {"a_gap_is_refused"}),
    ],
)
def test_a_hub_with_a_fault_is_found_out_with_an_example(kit, monkeypatch, fault, found):
    from exchange.services import verification

    if fault == "proofs are not verified":
        monkeypatch.setattr(verification.merkle, "verify", lambda **_: True)
    else:
        monkeypatch.setattr(verification, "standings", _never_a_gap(verification.standings))
    failed = {one.check.name: one for one in conformance_run(kit) if not one.passed}
    assert found <= set(failed)
    assert all(one.seen and one.check.mend for one in failed.values())
    assert len(failed) < len(CHECKS) / 2


def _never_a_gap(standings):
    from dataclasses import replace

    def told(**named):
        return {key: replace(one, reach=10**6) for key, one in standings(**named).items()}

    return told
