"""The read log: what stands in it stays, its months come, are closed and go by policy, and no reading goes unrecorded."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import uuid4

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from config.demo.pki import DemoAuthority
from tests.factories import unit_make, user_make
from workflows.choices import ReadAction, ReadReason
from workflows.errors import PurposeMissing
from workflows.models import AuditEvent, ReadEvent
from workflows.services.ledger import verify_ledger
from workflows.services.months import this_month
from workflows.services.read_months import READS, month_damages, months_close, months_drop, months_prepare
from workflows.services.reads import read_record

KIND = "staff_profile"


def past(month: date, entries: int = 2) -> None:
    """A month of the past with entries in it, as time would have left them."""
    user = user_make()
    with connection.cursor() as cursor:
        cursor.execute("select public.hoso_read_month(%s)", [month])
        cursor.execute(
            "insert into workflows_readevent(at, actor_id, action, kind, key) "
            "select %s::date + interval '5 days', %s, 'open', 'staff_profile', gen_random_uuid() from generate_series(1, %s)",
            [month, user.pk, entries],
        )
        cursor.execute("set constraints all immediate")  # as after a commit: a table is dropped when no checks are still to come
        cursor.execute("set constraints all deferred")


def months_ago(number: int) -> date:
    month = this_month()
    for _ in range(number):
        month = (month - timedelta(days=1)).replace(day=1)
    return month


def test_one_insert_however_many_records(db, django_assert_num_queries):
    # given
    user, unit = user_make("lan"), unit_make()
    records = [(uuid4(), unit.pk) for _ in range(500)]
    # when
    with django_assert_num_queries(1):
        read_record(actor=user, action=ReadAction.EXPORT, kind=KIND, records=records, what="export:1", address="10.0.0.7")
    # then
    assert ReadEvent.objects.filter(actor=user, action="export", unit=unit, address="10.0.0.7").count() == 500


@pytest.mark.parametrize(("reason", "note"), [("", ""), ("", "vì cần"), ("nosy", "x"), (ReadReason.OTHER, " ")])
def test_a_value_is_not_revealed_without_a_reason(db, reason, note):
    with pytest.raises(PurposeMissing):
        read_record(actor=user_make(), action=ReadAction.REVEAL, kind=KIND, records=[(uuid4(), None)], what="citizen_id", reason=reason, note=note)
    # nor past the program
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "insert into workflows_readevent(actor_id, action, kind, key) values (%s, 'reveal', 'staff_profile', %s)", [user_make().pk, uuid4()]
        )


@pytest.mark.parametrize("statement", ["update {0} set what = 'x'", "delete from {0}", "truncate {0}"])
@pytest.mark.parametrize("whole", [True, False])
def test_nothing_is_changed_or_taken_out(db, statement, whole):
    # given
    read_record(actor=user_make(), action=ReadAction.OPEN, kind=KIND, records=[(uuid4(), None)])
    table = "workflows_readevent" if whole else f"workflows_readevent_{this_month():%Y%m}"
    # when, then
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("set constraints all immediate")  # truncate asks for no checks that are still to come
        cursor.execute(statement.format(table))


def test_months_to_come_are_made_once(db):
    made = months_prepare()
    assert months_prepare() == 0
    assert {this_month(), READS.kept()[-1]} <= set(READS.kept())
    assert made >= 0
    assert len([month for month in READS.kept() if month >= this_month()]) >= 4


def test_a_closed_month_that_was_altered_is_found(db, settings, tmp_path):
    settings.TRUST_DIRECTORY = tmp_path / "trust"
    DemoAuthority(tmp_path / "pki").publish(settings.TRUST_DIRECTORY)
    # given a month that is over, closed and sound
    month = months_ago(2)
    past(month)
    assert months_close() == [month]
    assert months_close() == []
    assert list(month_damages()) == []
    # when a superuser alters one line with triggers off
    with connection.cursor() as cursor:
        cursor.execute("set session_replication_role = replica")
        cursor.execute(
            "update workflows_readevent set what = 'nothing to see' where id = (select max(id) from workflows_readevent where at < %s)",
            [this_month()],
        )
        cursor.execute("set session_replication_role = origin")
    # then
    place = f"read log of {month:%Y-%m}"
    assert list(month_damages()) == [(place, "it is not what was written down when the month was over")]
    assert [one.place for one in verify_ledger().damages if one.check == "reads"] == [place]
    # and a month that is taken away altogether
    with connection.cursor() as cursor:
        cursor.execute(f"drop table workflows_readevent_{month:%Y%m}")
    assert list(month_damages()) == [(place, "it is missing, and nobody dropped it by policy")]


def test_policy_drops_whole_months_and_says_so(db, settings):
    # given months of 14, 13 and 12 months ago, the oldest not closed yet when policy first looks
    settings.READ_LOG_MONTHS = 12
    for number in (14, 13, 12):
        past(months_ago(number))
    assert months_drop() == []  # nothing goes before it was closed
    months_close()
    # when
    dropped = months_drop()
    # then the twelve months before this one are kept
    assert dropped == [months_ago(14), months_ago(13)]
    assert months_ago(12) in READS.kept()
    assert [one.detail["month"] for one in AuditEvent.objects.filter(action="reads.month_dropped").order_by("id")] == [
        f"{one:%Y-%m}" for one in dropped
    ]
    assert list(month_damages()) == []
    settings.READ_LOG_MONTHS = 0
    assert months_drop() == []


def test_a_month_that_nobody_made_is_made_when_it_is_needed(committed_db):
    # given a scheduler that stood still
    for month in READS.kept():
        with connection.cursor() as cursor:
            cursor.execute(f"drop table workflows_readevent_{month:%Y%m}")
    # when
    read_record(actor=user_make(), action=ReadAction.OPEN, kind=KIND, records=[(uuid4(), None)])
    # then
    assert ReadEvent.objects.count() == 1
