"""Keys have a life with one active at a time; calls and records have limits that say when to come again."""

import re
import time
from datetime import timedelta

import pytest
from django.contrib.auth.hashers import check_password
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.test import Client, override_settings
from django.urls import reverse

from exchange.models import Agency, AgencyKey
from exchange.selectors.keys import agency_of_client
from exchange.services.agencies import agency_seal_demand
from exchange.services.keys import key_activate, key_request, key_retire
from exchange.services.quotas import TooMany, call_admit, quota_set, records_admit
from orgtree import clock
from tests.factories import superuser_make, user_make
from workflows.errors import NotAllowed, WrongState
from workflows.models import AuditEvent

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


@override_settings(ROLE="hub")
def test_an_operator_of_the_hub_sets_limits_terms_and_keys_on_a_page(hub):
    agency = hub.agencies["H16"]
    page, act = (reverse(f"exchange:{name}", args=[agency.pk]) for name in ("agency_detail", "agency_act"))
    client = Client()
    client.force_login(superuser_make("hub-keeper"))
    # what weighs asks for a proof first
    session = client.session
    session["proved_at"] = 0
    session.save()
    client.post(act, {"act": "quota", "calls_a_minute": "700", "records_a_day": "200.000"})
    assert Agency.objects.get(pk=agency.pk).calls_a_minute != 700
    session["proved_at"] = time.time()
    session.save()
    # limits, with a mistake first
    client.post(act, {"act": "quota", "calls_a_minute": "many", "records_a_day": "200000"})
    client.post(act, {"act": "quota", "calls_a_minute": "700", "records_a_day": "200.000"})
    changed = Agency.objects.get(pk=agency.pk)
    assert (changed.calls_a_minute, changed.records_a_day) == (700, 200_000)
    # a longer term, with a reason
    until = (clock.today() + timedelta(days=30)).isoformat()
    client.post(act, {"act": "lateness", "days": "400", "until": until, "reason": "Lần gửi đầu tiên toàn bộ hồ sơ"})
    assert Agency.objects.get(pk=agency.pk).late_days == 400
    # the agency's own seal, from a day on, with a reason; and no longer
    said = {"act": "seal", "since": until, "reason": "Thống nhất tại công văn 12"}
    for mistake in ({"since": "soon"}, {"since": "2020-01-01"}, {"reason": "x"}):
        client.post(act, {**said, **mistake})
        assert Agency.objects.get(pk=agency.pk).seal_from is None
    client.post(act, said)
    assert Agency.objects.get(pk=agency.pk).seal_from.isoformat() == until
    client.post(act, {"act": "seal", "off": "1", "reason": "Cơ quan chưa có con dấu số"})
    assert Agency.objects.get(pk=agency.pk).seal_from is None
    days = AuditEvent.objects.filter(action="agency.seal_demanded").order_by("id").values_list("detail__since", flat=True)
    assert list(days) == [until, None]
    # a key: its secret is on the answer and nowhere later; it works once activated
    made = client.post(act, {"act": "key_request"}).content.decode()
    key = AgencyKey.objects.filter(agency=agency).order_by("-pk").first()
    secret = re.search(r"<code>([\w-]{40,})</code>", made).group(1)
    assert key.state == "requested"
    assert check_password(secret, key.application.client_secret)
    assert secret not in client.get(page).content.decode()
    client.post(act, {"act": "key_activate", "key": key.pk})
    assert agency_of_client(key.application) == changed
    client.post(act, {"act": "key_retire", "key": key.pk})
    key.refresh_from_db()
    assert key.state == "retired"
    with pytest.raises(NotAllowed):
        agency_seal_demand(actor=user_make("hub-no-keeper"), code="H16", since=None, reason="Không cần con dấu nữa")
    # another agency's key is not this page's, and nobody else has the page
    other = AgencyKey.objects.filter(agency=hub.agencies["H15"]).first()
    assert client.post(act, {"act": "key_retire", "key": other.pk}).status_code == 404
    client.force_login(user_make("hub-nobody"))
    assert client.get(page).status_code == client.post(act, {"act": "quota"}).status_code == 404
