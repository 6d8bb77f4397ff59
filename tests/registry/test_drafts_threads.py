"""Two windows that begin one draft at the same moment, with real threads: one begins it, the other is told."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from django.db import connection

from registry.choices import Section
from registry.models import Draft
from registry.services import drafts
from tests.pages import Office
from workflows.choices import Act


def test_two_windows_begin_one_draft(committed_db):
    # given
    office = Office.open()
    hoa = office.hired()
    together = Barrier(2)

    def read(_draft: Draft) -> dict[str, str]:
        together.wait(timeout=20)  # both have found no draft by now
        return {"phone": "0987654321"}

    def begin(window: str) -> str:
        opened = drafts.Opened(base_version=1, revision=0, window=window, tick=1)
        try:
            drafts.draft_save(actor=office.users["clerk"], profile=hoa, act=Act.CORRECT, section=Section.IDENTITY, opened=opened, read=read)
        except drafts.SavedElsewhere:
            return "told"
        finally:
            connection.close()
        return "saved"

    # when
    with ThreadPoolExecutor(2) as pool:
        came = sorted(pool.map(begin, ["w1", "w2"]))
    # then
    assert came == ["saved", "told"]
    assert Draft.objects.get().cells == {"phone": "0987654321"}
