"""Where the demo is never loaded."""

import dataclasses

import pytest
from django.core.management import CommandError, call_command

from config.demo import seed
from orgtree.models import User
from tests.factories import unit_make

pytestmark = pytest.mark.django_db


def test_an_installation_that_is_not_a_demonstration(settings):
    settings.DEBUG = False
    settings.ENVIRONMENT = dataclasses.replace(settings.ENVIRONMENT, insecure_http=False)
    with pytest.raises(CommandError, match="passwords are public"):
        call_command("seed_demo")
    assert not User.objects.exists()


def test_the_hub(settings):
    settings.ROLE = "hub"
    with pytest.raises(CommandError, match="through the exchange"):
        call_command("seed_demo", force=True)
    assert not User.objects.exists()


def test_a_database_with_other_units_even_by_force():
    unit_make("Sở Nội vụ")
    with pytest.raises(seed.SeedRefused, match="not the demo's"):
        seed.demo_seed(force=True)
    assert not User.objects.exists()
