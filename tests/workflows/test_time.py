"""Requests that wait for their day, are recalled before it, or expire."""

from datetime import date, timedelta

import pytest
from django.conf import settings
from django.db import DatabaseError, transaction

from tests.databases import TODAY
from tests.workflows.toy import Note
from workflows import tasks
from workflows.choices import ItemState, RequestState
from workflows.errors import EffectiveDatePast, NotAllowed, ReasonMissing, WrongState
from workflows.manifest import read_manifest
from workflows.models import ChangeRequest, Manifest
from workflows.services.applying import request_apply
from workflows.services.ending import request_recall
from workflows.services.submission import request_submit

DAY = date.fromisoformat(TODAY)


@pytest.fixture(autouse=True)
def day(gate):
    yield
    settings.PINNED_TODAY = TODAY


def for_later(gate, key, days=3):
    staged = gate.stage(gate.proposal(key))
    return request_submit(actor=gate.author, request_id=staged.request.pk, effective_on=DAY + timedelta(days=days))


def sent_by_sweep(monkeypatch):
    sent = []
    monkeypatch.setattr(tasks, "send_on_commit", lambda name, pk: sent.append(pk))
    tasks.sweep()
    return sent


def test_what_is_scheduled_is_applied_on_its_day(gate, monkeypatch):
    key = gate.key()
    request = gate.approve(for_later(gate, key))
    assert request.state == RequestState.SCHEDULED
    # the day is part of what was signed
    assert read_manifest(bytes(Manifest.objects.get(request=request).body)).effective_on == DAY + timedelta(days=3)
    with pytest.raises(WrongState):
        request_apply(request_id=request.pk)
    assert str(request.pk) not in sent_by_sweep(monkeypatch)
    # meanwhile its record stays busy
    assert [one.code for one in gate.stage(gate.proposal(key, ref=1)).returned[1]] == ["RECORD_BUSY"]
    settings.PINNED_TODAY = DAY + timedelta(days=3)
    assert str(request.pk) in sent_by_sweep(monkeypatch)
    assert request_apply(request_id=request.pk).state == RequestState.APPLIED
    assert Note.objects.filter(pk=key).exists()


def test_what_is_signed_for_a_day_cannot_be_moved(gate):
    request = gate.approve(for_later(gate, gate.key()))
    with pytest.raises(DatabaseError, match="cannot be altered"), transaction.atomic():
        ChangeRequest.objects.filter(pk=request.pk).update(effective_on=DAY)
    request_recall(actor=gate.author, request_id=request.pk, reason="Dọn dẹp")


def test_a_day_that_has_passed_is_refused(gate):
    with pytest.raises(EffectiveDatePast):
        for_later(gate, gate.key(), days=-1)


@pytest.mark.parametrize("who", ["author", "approver"])
def test_recalled_before_it_is_applied(gate, who):
    key = gate.key()
    request = gate.approve(for_later(gate, key))
    with pytest.raises(ReasonMissing):
        request_recall(actor=gate.author, request_id=request.pk, reason=" ")
    recalled = request_recall(actor=getattr(gate, who), request_id=request.pk, reason="Quyết định bị thu hồi")
    assert (recalled.state, recalled.items.get().state) == (RequestState.RECALLED, ItemState.ENDED)
    settings.PINNED_TODAY = DAY + timedelta(days=9)
    assert request_apply(request_id=request.pk).state == RequestState.RECALLED
    assert not Note.objects.filter(pk=key).exists()
    assert gate.stage(gate.proposal(key)).staged == 1


def test_who_had_no_part_in_it_recalls_nothing(gate):
    from orgtree.models import User

    request = gate.approve(gate.submitted(gate.proposal()))
    with pytest.raises(NotAllowed):
        request_recall(actor=User.objects.get(username="other"), request_id=request.pk, reason="?")
    assert request_apply(request_id=request.pk).state == RequestState.APPLIED
    with pytest.raises(WrongState):
        request_recall(actor=gate.author, request_id=request.pk, reason="Muộn")


def test_a_review_that_nobody_finished_frees_its_records(gate, monkeypatch):
    key = gate.key()
    request = gate.submitted(gate.proposal(key))
    settings.PINNED_TODAY = request.expires_on
    sent_by_sweep(monkeypatch)
    request.refresh_from_db()
    assert request.state == RequestState.IN_REVIEW
    settings.PINNED_TODAY = request.expires_on + timedelta(days=1)
    sent_by_sweep(monkeypatch)
    request.refresh_from_db()
    assert request.state == RequestState.EXPIRED
    assert gate.stage(gate.proposal(key)).staged == 1


@pytest.mark.parametrize("state", ["recalled", "scheduled"])
def test_the_database_knows_the_moves_too(gate, state):
    request = gate.submitted(gate.proposal())
    with pytest.raises(DatabaseError, match="cannot become"), transaction.atomic():
        ChangeRequest.objects.filter(pk=request.pk).update(state=state)
