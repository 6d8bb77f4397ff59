"""The hub's tasks as a worker runs them."""

from uuid import uuid4

import pytest

from exchange import tasks
from exchange.models import InboundBatch
from exchange.selectors.due import batches_to_process
from exchange.services.intake import batch_receive
from orgtree import clock


def test_on_the_hub_the_sweep_sends_what_waits(hub, settings, monkeypatch):
    settings.ROLE, sent = "hub", []
    monkeypatch.setattr(tasks.process, "delay", sent.append)
    sender = hub.senders["H15"]
    batch = batch_receive(agency=hub.agencies["H15"], kind="staff_profile", idempotency_key=uuid4().hex, body=sender.sign(sender.person()).body())
    # a batch that came just now is left to its own message
    assert batches_to_process() == []
    InboundBatch.objects.filter(pk=batch.pk).update(not_before=clock.now())
    tasks.sweep()
    assert sent == [str(batch.pk)]
    # and what breaks off is noted and tried again later
    InboundBatch.objects.filter(pk=batch.pk).update(kind="org_unit")
    with pytest.raises(Exception, match="takes org_unit only"):
        tasks.process(str(batch.pk))
    noted = InboundBatch.objects.get(pk=batch.pk)
    assert (noted.state, noted.failures, noted.not_before > clock.now()) == ("received", 1, True)
    InboundBatch.objects.filter(pk=batch.pk).update(kind="staff_profile")
    tasks.process(str(batch.pk))
    assert InboundBatch.objects.get(pk=batch.pk).state == "processed"
