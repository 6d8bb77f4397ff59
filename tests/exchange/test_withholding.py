"""What is marked "does not leave" stays, and goes on when two people lift the mark."""

from __future__ import annotations

import pytest
from django.db import DatabaseError

from exchange.models import Delivery
from exchange.selectors.causes import BEHIND, MARKED
from exchange.services import forming
from exchange.services.forming import batches_form, deliveries_fan_out
from exchange.services.retrying import deliveries_retry
from orgtree.models import OrgUnit
from tests.exchange.office import PaperHub, once, states, until_settled
from tests.factories import superuser_make
from workflows.services.marks import mark_decide, mark_lift_decide, mark_lift_propose, mark_propose


def marked(change, field=""):
    unit = OrgUnit.objects.get(pk=change.document["using_unit"])
    mark = mark_propose(actor=superuser_make(), kind=change.kind, key=change.key, unit=unit, field=field, reason="Bí mật nhà nước")
    return mark_decide(actor=superuser_make(), mark_id=mark.pk, agreed=True)


def lifted(mark):
    mark_lift_propose(actor=superuser_make(), mark_id=mark.pk, reason="Đã giải mật")
    mark_lift_decide(actor=superuser_make(), mark_id=mark.pk, agreed=True)


@pytest.mark.parametrize("field", ["", "phone"])
def test_a_marked_record_stays_and_the_others_go(office, sender, channel, field):
    # given two people, one of them marked in whole or in part
    hub, open_, secret = PaperHub(), sender.person(), sender.person()
    mark = marked(secret, field)
    office.apply(open_, secret)
    # when
    once(channel, hub)
    # then
    assert [key for batch in hub.sent for key, _version in batch] == [open_.key]
    held = Delivery.objects.get(channel=channel, message__key=secret.key)
    assert (held.state, held.error_code) == ("parked", MARKED)
    # nor does it go when an operator sends it again, nor its next version
    deliveries_retry(actor=superuser_make(), channel=channel, error_code=MARKED)
    office.apply(secret.again(phone="0912345679"))
    once(channel, hub)
    assert states(channel) == {"received": 1, "parked": 2}
    # when the mark is lifted
    lifted(mark)
    until_settled(channel, hub)
    # then both versions go, in order
    assert states(channel) == {"received": 3}
    assert [pair for batch in hub.sent for pair in batch if pair[0] == secret.key] == [(secret.key, 1), (secret.key, 2)]
    assert not Delivery.objects.filter(channel=channel, error_code__in=[MARKED, BEHIND]).exists()


def test_the_database_refuses_to_send_what_is_marked(office, sender, channel, monkeypatch):
    # given a program that forgot to look at marks
    monkeypatch.setattr(forming, "marked_withhold", lambda _channel: None)
    secret = sender.person()
    office.apply(secret)
    deliveries_fan_out()
    mark = marked(secret)
    # when, then
    with pytest.raises(DatabaseError, match="does not leave"):
        batches_form(channel_id=channel.pk)
    assert states(channel) == {"waiting": 1}
    lifted(mark)
    assert len(batches_form(channel_id=channel.pk)) == 1


def test_a_mark_after_receipt_takes_nothing_back(office, sender, channel):
    # given what the hub already has
    hub, person = PaperHub(), sender.person()
    office.apply(person)
    once(channel, hub)
    marked(person)
    # when
    once(channel, hub)
    # then it is as it was: what has left has left
    assert states(channel) == {"received": 1}
