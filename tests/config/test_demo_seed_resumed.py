"""A seed that was cut off goes on where it stopped."""

import pytest
from django.test import override_settings

from config.demo import seed
from config.demo.people import TODAY
from config.demo.province import units
from orgtree.models import OrgUnit
from registry.models import StaffProfile
from workflows.choices import RequestState
from workflows.models import ChangeRequest


@pytest.fixture(scope="module")
def var(committed_db, tmp_path_factory):
    var = tmp_path_factory.mktemp("demo")
    with override_settings(VAR_DIRECTORY=var, TRUST_DIRECTORY=var / "trust", PINNED_TODAY=TODAY.isoformat()):
        yield var


@pytest.mark.long
def test_an_approval_that_was_never_applied_is_taken_up(var, monkeypatch):
    # given a seed that died after the units were approved
    def died(**_options):
        raise KeyboardInterrupt

    monkeypatch.setattr(seed, "request_apply", died)
    with pytest.raises(KeyboardInterrupt):
        seed.demo_seed()
    assert ChangeRequest.objects.get().state == RequestState.APPROVED
    monkeypatch.undo()

    # when it runs again
    assert seed.demo_seed() is True

    # then nothing stands twice
    assert ChangeRequest.objects.count() == 2
    assert (OrgUnit.objects.count(), StaffProfile.objects.count()) == (len(units()), 2_000)
