"""Calls as they are written down: begun before they are made, ended with what was said. One without an end was cut off."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from django.db import connection

from exchange.models import Attempt, Batch
from exchange.services.calling import Ended
from orgtree import clock

OK = "ok"
Numbers = Mapping[Batch, int]  # of attempts


def attempts_begin(batches: Collection[Batch], call: Attempt.Call) -> Numbers:
    """Write down that each batch is about to be called for, in one statement that is the same for one as for a hundred."""
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into exchange_attempt(batch_id, call, outcome, detail) "
            "select batch, %s, '', '' from unnest(%s::uuid[]) batch returning batch_id, id",
            [call.value, [batch.pk for batch in batches]],
        )
        numbers = dict(cursor.fetchall())
    return {batch: numbers[batch.pk] for batch in batches}


def attempts_end(attempts: Numbers, ended: Sequence[Ended]) -> None:
    """Write down how calls ended: those that succeeded in one statement, each failure with what was said."""
    now = clock.now()
    if well := [attempts[one.batch] for one in ended if one.failure is None]:
        Attempt.objects.filter(pk__in=well).update(ended_at=now, outcome=OK)
    for one in ended:
        if (failure := one.failure) is not None:
            said = f"{failure.code}: {failure.detail}"[:500]
            Attempt.objects.filter(pk=attempts[one.batch]).update(ended_at=now, outcome=failure.kind.value, http_status=failure.status, detail=said)


def attempts_done(batches: Collection[Batch], call: Attempt.Call) -> None:
    """Write down calls that were answered for all of these batches at once."""
    attempts = attempts_begin(batches, call)
    attempts_end(attempts, [Ended(batch) for batch in batches])
