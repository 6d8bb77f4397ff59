"""The main job without a browser: a clerk's workbook goes in, and the hub's receipt comes back for every record.

Each step calls the service that the page calls, as the person who would click; workers and the hub do the rest, and this
program only watches the database. It counts what happened against `demo/expected.json` and says where it does not add up.
A run that was cut off is taken up by the next one: the workbook is known by its hash.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from django.conf import settings
from django.core.files import File
from django.db.models import F

from config.demo.seed import signed_approval
from config.demo.workbook import NAME
from exchange.choices import DeliveryState, Outcome
from exchange.models import Channel, Delivery, Receipt
from orgtree.models import OrgUnit, User
from registry.choices import UploadState
from registry.models import Upload
from registry.services.uploads import upload_queue, upload_receive, upload_submit
from workflows.choices import ItemState, JobState, RequestState, Severity
from workflows.models import ChangeRequest, JobRun, OutboxMessage
from workflows.services.ledger import verify_ledger

DIRECTORY = settings.BASE_DIR / "demo"
APPROVER = "minh"
CHANNEL = "national-hub"
PATIENCE = 300.0  # seconds for one step; the first start of a small machine is slow
GLANCE = 0.2  # seconds between two looks at the database
_LINE = "  {:<44} {:>6} {:>8.1f} s"

Tell = Callable[[str], None]
T = TypeVar("T")


class JobFailed(Exception):
    """A step did not end as it should; the message says which, and how things stand."""


@dataclass(frozen=True)
class Figures:
    """The last line of the main job."""

    read: int
    returned: int
    applied: int
    delivered: int
    receipts: int
    ledger_ok: bool
    hub_ledger_ok: bool
    seconds: float

    def __str__(self) -> str:
        return "FIGURES " + json.dumps(asdict(self), separators=(",", ":"))

    def mismatches(self, expected: Mapping[str, Any]) -> list[str]:
        """Where the counts do not add up: nothing in a good run."""
        staged = expected["staged"]
        wanted = {"read": expected["read"], "returned": expected["returned"], "applied": staged, "delivered": staged, "receipts": staged}
        wanted |= {"ledger_ok": True, "hub_ledger_ok": True}
        return [f"{name}: {value} expected, {getattr(self, name)} found" for name, value in wanted.items() if getattr(self, name) != value]


def main_job(*, hub_env: Mapping[str, str], tell: Tell, directory: Path = DIRECTORY) -> tuple[Figures, list[str]]:
    """Do it once; returns the figures and what does not add up. `hub_env` is the environment of the hub's processes.

    Raises JobFailed for a step that fails or takes longer than PATIENCE.
    """
    begin = time.monotonic()
    expected = expectation(directory)
    clerk = User.objects.get(username=expected["uploader"])
    timed = _Timed(tell)
    upload = timed("workbook received", lambda: workbook_receive(clerk, directory / expected["workbook"], expected["unit"]), lambda _upload: 1)
    upload = timed("rows read by a worker", lambda: _read(upload), lambda done: done.read)
    differences = timed("rows returned, each with its finding", lambda: findings_differ(upload, expected), lambda _found: upload.returned)
    request = timed("records submitted", lambda: _submit(clerk, upload), lambda done: done.count)
    timed("records approved and signed", lambda: _approve(request), lambda done: done.count)
    applied = timed("records applied by a worker", lambda: _applied(request), int)
    timed("records of the initial load at the hub", lambda: _delivered_before(request), int)
    delivered = timed("records of this request at the hub", lambda: _delivered(request), int)
    receipts = timed("receipts for them", lambda: _receipts(request), int)
    here = timed("versions in the ledger here, verified", verify_ledger, lambda outcome: outcome.versions)
    hub = timed("versions in the ledger of the hub, verified", lambda: hub_verification(hub_env), lambda outcome: outcome["versions"])
    figures = Figures(upload.read, upload.returned, applied, delivered, receipts, here.ok, hub["ok"], round(time.monotonic() - begin, 1))
    return figures, [*differences, *figures.mismatches(expected)]


def expectation(directory: Path = DIRECTORY) -> dict[str, Any]:
    """demo/expected.json."""
    return json.loads((directory / "expected.json").read_bytes())


class _Timed:
    """Runs a step and tells its line: what, how many, how long."""

    def __init__(self, tell: Tell) -> None:
        self.tell = tell

    def __call__(self, label: str, work: Callable[[], T], count: Callable[[T], int]) -> T:
        begin = time.monotonic()
        result = work()
        self.tell(_LINE.format(label, count(result), time.monotonic() - begin))
        return result


def wait_for(what: str, done: Callable[[], T | None], *, state: Callable[[], str]) -> T:
    """Look at the database until `done` gives something; JobFailed after PATIENCE seconds, saying how things stand."""
    deadline = time.monotonic() + PATIENCE
    while (result := done()) is None:
        if time.monotonic() > deadline:
            raise JobFailed(f"{what}: not done after {PATIENCE:.0f} s; {state()}. Is the worker running? See its log.")
        time.sleep(GLANCE)
    return result


def workbook_receive(clerk: User, path: Path, unit: str) -> Upload:
    """Hand in the workbook, unless an earlier run did."""
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    upload = Upload.objects.filter(uploader=clerk, sha256=sha256).exclude(state=UploadState.REFUSED).order_by("created").first()
    if upload is None:
        with path.open("rb") as stream:
            upload = upload_receive(actor=clerk, unit=OrgUnit.objects.get(code=unit), file=File(stream, name=NAME), name=NAME)
    if upload.state in (UploadState.RECEIVED, UploadState.PROCESSING, UploadState.FAILED):
        upload_queue(upload=upload)
    return upload


def _read(upload: Upload) -> Upload:
    def ended() -> Upload | None:
        job = JobRun.objects.filter(subject=f"upload:{upload.pk}").latest("created_at")
        if job.state == JobState.FAILED:
            raise JobFailed(f"the worker could not read the workbook: {job.error}")
        if job.state != JobState.DONE:
            return None
        return Upload.objects.select_related("request", "uploader").get(pk=upload.pk)

    found = wait_for("reading the workbook", ended, state=lambda: f"the upload is {Upload.objects.get(pk=upload.pk).state}")
    if found.state == UploadState.REFUSED:
        raise JobFailed(f"the workbook was refused: {list(found.findings.values_list('code', flat=True))}")
    return found


def findings_differ(upload: Upload, expected: Mapping[str, Any]) -> list[str]:
    """Where the findings are not those of demo/README.md."""
    errors = upload.findings.filter(severity=Severity.ERROR).values_list("sheet_row", "column", "code")
    wanted = {(one["sheet_row"], one["column"], one["code"]) for one in expected["findings"]}
    found = set(errors)
    return [f"row {row}, column {column}: {code} expected" for row, column, code in sorted(wanted - found)] + [
        f"row {row}, column {column}: {code} was not expected" for row, column, code in sorted(found - wanted)
    ]


def _submit(clerk: User, upload: Upload) -> ChangeRequest:
    if upload.state == UploadState.STAGED:
        upload = upload_submit(actor=clerk, upload=upload)
    if upload.request is None:
        raise JobFailed(f"nothing is left to submit; the upload is {upload.state}")
    return upload.request


def _approve(request: ChangeRequest) -> ChangeRequest:
    if ChangeRequest.objects.filter(pk=request.pk, state=RequestState.IN_REVIEW).exists():
        return signed_approval(username=APPROVER, request_id=request.pk)
    return request


def _applied(request: ChangeRequest) -> int:
    def ended() -> int | None:
        state = ChangeRequest.objects.values_list("state", flat=True).get(pk=request.pk)
        if state in (RequestState.CONFLICT, RequestState.FAILED):
            raise JobFailed(f"the request ended in state {state}")
        return request.items.filter(state=ItemState.APPLIED).count() if state == RequestState.APPLIED else None

    return wait_for("applying the request", ended, state=lambda: f"the request is {ChangeRequest.objects.get(pk=request.pk).state}")


def _delivered_before(request: ChangeRequest) -> int:
    """Wait until the hub has everything that became true before this request."""
    return received_by_hub(OutboxMessage.objects.filter(request__seal__sequence__lt=_seal_of(request)).values("pk"))


def _delivered(request: ChangeRequest) -> int:
    return received_by_hub(OutboxMessage.objects.filter(request=request).values("pk"))


def _seal_of(request: ChangeRequest) -> int:
    return ChangeRequest.objects.values_list("seal__sequence", flat=True).get(pk=request.pk)


def received_by_hub(messages: Any) -> int:
    channel = Channel.objects.filter(code=CHANNEL).first()
    if channel is None:
        raise JobFailed(f"there is no channel {CHANNEL}: introduce agency and hub first (manage.py channel_set)")
    deliveries, total = Delivery.objects.filter(channel=channel, message__in=messages), messages.count()

    def ended() -> int | None:
        if refused := deliveries.filter(state__in=[DeliveryState.REJECTED, DeliveryState.PARKED]).first():
            raise JobFailed(f"the hub did not take every record: {refused.state} {refused.error_code} {refused.error_text}")
        received = deliveries.filter(state=DeliveryState.RECEIVED).count()
        return received if received == total else None

    return wait_for("delivering to the hub", ended, state=lambda: _delivery_state(channel, deliveries, total))


def _delivery_state(channel: Channel, deliveries: Any, total: int) -> str:
    channel.refresh_from_db()
    received = deliveries.filter(state=DeliveryState.RECEIVED).count()
    return f"{received} of {total} received, last error of the channel: {channel.last_error or 'none'}"


def _receipts(request: ChangeRequest) -> int:
    """Receipts that say accepted and name the very document that was sent."""
    accepted = Receipt.objects.filter(delivery__message__request=request, outcome=Outcome.ACCEPTED)
    return accepted.filter(digest=F("delivery__message__document_id")).count()


def hub_verification(hub_env: Mapping[str, str]) -> dict[str, Any]:
    """What `verify_ledger --json` says in the hub's own environment; `ok` only if `verify_evidence` agrees. Raises JobFailed without an answer."""
    ledger = _at_the_hub(hub_env, "verify_ledger", "--json")
    try:
        said = json.loads(ledger.stdout.splitlines()[0])
    except (IndexError, ValueError) as error:
        raise JobFailed(f"the hub's ledger could not be verified: {ledger.stderr[-500:]}") from error
    return {**said, "ok": said["ok"] and _at_the_hub(hub_env, "verify_evidence").returncode == 0}


def _at_the_hub(hub_env: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", *arguments]
    environment = {**os.environ, **hub_env}
    return subprocess.run(command, env=environment, cwd=settings.BASE_DIR, capture_output=True, text=True, timeout=PATIENCE, check=False)  # noqa: S603
