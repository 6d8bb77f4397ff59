"""What an approver of many records looks at first: counts by field, the records that stand out, and how far their own looking has come."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec
from django.conf import settings
from django.db import connection
from django.utils import translation

from orgtree import clock
from orgtree.models import User
from workflows.choices import ItemState, Op, ReturnReason, Severity
from workflows.models import ChangeRequest, Stage
from workflows.targets import target

STRIKING = 20


@dataclass(frozen=True)
class FieldCount:
    """How many records of one kind change a field."""

    label: str
    count: int
    share: int  # percent of the records


@dataclass(frozen=True)
class Statistics:
    """A batch at a glance; `fields` counts changes only, since a new record fills every field."""

    created: int
    updated: int
    excluded: int
    fields: Sequence[FieldCount]


@dataclass(frozen=True)
class Review:
    """A request as its decider looks at it. Records are named by their leaf indexes; `returned` says why each of them is given back."""

    counts: Mapping[Severity, int]  # findings
    statistics: Statistics
    striking: Sequence[int]  # with warnings or suggestions, the gravest first
    returned: Mapping[int, str]
    left: Sequence[int]  # of the sample
    calendar: Mapping[date, bool]  # days since the stage opened that differ from the week, True where they are worked


OVERVIEW = """
select
    (select coalesce(jsonb_agg(jsonb_build_array(op, state, count)), '[]')::text from (
        select op, state, count(*) from workflows_changeitem where request_id = %(request)s group by 1, 2) c),
    (select coalesce(jsonb_agg(jsonb_build_array(kind, name, count) order by count desc, name), '[]')::text from (
        select i.kind, f.name, count(*) from workflows_changeitem i cross join lateral unnest(i.changed) f(name)
        where i.request_id = %(request)s and i.op = 'update' group by 1, 2) c),
    (select coalesce(jsonb_agg(jsonb_build_array(severity, count)), '[]')::text from (
        select severity, count(*) from workflows_finding where request_id = %(request)s group by 1) c),
    array(select leaf_index from workflows_finding where request_id = %(request)s and severity <> 'error'
        group by 1 order by bool_or(severity = 'warning') desc, 1 limit %(striking)s),
    (select coalesce(jsonb_agg(jsonb_build_array(leaf_index, reason, text) order by leaf_index), '[]')::text from workflows_rowreturn
        where stage_id = %(stage)s and user_id = %(user)s),
    array(select leaf_index from workflows_sampleview where stage_id = %(stage)s and user_id = %(user)s
        union select leaf_index from workflows_changeitem where request_id = %(request)s and leaf_index = any(%(sample)s) and state <> 'open'),
    (select coalesce(jsonb_object_agg(day, works), '{}')::text from workflows_calendarday where day > %(since)s)
"""


def request_review(request: ChangeRequest, *, stage: Stage, user: User, sample: Collection[int] = (), since: date | None = None) -> Review:
    """What the decider of `stage`, which opened on the day `since`, sees of a request besides its records, whatever its size in one query."""
    values: dict[str, Any] = {
        "request": request.pk,
        "stage": stage.pk,
        "user": user.pk,
        "sample": list(sample),
        "striking": STRIKING,
        "since": since or clock.today(),
    }
    with connection.cursor() as cursor:
        cursor.execute(OVERVIEW, values)
        states, fields, counts, striking, returned, done, calendar = cursor.fetchone()
    rows = msgspec.json.decode(returned)
    return Review(
        counts={Severity(severity): count for severity, count in msgspec.json.decode(counts)},
        statistics=_statistics(msgspec.json.decode(states), msgspec.json.decode(fields)),
        striking=striking,
        returned={leaf: return_words(reason, text) for leaf, reason, text in rows},
        left=sorted(set(sample).difference(done, (leaf for leaf, _reason, _text in rows))),
        calendar=msgspec.json.decode(calendar, type=dict[date, bool]),
    )


def return_words(reason: str, text: str) -> str:
    """Why a record is given back, as its author will read it: in the language of the administration."""
    with translation.override(settings.LANGUAGE_CODE):
        return ". ".join(part for part in (str(ReturnReason(reason).label), text) if part)


def _statistics(states: Sequence[tuple[str, str, int]], fields: Sequence[tuple[str, str, int]]) -> Statistics:
    total = {one: sum(count for op, _state, count in states if op == one) for one in Op}
    return Statistics(
        created=total[Op.CREATE],
        updated=total[Op.UPDATE],
        excluded=sum(count for _op, state, count in states if state == ItemState.EXCLUDED),
        fields=[FieldCount(target(kind).label_of(name), count, round(100 * count / total[Op.UPDATE])) for kind, name, count in fields],
    )
