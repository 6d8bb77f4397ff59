"""The tasks as a worker runs them, and the commands that introduce agency and hub to each other."""

import io

import pytest
from django.core.management import CommandError, call_command

from exchange import tasks
from exchange.models import Agency, Channel, Delivery
from tests.exchange.office import PaperHub, pass_time, states


@pytest.fixture
def sent(monkeypatch):
    """Names of the tasks that would have been sent to the broker."""
    names = []
    monkeypatch.setattr(tasks.collect, "apply_async", lambda **_: names.append("collect"))
    return names


@pytest.fixture
def paper(monkeypatch):
    hub = PaperHub()
    for function in (tasks.channel_work, tasks.receipts_collect):
        monkeypatch.setitem(function.__kwdefaults__, "connector", hub)
    return hub


def test_deliver_and_collect_bring_everything_through(office, sender, channel, paper, sent):
    office.apply(sender.person())
    # when the task runs that every applied request sends
    tasks.deliver("the request's id")
    # then the batch is there, and somebody is to come back for its receipts
    assert (paper.calls, sent) == (["POST /profiles"], ["collect"])
    tasks.collect()
    assert states(channel) == {"received": 1}


def test_the_sweep_finds_what_a_lost_message_left(office, sender, channel, paper, sent):
    office.apply(sender.person())
    tasks.sweep()
    pass_time(60)
    tasks.sweep()
    assert states(channel) == {"received": 1}


def test_applying_a_request_announces_itself_to_the_exchange():
    from workflows import dispatch

    assert "exchange.deliver" in dispatch._after_apply


def test_the_commands_introduce_agency_and_hub(committed_db, settings, monkeypatch):
    settings.ROLE = "hub"
    monkeypatch.setattr("sys.stdin", io.StringIO("x" * 40 + "\n"))
    call_command("hub_agency", "--code", "000.00.00.H21", "--name", "Tỉnh thử", "--client-id", "h21", "--secret-stdin", stdout=io.StringIO())
    agency = Agency.objects.select_related("application").get(code="H21")
    assert agency.application.client_secret != "x" * 40  # stored as a hash
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    with pytest.raises(CommandError, match="at least 32"):
        call_command("hub_agency", "--code", "H22", "--name", "x", "--client-id", "h22", "--secret-stdin")
    settings.ROLE, settings.CHANNEL_SECRETS = "agency", {"national-hub": "x" * 40}
    with pytest.raises(CommandError, match="on the hub"):
        call_command("hub_agency", "--code", "H22", "--name", "x", "--client-id", "h22", "--secret-stdin")
    call_command("channel_set", "--url", "https://hub.example.vn/", "--client-id", "h21", stdout=io.StringIO())
    assert Channel.objects.get(code="national-hub").base_url == "https://hub.example.vn"
    for wrong in (["--url", "ftp://hub"], ["--url", "https://hub", "--batch-size", "0"], ["--url", "https://hub", "--code", "other"]):
        with pytest.raises(CommandError):
            call_command("channel_set", *wrong, "--client-id", "h21")
    Channel.objects.update(active=False)
    assert not Delivery.objects.filter(channel__code="national-hub").exists()
