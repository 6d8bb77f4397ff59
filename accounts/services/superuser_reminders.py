"""A superuser's term that ends soon is told to its holder and to those who can renew it, so early that two people still find the time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from accounts.services.superusers import terms_now
from orgtree import clock
from orgtree.models import User
from workflows.choices import NoticeKind
from workflows.services.noticing import tell
from workflows.services.telling import Telling

DAYS_BEFORE = (30, 7, 2)


def superusers_remind() -> int:
    """Tell of each term that ends within 30 days, and again within 7 and within 2, once each; returns how many notices were written.

    A term behind which another one lies already is not told of, nor one that an emergency made: all heard of that when it began.
    """
    return tell(_ending())


def _ending() -> Iterator[Telling]:
    today = clock.today()
    last = {}
    for term in terms_now().filter(valid_to__isnull=False, user__is_active=True, user__is_superuser=True).select_related("user").order_by("valid_to"):
        last[term.user_id] = term
    ending = [term for term in last.values() if term.valid_to is not None and term.valid_to <= today + timedelta(days=max(DAYS_BEFORE))]
    if not ending:
        return
    everybody = list(User.objects.filter(is_superuser=True, is_active=True).values_list("pk", flat=True))
    for term in ending:
        assert term.valid_to is not None
        left = (term.valid_to - today).days
        step = min(days for days in DAYS_BEFORE if left <= days)
        detail = {"who": term.user.username, "to": term.valid_to.isoformat()}
        yield Telling(NoticeKind.SUPERUSER_ENDS, f"superuser_ends:{term.pk}:{step}", everybody, detail=detail)
