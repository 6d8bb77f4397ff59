"""A worker killed with SIGKILL at any point of an upload: whoever takes it up again loses no row and doubles none.

The moments come from a seed: a stage of the work and how far it has got, as the worker itself tells. A kill waits for that, never for a
time. After each kill the sweep must find the upload lying about and send it again.
"""

from __future__ import annotations

import os
import random
import signal
import time
import traceback
import warnings
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
from workflows.models import ChangeItem, JobRun
from workflows.progress import progress_get

STAGES = ("opening", "reading", "cleaning", "matching", "checking", "concluding")
PATIENCE = 240.0


@pytest.fixture(scope="module")
def office(committed_db) -> Office:
    return Office.open()


@pytest.fixture
def files(settings, tmp_path):
    settings.STORAGES = {**settings.STORAGES, "default": {**settings.STORAGES["default"], "OPTIONS": {"location": tmp_path / "files"}}}
    return tmp_path


class Worker:
    """A process of its own that does one worker's work on an upload, as a copy of this one: it need not load the program again."""

    def __init__(self, upload: Upload) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # this process has threads of the test runner, which the copy leaves alone
            self.pid = os.fork()
        if self.pid == 0:
            os._exit(_work(upload.pk))
        self.status: int | None = None

    def alive(self) -> bool:
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.status = os.waitstatus_to_exitcode(status) if pid else None
        return self.status is None

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        while self.alive():
            time.sleep(0.001)


def _work(upload_id: UUID) -> int:
    connection.connection = None  # the session of the process that was copied is not this one's
    try:
        upload_process(upload=Upload.objects.get(pk=upload_id))
    except BaseException:  # noqa: BLE001 the copy must end here, whatever happens, and never go on as a test
        traceback.print_exc()
        return 1
    return 0


def killed_at(worker: Worker, job: JobRun, stage: str, part: float) -> bool:
    """Kill the worker when it has got so far; False when it ended before anybody saw it there."""
    deadline = time.monotonic() + PATIENCE
    wanted = STAGES.index(stage)
    while worker.alive():
        assert time.monotonic() < deadline, f"the worker never ended, nor came to {stage}"
        live = progress_get(job.pk)
        now = STAGES.index(live.stage) if live and live.stage in STAGES else -1
        if now > wanted or (now == wanted and live.done >= part * live.total):
            worker.kill()
            return True
    return False


def ended(worker: Worker) -> None:
    deadline = time.monotonic() + PATIENCE
    while worker.alive():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert worker.status == 0


def under_fire(upload: Upload, chance: random.Random, kills: int) -> int:
    """Work that is killed so often and taken up again each time; returns how many kills found the worker alive."""
    hits = 0
    for _kill in range(kills):
        job = upload_queue(upload=upload)  # a fresh run: what the killed one last said does not count
        hits += killed_at(Worker(upload), job, chance.choice(STAGES), chance.random())
        upload.refresh_from_db()
        if upload.state in (UploadState.STAGED, UploadState.SUBMITTED):
            break
        wait_until_free(upload)
    ended(Worker(upload))
    upload.refresh_from_db()
    return hits


def wait_until_free(upload: Upload) -> None:
    """A killed worker's session lives until the server notices; the sweep leaves the upload alone so long, and sends it then."""
    deadline = time.monotonic() + PATIENCE
    while not uploads_resume():
        assert time.monotonic() < deadline, f"nobody takes up {upload.pk}"
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("seed", "people", "kills"),
    [(1, 150, 2), *(pytest.param(seed, 5_000, 5, marks=pytest.mark.long) for seed in range(2, 7))],
)
def test_a_killed_worker_loses_and_doubles_no_row(office, files, monkeypatch, seed, people, kills):
    chance = random.Random(seed)
    monkeypatch.setattr(uploads, "send_on_commit", lambda *_task: None)  # the workers here are started by hand
    body = workbook([right(seed * 10_000 + number, **{"Họ và tên": f"LÊ {_name(number)}"}) for number in range(people)])
    upload = upload_receive(actor=office.users["clerk"], unit=office.units["agency"], file=ContentFile(body, "a.xlsx"), name="a.xlsx")
    # when it is read and checked under fire
    hits = under_fire(upload, chance, kills)
    # then
    assert (upload.state, upload.read, upload.staged, upload.returned) == (UploadState.STAGED, people, people, 0)
    # when it is submitted under fire
    upload = upload_submit(actor=office.users["clerk"], upload=upload, at_once=False)
    hits += under_fire(upload, chance, kills)
    # then
    assert (upload.state, upload.counts["submitted"]) == (UploadState.SUBMITTED, people)
    assert upload.rows.filter(state=RowState.SUBMITTED).count() == people
    items = ChangeItem.objects.filter(request__in=upload.submissions.values("request"))
    assert (items.count(), items.values("key").distinct().count(), upload.submissions.count()) == (people, people, 1)
    assert sorted(items.values_list("ref", flat=True)) == sorted(upload.rows.values_list("sheet_row", flat=True))
    assert hits


def _name(number: int) -> str:
    """A name of letters for each number."""
    letters = "ABCDEGHIKLMNOPQRSTUVXY"
    return " ".join(letters[number // len(letters) ** place % len(letters)] + "A" for place in range(3))
