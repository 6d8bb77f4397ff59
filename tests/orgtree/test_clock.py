"""The day in Viet Nam."""

from datetime import UTC, date, datetime

import pytest

from orgtree import clock


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (datetime(2026, 11, 1, 16, 59, tzinfo=UTC), date(2026, 11, 1)),
        (datetime(2026, 11, 1, 17, 0, tzinfo=UTC), date(2026, 11, 2)),  # midnight at UTC+7, when SQL's current_date is a day behind
    ],
)
def test_today_changes_at_midnight_in_viet_nam(settings, monkeypatch, moment, day):
    settings.PINNED_TODAY = None
    monkeypatch.setattr(clock.timezone, "now", lambda: moment)

    assert clock.today() == day


def test_a_pinned_day_is_today_but_the_moment_stays_true(settings):
    settings.PINNED_TODAY = "2024-02-29"

    assert clock.today() == date(2024, 2, 29)
    assert clock.now().date() != date(2024, 2, 29)
