"""The main job's own checks: what it says when something does not go as it should. The whole job runs on the stack (`make demo`)."""

from pathlib import Path

import pytest

from config.demo import main_job
from config.demo.main_job import JobFailed
from exchange.choices import DeliveryState
from exchange.models import Channel, Delivery
from orgtree.models import User
from registry.services.uploads import upload_process
from workflows.models import OutboxMessage

DEMO = Path(__file__).resolve().parents[2] / "demo"


@pytest.fixture(scope="module")
def clerk(demo):
    """The clerk of the demo, on its own day."""
    return User.objects.get(username="lan")


@pytest.fixture(scope="module")
def upload(clerk):
    expected = main_job.expectation()
    return upload_process(upload=main_job.workbook_receive(clerk, DEMO / expected["workbook"], expected["unit"]))


def test_an_earlier_run_is_taken_up(clerk, upload):
    expected = main_job.expectation()
    again = main_job.workbook_receive(clerk, DEMO / expected["workbook"], expected["unit"])
    assert (again.pk, again.state) == (upload.pk, "staged")


def test_findings_that_are_not_the_documented_ones_are_named(upload):
    expected = main_job.expectation()
    assert main_job.findings_differ(upload, expected) == []
    expected["findings"][0] |= {"code": "OTHER"}
    first = expected["findings"][0]
    place = f"row {first['sheet_row']}, column {first['column']}"
    assert main_job.findings_differ(upload, expected) == [f"{place}: OTHER expected", f"{place}: CITIZEN_ID_FORM was not expected"]


def test_an_agency_that_does_not_know_the_hub_is_told(clerk):
    with pytest.raises(JobFailed, match="introduce agency and hub first"):
        main_job.received_by_hub(OutboxMessage.objects.values("pk"))


def test_it_does_not_wait_for_what_the_hub_refused(clerk):
    channel = Channel.objects.create(code=main_job.CHANNEL, name="hub", base_url="http://127.0.0.1:1", client_id="x")
    message = OutboxMessage.objects.earliest("pk")
    Delivery.objects.create(channel=channel, message=message, state=DeliveryState.PARKED, error_code="CLIENT_UNKNOWN")
    with pytest.raises(JobFailed, match="CLIENT_UNKNOWN"):
        main_job.received_by_hub(OutboxMessage.objects.values("pk"))


def test_waiting_ends_with_a_word_on_how_things_stand(monkeypatch):
    monkeypatch.setattr(main_job, "PATIENCE", 0.0)
    with pytest.raises(JobFailed, match="reading: not done after 0 s; the upload is received"):
        main_job.wait_for("reading", lambda: None, state=lambda: "the upload is received")


@pytest.mark.long
def test_a_hub_that_cannot_be_asked_is_told_apart_from_a_damaged_one(tmp_path):
    with pytest.raises(JobFailed, match="could not be verified"):
        main_job.hub_verification({"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "HOSO_ROLE": "hub"})
