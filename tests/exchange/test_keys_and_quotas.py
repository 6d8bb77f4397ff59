"""Keys have a life with one active at a time; calls and records have limits that say when to come again."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from exchange.models import Agency, AgencyKey
from exchange.selectors.keys import agency_of_client
from exchange.services.keys import key_activate, key_request, key_retire
from exchange.services.quotas import TooMany, call_admit, quota_set, records_admit
from orgtree import clock
from tests.factories import user_make
from workflows.errors import NotAllowed, WrongState

SECRET = "x" * 40


def test_a_key_from_request_to_retirement(hub):
    agency = hub.agencies["H15"]
    old = AgencyKey.objects.get(agency=agency)
    # given a new key that was only requested: it opens nothing
    new = key_request(actor=None, agency=agency, client_id="h15-second", secret=SECRET)
    assert agency_of_client(new.application) is None
    # when it becomes active, it works, and the old one for a while more
    key_activate(actor=None, key=new)
    old.refresh_from_db()
    assert (old.state, agency_of_client(new.application), agency_of_client(old.application)) == ("rotated", agency, agency)
    # then the old one ends by its term, and by hand at once
    AgencyKey.objects.filter(pk=old.pk).update(usable_until=clock.now() - timedelta(seconds=1))
    assert agency_of_client(old.application) is None
    key_retire(actor=None, key=new)
    assert agency_of_client(new.application) is None
    for act in (key_activate, key_retire):
        with pytest.raises(WrongState):
            act(actor=None, key=new)


def test_only_one_key_is_active(hub):
    agency = hub.agencies["H16"]
    second = key_request(actor=None, agency=agency, client_id="h16-second", secret=SECRET)
    with pytest.raises(IntegrityError), transaction.atomic():
        AgencyKey.objects.filter(pk=second.pk).update(state="active")
    with pytest.raises(ValidationError):
        key_request(actor=None, agency=agency, client_id="h16-third", secret="short")
    with pytest.raises(NotAllowed):
        key_activate(actor=user_make("no-operator"), key=second)


def test_calls_beyond_the_limit_are_told_when_to_come_again(hub):
    cache.clear()
    agency = quota_set(actor=None, agency=hub.agencies["H16"], calls_a_minute=3, records_a_day=1_000)
    admitted = 0
    with pytest.raises(TooMany) as refused:
        for _ in range(9):  # the minute may turn once on the way
            call_admit(agency=agency)
            admitted += 1
    assert 3 <= admitted <= 6
    assert 1 <= refused.value.seconds <= 60
    call_admit(agency=Agency.objects.get(code="H15"))  # others are not touched


def test_records_beyond_the_days_quota_wait_for_midnight(hub):
    sender = hub.senders["H16"]
    hub.accept(sender.person(), sender.person(), sender="H16")
    agency = quota_set(actor=None, agency=hub.agencies["H16"], calls_a_minute=600, records_a_day=5)
    records_admit(agency=agency, records=1)
    with pytest.raises(TooMany) as refused:
        records_admit(agency=agency, records=2)
    assert 1 <= refused.value.seconds <= 86_400
    with pytest.raises(ValidationError):
        quota_set(actor=None, agency=agency, calls_a_minute=0, records_a_day=5)
