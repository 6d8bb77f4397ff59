"""Receipts of many small batches, read on in the order in which they were issued."""

from dataclasses import dataclass, field
from uuid import UUID

import pytest

from exchange.connectors import CallFailed
from exchange.contract import ErrorKind, Receipts
from exchange.models import Attempt, Batch, Channel
from exchange.services import receipts as collecting
from exchange.services.channels import channel_drive, channel_work
from exchange.services.forming import deliveries_fan_out
from exchange.services.receipts import receipts_collect
from tests.exchange.office import PaperHub, once, pass_time, states, until_settled

PEOPLE = 12


@dataclass
class NumberedHub(PaperHub):
    """Keeps how it was asked for receipts: None for all, else the batch."""

    lines: int = 16
    asked: list[UUID | None] = field(default_factory=list)
    page: int = 1_000

    def receipts(self, *, batch: UUID | None, after: int) -> Receipts:
        self.asked.append(batch)
        told = super().receipts(batch=batch, after=after).receipts
        return Receipts(receipts=told[: self.page], next=told[self.page - 1].sequence if len(told) > self.page else None)


@pytest.fixture
def narrow(office, sender, channel):
    """A line with one record a call, over which two have been delivered already, and twelve wait."""
    Channel.objects.filter(pk=channel.pk).update(batch_size=1)
    hub = NumberedHub()
    office.apply(sender.person(), sender.person())
    until_settled(channel, hub)
    assert Channel.objects.get(pk=channel.pk).receipts_after == 2
    office.apply(*[sender.person() for _ in range(PEOPLE)])
    deliveries_fan_out()
    hub.asked.clear()
    return hub


def test_one_question_tells_of_all_of_them(narrow, channel):
    channel_work(channel_id=channel.pk, connector=narrow)
    assert states(channel) == {"received": PEOPLE + 2}
    assert narrow.asked == [None]
    assert Channel.objects.get(pk=channel.pk).receipts_after == PEOPLE + 2
    # and each batch has its attempt on record
    assert Attempt.objects.filter(call=Attempt.Call.RECEIPTS, outcome="ok").count() == PEOPLE + 2


def test_page_by_page(narrow, channel):
    narrow.page = 5
    channel_work(channel_id=channel.pk, connector=narrow)
    assert states(channel) == {"received": PEOPLE + 2}
    assert narrow.asked == [None, None, None]


def test_a_receipt_left_out_is_asked_for_by_its_number(narrow, channel):
    left_out = {}

    def all_but_one(told):
        if narrow.asked[-1] is None:
            left_out.setdefault("batch", told[0].batch)
            return [one for one in told if one.batch != left_out["batch"]]
        return told

    narrow.spoil = all_but_one
    channel_drive(channel_id=channel.pk, connector=narrow)
    assert receipts_collect(channel_id=channel.pk, connector=narrow) == PEOPLE - 1
    assert states(channel) == {"received": PEOPLE + 1, "sent": 1}
    until_settled(channel, narrow)
    assert states(channel) == {"received": PEOPLE + 2}
    assert {batch for batch in narrow.asked if batch} == {left_out["batch"]}


def test_a_receipt_that_is_there_before_its_call_is_recorded_is_not_passed(narrow, channel):
    # given a hub that has taken everything, of which one call's answer has not been recorded yet
    channel_drive(channel_id=channel.pk, connector=narrow)
    under_way = Batch.objects.filter(channel=channel, state="accepted").order_by("created_at", "pk").first()
    number = under_way.remote_id
    Batch.objects.filter(pk=under_way.pk).update(state="ready", remote_id=None, unsure=True)
    # when another worker reads on
    receipts_collect(channel_id=channel.pk, connector=narrow)
    # then the rest is received, and the place stays before that one
    assert states(channel) == {"received": PEOPLE + 1, "sent": 1}
    place = next(one.sequence for one in narrow.receipts(batch=number, after=0).receipts)
    assert Channel.objects.get(pk=channel.pk).receipts_after == place - 1
    # and once it is recorded, it is told like the others
    Batch.objects.filter(pk=under_way.pk).update(state="accepted", remote_id=number, unsure=False)
    until_settled(channel, narrow)
    assert states(channel) == {"received": PEOPLE + 2}


def test_receipts_of_nobody_we_know_are_passed(narrow, channel):
    # what another installation of the agency once sent stands between ours
    narrow.ids |= {UUID(int=7): "elsewhere"}
    narrow.envelopes = {"elsewhere": next(iter(narrow.envelopes.values())), **narrow.envelopes}
    channel_work(channel_id=channel.pk, connector=narrow)
    assert states(channel) == {"received": PEOPLE + 2}
    assert Channel.objects.get(pk=channel.pk).receipts_after == PEOPLE + 3


def test_a_hub_that_was_restored_counts_anew(narrow, channel):
    # given a place far ahead of what the restored hub will count to
    channel_drive(channel_id=channel.pk, connector=narrow)
    narrow.forget()
    # when it no longer knows the batches
    for _ in range(4):
        pass_time(3_600)
        receipts_collect(channel_id=channel.pk, connector=narrow)
    assert Channel.objects.get(pk=channel.pk).receipts_after is None
    # then they are sent again, and received
    until_settled(channel, narrow)
    assert states(channel) == {"received": PEOPLE + 2}
    assert Channel.objects.get(pk=channel.pk).receipts_after == PEOPLE


@pytest.mark.parametrize(("kind", "asked_by_number"), [(ErrorKind.SCHEMA, PEOPLE), (ErrorKind.TRANSIENT, 0)])
def test_a_question_that_fails(narrow, channel, monkeypatch, kind, asked_by_number):
    ask = NumberedHub.receipts

    def failing(self, *, batch, after):
        if batch is None:
            raise CallFailed(kind, "SCRIPTED", "as the test wants it")
        return ask(self, batch=batch, after=after)

    monkeypatch.setattr(NumberedHub, "receipts", failing)
    channel_drive(channel_id=channel.pk, connector=narrow)
    receipts_collect(channel_id=channel.pk, connector=narrow)
    # a hub that does not know the question is asked by number at once; a line that is down is left alone for a moment
    assert len([batch for batch in narrow.asked if batch]) == asked_by_number
    assert Channel.objects.get(pk=channel.pk).failures == (0 if asked_by_number else 1)
    monkeypatch.undo()
    until_settled(channel, narrow)
    assert states(channel) == {"received": PEOPLE + 2}


def test_few_batches_are_asked_for_by_their_numbers(office, sender, channel):
    hub = NumberedHub()
    office.apply(sender.person())
    once(channel, hub)
    office.apply(sender.person())
    once(channel, hub)
    assert None not in hub.asked
    assert collecting.MANY > 1
    assert states(channel) == {"received": 2}
