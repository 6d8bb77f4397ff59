"""A worker killed with SIGKILL at any point of an upload: whoever takes it up again loses no row and doubles none.

A point is a share of the statements that the work still has to do: an unharmed upload of the same size says how many each step asks, and the
worker kills itself when it comes there, before the statement or while it (or the COPY after it) runs. So every point is met, and what it
left is looked at before anybody goes on: a step is there whole or not at all. Then the sweep must find the upload and send it again.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

import pytest
from django.core.files.base import ContentFile
from django.db import connection

from registry.choices import RowState, UploadState
from registry.models import Upload
from registry.services import uploads
from registry.services.uploads import upload_process, upload_queue, upload_receive, upload_submit, uploads_resume
from tests.pages import Office
from tests.uploads.workbooks import right, workbook
from workflows.models import ChangeItem

STEPS = (UploadState.PROCESSING, UploadState.CHECKING, UploadState.SUBMITTING)  # each one transaction
LATE = 3  # statements after the point by which a worker that should die while working is dead for certain
PATIENCE = 240.0


@dataclass(frozen=True)
class Point:
    """`share` of the statements that are left to do; `delay` is how long the worker still works there, in seconds, 0 to die before it."""

    share: float
    delay: float


@pytest.fixture(scope="module")
def office(committed_db) -> Office:
    return Office.open()


@pytest.fixture
def files(settings, tmp_path):
    settings.STORAGES = {**settings.STORAGES, "default": {**settings.STORAGES["default"], "OPTIONS": {"location": tmp_path / "files"}}}
    return tmp_path


def points(chance: random.Random, count: int) -> list[Point]:
    return [Point(chance.uniform(0, 0.95), chance.choice((0, chance.uniform(0, 0.2)))) for _ in range(count)]


class Counted:
    """Counts a worker's statements by step; at the statement `at` the worker dies, at once or `delay` seconds later."""

    def __init__(self, upload_id: UUID, at: int | None = None, delay: float = 0) -> None:
        self.upload_id, self.at, self.delay, self.seen = upload_id, at, delay, 0

    def __call__(self, execute: Callable, sql: str, params: object, many: bool, context: dict) -> object:
        if self.at is not None and self.seen == self.at and self.delay:
            threading.Timer(self.delay, _die).start()
        elif self.at is not None and self.seen >= self.at + (LATE if self.delay else 0):
            _die()
        self.seen += 1
        return execute(sql, params, many, context)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def killed(upload: Upload, at: int, delay: float) -> int:
    """The exit status of a worker of its own that is to die there, a copy of this process: it need not load the program again."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # this process has threads of the test runner, which the copy leaves alone
        pid = os.fork()
    if pid == 0:
        os._exit(_work(upload.pk, Counted(upload.pk, at, delay)))
    deadline = time.monotonic() + PATIENCE
    while not (ended := os.waitpid(pid, os.WNOHANG))[0]:
        assert time.monotonic() < deadline, "the worker neither ended nor died"
        time.sleep(0.005)
    return os.waitstatus_to_exitcode(ended[1])


def _work(upload_id: UUID, counted: Counted) -> int:
    connection.connection = None  # the session of the process that was copied is not this one's
    try:
        with connection.execute_wrapper(counted):
            upload_process(upload=Upload.objects.get(pk=upload_id))
    except BaseException:  # noqa: BLE001 the copy must end here, whatever happens, and never go on as a test
        traceback.print_exc()
        return 1
    return 0


def statements_of(office: Office, body: bytes) -> dict[str, int]:
    """How many statements the rest of the work asks, by the state in which it begins: counted on an upload that nobody disturbs."""
    upload = _received(office, body)
    reading = _counted(upload)
    Upload.objects.filter(pk=upload.pk).update(state=UploadState.CHECKING)
    checking = _counted(upload)
    upload = upload_submit(actor=office.users["clerk"], upload=Upload.objects.get(pk=upload.pk), at_once=False)
    submitting = _counted(upload)
    return {UploadState.RECEIVED: reading, UploadState.PROCESSING: reading, UploadState.CHECKING: checking, UploadState.SUBMITTING: submitting}


def _counted(upload: Upload) -> int:
    upload_queue(upload=upload)
    counted = Counted(upload.pk)
    with connection.execute_wrapper(counted):
        upload_process(upload=Upload.objects.get(pk=upload.pk))
    return counted.seen


def _received(office: Office, body: bytes) -> Upload:
    return upload_receive(actor=office.users["clerk"], unit=office.units["agency"], file=ContentFile(body, "a.xlsx"), name="a.xlsx")


def under_fire(upload: Upload, planned: list[Point], left: dict[str, int], people: int) -> None:
    """Work that is killed at each point and taken up again each time; then it is let through."""
    for point in planned:
        begun = UploadState(upload.state)
        upload_queue(upload=upload)
        status = killed(upload, int(point.share * left[begun]), point.delay)
        assert status == -signal.SIGKILL, f"{point} was not met: the worker ended with {status}"
        wait_until_free(upload)
        upload.refresh_from_db()
        nothing_half_done(upload, begun, people)
    upload_process(upload=upload)
    upload.refresh_from_db()


def nothing_half_done(upload: Upload, begun: UploadState, people: int) -> None:
    """A step of the killed worker is there whole, or as if it had never begun."""
    assert upload.state in {UploadState.RECEIVED: {*STEPS[:2]}, UploadState.PROCESSING: {*STEPS[:2]}}.get(begun, {begun})
    is_read = upload.state not in (UploadState.RECEIVED, UploadState.PROCESSING)
    assert (upload.rows.count(), upload.read) == ((people, people) if is_read else (0, 0))
    submitting = upload.state == UploadState.SUBMITTING
    assert upload.rows.filter(state=RowState.STAGED).count() == (people if submitting else 0)
    assert not upload.rows.filter(state=RowState.SUBMITTED).exists()
    assert not upload.submissions.exists()


def wait_until_free(upload: Upload) -> None:
    """A killed worker's session lives until the server notices; the sweep leaves the upload alone so long, and sends it then."""
    deadline = time.monotonic() + PATIENCE
    while not uploads_resume():
        assert time.monotonic() < deadline, f"nobody takes up {upload.pk}"
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("seed", "people", "kills"),
    [(1, 150, 2), *(pytest.param(seed, 5_000, 10, marks=pytest.mark.long) for seed in range(2, 7))],
)
def test_a_killed_worker_loses_and_doubles_no_row(office, files, monkeypatch, seed, people, kills):
    chance = random.Random(seed)
    monkeypatch.setattr(uploads, "send_on_commit", lambda *_task: None)  # the workers here are started by hand
    left = statements_of(office, _body(seed * 10_000 + 500_000, people))
    upload = _received(office, _body(seed * 10_000, people))
    # when it is read and checked under fire
    under_fire(upload, points(chance, kills - kills // 2), left, people)
    # then
    assert (upload.state, upload.read, upload.staged, upload.returned) == (UploadState.STAGED, people, people, 0)
    # when it is submitted under fire
    upload = upload_submit(actor=office.users["clerk"], upload=upload, at_once=False)
    under_fire(upload, points(chance, kills // 2), left, people)
    # then
    assert (upload.state, upload.counts["submitted"]) == (UploadState.SUBMITTED, people)
    assert upload.rows.filter(state=RowState.SUBMITTED).count() == people
    items = ChangeItem.objects.filter(request__in=upload.submissions.values("request"))
    assert (items.count(), items.values("key").distinct().count(), upload.submissions.count()) == (people, people, 1)
    assert sorted(items.values_list("ref", flat=True)) == sorted(upload.rows.values_list("sheet_row", flat=True))


def _body(first: int, people: int) -> bytes:
    return workbook([right(first + number, **{"Họ và tên": f"LÊ {_name(number)}"}) for number in range(people)])


def _name(number: int) -> str:
    """A name of letters for each number."""
    letters = "ABCDEGHIKLMNOPQRSTUVXY"
    return " ".join(letters[number // len(letters) ** place % len(letters)] + "A" for place in range(3))
