"""The rule of working days stands twice, for Python and for PostgreSQL: both find the same day, whatever the calendar."""

from __future__ import annotations

import random
from datetime import date, timedelta

import pytest
from django.db.models import F

from orgtree.models import User
from tests.factories import user_make
from workflows.models import CalendarDay
from workflows.services.deadlines import working_day_back, works

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 2)


@pytest.mark.parametrize("seed", range(12))
def test_the_day_before_which_a_term_has_passed(seed):
    # given holidays and worked weekends of a year in which anything may be
    chance = random.Random(seed)
    share = chance.choice([0.0, 0.1, 0.5, 1.0])
    exceptions = {TODAY - timedelta(days=back): chance.random() < 0.3 for back in range(45) if chance.random() < share}
    CalendarDay.objects.all().delete()
    CalendarDay.objects.bulk_create([CalendarDay(day=day, works=works_then, name="x") for day, works_then in exceptions.items()])
    user_make("anybody")
    for days in (1, 3, 5):
        worked = [day for back in range(1, 41) if works(day := TODAY - timedelta(days=back), exceptions)]
        expected = worked[days - 1] if len(worked) >= days else TODAY - timedelta(days=40)
        (found,) = User.objects.filter(username="anybody").annotate(back=working_day_back(TODAY, days)).values_list(F("back"), flat=True)
        assert found == expected
