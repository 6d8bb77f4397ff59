"""Looking before signing: rows that the approver gives back one by one, and the sample that must be opened.

The sample is drawn from a secret of this installation, the request's root, the stage and the decider: its author cannot know it,
and asking again does not change it.
"""

from __future__ import annotations

import random
from collections.abc import Collection
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import TextField, Value
from django.utils import translation
from django.utils.crypto import salted_hmac

from orgtree.models import User
from workflows.choices import ItemState, ReturnReason
from workflows.errors import ReasonMissing, SampleNotOpened
from workflows.locks import request_lock
from workflows.models import ChangeItem, ChangeRequest, RowReturn, SampleView, Stage
from workflows.selectors.deciding import may_decide
from workflows.selectors.differences import for_reading, item_changes
from workflows.selectors.review import return_words


def row_return(*, actor: User, request_id: UUID, leaf_index: int, reason: ReturnReason, text: str = "", fields: Collection[str] = ()) -> RowReturn:
    """Mark a record to be given back to its author; the others go on. `fields` are the changed ones that are wrong, which the author reads by name.

    What is signed is the whole record, so it goes back whole. Raises ReasonMissing, ChangeItem.DoesNotExist (also for a field that does not
    change) and may_decide's.
    """
    if reason not in ReturnReason.values or (reason == ReturnReason.OTHER and not text.strip()):
        raise ReasonMissing
    with transaction.atomic():
        request = request_lock(request_id)
        stage = may_decide(actor=actor, request=request)
        item = for_reading(request.items.all()).get(leaf_index=leaf_index, state=ItemState.OPEN)
        words = [*([", ".join(_labels(item, fields))] if fields else []), *([text.strip()] if text.strip() else [])]
        said = {"reason": reason, "text": ": ".join(words)[:240]}
        return RowReturn.objects.update_or_create(stage=stage, user=actor, leaf_index=leaf_index, defaults=said)[0]


def _labels(item: ChangeItem, fields: Collection[str]) -> list[str]:
    """The names of changed fields in the language of the administration, in the order of the record. Raises ChangeItem.DoesNotExist."""
    with translation.override(settings.LANGUAGE_CODE):
        changed = {one.name: str(one.label) for one in item_changes([item])[0].changes}
    if not changed.keys() >= set(fields):
        raise ChangeItem.DoesNotExist
    return [label for name, label in changed.items() if name in fields]


def row_keep(*, actor: User, request_id: UUID, leaf_index: int) -> None:
    """Take the mark back. Raises may_decide's."""
    with transaction.atomic():
        stage = may_decide(actor=actor, request=request_lock(request_id))
        RowReturn.objects.filter(stage=stage, user=actor, leaf_index=leaf_index).delete()


def record_open(*, actor: User, request: ChangeRequest, stage: Stage, leaf_index: int) -> ChangeItem:
    """The record that `actor` looks at; one of the sample counts as opened from now on. Raises ChangeItem.DoesNotExist."""
    item = for_reading(request.items.all()).get(leaf_index=leaf_index)
    if leaf_index in sample_of(request=request, stage=stage, user=actor):
        SampleView.objects.get_or_create(stage=stage, user=actor, leaf_index=leaf_index)
    return item


def sample_of(*, request: ChangeRequest, stage: Stage, user: User) -> list[int]:
    """Leaf indexes that `user` must open before approving the stage, in order; all of them in a small request."""
    about = f"{bytes(request.root or b'').hex()}:{stage.number}:{user.pk}"
    draw = random.Random(salted_hmac("workflows.sample", about, algorithm="sha256").digest())  # noqa: S311 - seeded by an HMAC
    return sorted(draw.sample(range(request.count), min(stage.sample, request.count)))


def sample_left(*, request: ChangeRequest, stage: Stage, user: User) -> list[int]:
    """What of the sample is neither opened nor given back, by this stage's decider or an earlier one."""
    return looked_at(request=request, stage=stage, user=user)[1] if stage.sample else []


def looked_at(*, request: ChangeRequest, stage: Stage, user: User) -> tuple[dict[int, str], list[int]]:
    """What rows_returned and sample_left find, for a page that shows both; one query."""
    sample = set(sample_of(request=request, stage=stage, user=user))
    none = Value("", TextField())
    given_back = RowReturn.objects.filter(stage=stage, user=user).values_list("leaf_index", "reason", "text")
    opened = SampleView.objects.filter(stage=stage, user=user).values_list("leaf_index", none, none)
    closed = request.items.filter(leaf_index__in=sample).exclude(state=ItemState.OPEN).order_by().values_list("leaf_index", none, none)
    rows = sorted(given_back.union(opened, closed) if sample else given_back)
    return {leaf: return_words(reason, text) for leaf, reason, text in rows if reason}, sorted(sample.difference(leaf for leaf, *_why in rows))


def sample_demand(*, request: ChangeRequest, stage: Stage, user: User) -> None:
    """Raises SampleNotOpened while something of the sample is left."""
    if left := sample_left(request=request, stage=stage, user=user):
        raise SampleNotOpened(left=left)


def rows_returned(*, stage: Stage, user: User) -> dict[int, str]:
    """By leaf index, the reason that its author will read, in the language of the administration."""
    found = RowReturn.objects.filter(stage=stage, user=user).order_by("leaf_index")
    return {one.leaf_index: return_words(one.reason, one.text) for one in found}
