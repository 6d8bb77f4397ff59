"""At an agency: the bell rings for a new version of a code list of the hub's, once, and falls silent when it is in force here.

Told is whoever may take a list over; of a list of which nothing is open nobody is told.
"""

from __future__ import annotations

from collections.abc import Collection

from exchange.models import CatalogueRead, CatalogueSource
from exchange.selectors.catalogues import OPEN, CodeState, standings
from orgtree import clock, scope
from orgtree.choices import Action
from orgtree.models import OrgUnit, User
from registry.selectors.catalogues import catalogue_title
from workflows.choices import NoticeKind
from workflows.models import Notice
from workflows.services.noticing import notices_read, tell
from workflows.services.telling import Telling

SILENCE_TASK = "exchange.catalogues_in_force"
UNSETTLED = (*OPEN, CodeState.WAITING)


def catalogues_ring(source: CatalogueSource) -> int:
    """Tell of every list that was read in a version that changes something here; returns how many notices are new."""
    open_lists = {one.published.catalogue for one in standings(source) if one.state in OPEN}
    if not open_lists:
        return 0
    to = _takers()
    return tell(
        Telling(NoticeKind.CATALOGUE, _key(source, one), to, detail={"list": one.name, "title": catalogue_title(one.name)})
        for one in CatalogueRead.objects.filter(source=source, name__in=open_lists, version__gt=0).order_by("name")
    )


def catalogues_silence() -> int:
    """What is in force here, or different by decision, needs nobody any more; nor does an older version. Returns how many notices were read."""
    waiting = list(Notice.objects.filter(kind=NoticeKind.CATALOGUE, read_at=None).select_related("user"))
    if not waiting:
        return 0
    ringing: set[str] = set()
    for source in CatalogueSource.objects.filter(channel__active=True):
        unsettled = {one.published.catalogue for one in standings(source) if one.state in UNSETTLED}
        ringing |= {_key(source, one) for one in CatalogueRead.objects.filter(source=source, name__in=unsettled)}
    silent = [one for one in waiting if one.key not in ringing]
    for user in {one.user for one in silent}:
        notices_read(user=user, notice_ids=[one.pk for one in silent if one.user_id == user.pk])
    return len(silent)


def _key(source: CatalogueSource, read: CatalogueRead) -> str:
    return f"catalogue:{source.pk}:{read.name}:{read.version}"


def _takers() -> Collection[int]:
    """Who may propose codes: whoever edits in every authority kept here; superusers where nobody does."""
    roots = list(OrgUnit.objects.on(clock.today()).filter(parent=None))
    held = [{one.pk for one in people} for people in scope.holders_together(Action.EDIT, roots).values()]
    everywhere = set.intersection(*held) if held else set()
    return sorted(everywhere or User.objects.filter(is_superuser=True, is_active=True).values_list("pk", flat=True))
