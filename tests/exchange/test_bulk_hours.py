"""Calendar windows: bulk waits for the line's hours on working days; what is changed or due today goes at once, and nothing is lost meanwhile."""

from datetime import datetime, time, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse

from exchange.models import BulkHours, Delivery
from exchange.services import bulk_hours
from exchange.services.bulk_hours import bulk_hours_set, is_open
from orgtree import clock
from tests.exchange.office import PaperHub, once, states, until_settled
from tests.factories import user_make
from workflows.errors import NotAllowed
from workflows.models import AuditEvent, CalendarDay

NIGHT = (time(19), time(6))


@pytest.fixture
def by_day(channel, monkeypatch):
    """A line that carries more than two records at night alone, by day; call it for the night to come."""
    bulk_hours_set(actor=None, channel=channel, hours=NIGHT, above=2)
    monkeypatch.setattr(bulk_hours, "is_open", lambda hours, at: False)
    return lambda: monkeypatch.setattr(bulk_hours, "is_open", lambda hours, at: True)


def at(day, hour, minute=0):
    return datetime(2026, 10, day, hour, minute, tzinfo=clock.ZONE)


def test_when_the_hours_are_open(channel):
    CalendarDay.objects.get_or_create(day=at(15, 0).date(), defaults={"works": False, "name": "Nghỉ bù"})
    night, noon = (BulkHours(channel=channel, opens=opens, closes=closes) for opens, closes in (NIGHT, (time(11, 30), time(13))))
    # Wednesday the 14th is worked, the 15th is a holiday, the 17th a Saturday
    assert [is_open(night, at(14, *moment)) for moment in ((5, 59), (6, 0), (10, 0), (18, 59), (19, 0), (23, 59))] == [True, *[False] * 3, True, True]
    assert [is_open(noon, at(14, *moment)) for moment in ((11, 29), (11, 30), (12, 59), (13, 0))] == [False, True, True, False]
    assert [is_open(night, at(15, 10)), is_open(night, at(17, 10)), is_open(night, at(16, 10))] == [True, True, False]


def test_a_large_request_waits_for_the_night_and_a_small_one_goes_at_once(office, sender, channel, by_day):
    office.apply(*[sender.person() for _ in range(3)])
    office.apply(sender.person())
    hub = PaperHub()
    once(channel, hub)
    assert states(channel) == {"waiting": 3, "received": 1}
    # when the night comes
    by_day()
    until_settled(channel, hub)
    assert states(channel) == {"received": 4}


def written(days, *, of):
    """Their messages were written so many days ago."""
    with connection.cursor() as cursor:
        cursor.execute("set local session_replication_role = replica")
        cursor.execute("update workflows_outboxmessage set created_at = created_at - %s where request_id = any(%s)", [timedelta(days=days), of])
        cursor.execute("set local session_replication_role = origin")


def test_a_backlog_of_small_requests_is_bulk_and_what_is_due_today_is_not(office, sender, channel, by_day, monkeypatch):
    # given four requests of one record each, of ten days ago, a new one, and one whose term ends today
    old = [office.apply(sender.person()).pk for _ in range(4)]
    due, _new = office.apply(sender.person()).pk, office.apply(sender.person())
    today = clock.now().astimezone(clock.ZONE).date()
    monkeypatch.setattr(
        bulk_hours, "due_days", lambda rows: [today if made < clock.now() - timedelta(days=15) else made.date() for _kind, made in rows]
    )
    with transaction.atomic():
        written(10, of=old)
        written(20, of=[due])
    hub = PaperHub()
    once(channel, hub)
    assert states(channel) == {"waiting": 4, "received": 2}
    assert set(Delivery.objects.filter(channel=channel, state="waiting").values_list("message__request", flat=True)) == set(old)
    by_day()
    until_settled(channel, hub)
    assert states(channel) == {"received": 6}


def test_who_chooses_the_hours(office, channel, settings):
    with pytest.raises(NotAllowed):
        bulk_hours_set(actor=user_make("hours-stranger"), channel=channel, hours=NIGHT)
    for hours, above in (((time(7), time(7)), 10), (NIGHT, 0)):
        with pytest.raises(ValidationError):
            bulk_hours_set(actor=None, channel=channel, hours=hours, above=above)
    # on the page
    client, address = Client(), reverse("exchange:delivery_hours", args=[channel.code])
    client.force_login(office.approver)
    for wrong in ({}, {"opens": "19:00", "closes": "x", "above": "3"}, {"opens": "19:00", "closes": "06:00", "above": "viele"}):
        client.post(address, wrong)
        assert not BulkHours.objects.filter(channel=channel).exists()
    client.post(address, {"opens": "19:00", "closes": "06:00", "above": "300"})
    assert BulkHours.objects.get(channel=channel).above == 300
    shown = client.get(reverse("exchange:delivery_overview")).content.decode()
    assert "19:00" in shown
    client.post(address, {"act": "any"})
    assert not BulkHours.objects.filter(channel=channel).exists()
    assert AuditEvent.objects.filter(action="channel.bulk_hours").count() >= 2
