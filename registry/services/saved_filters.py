"""Filters of the staff list kept under a name, one's own or shared with those who may view a unit."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction
from django.utils.translation import gettext as _

from orgtree import scope
from orgtree.choices import Action
from orgtree.models import OrgUnit, User
from registry.models import SavedFilter
from registry.selectors.filters import filter_read
from workflows.errors import NotAllowed

MOST = 50


class FilterRefused(ValueError):
    """The filter cannot be kept; the text says why and what to do."""


def filter_save(*, actor: User, name: str, query: Mapping[str, str], unit: OrgUnit | None = None) -> SavedFilter:
    """Keep `query` under `name`, in place of the actor's own filter of that name. With `unit` everybody who may view it sees it too.

    Only what the list understands is kept. Raises FilterRefused for an empty name or filter and beyond 50 filters, NotAllowed for
    sharing in a unit whose files the actor does not edit.
    """
    name = " ".join(name.split())[:80]
    wanted, _strange = filter_read(user=actor, data=query)
    if not name:
        raise FilterRefused(_("Give the filter a name."))
    if not wanted.query:
        raise FilterRefused(_("There is nothing to keep: choose at least one criterion first."))
    if unit is not None and not scope.can(actor, Action.EDIT, unit):
        raise NotAllowed
    with transaction.atomic():
        kept, made = SavedFilter.objects.update_or_create(owner=actor, name=name, defaults={"query": wanted.query, "unit": unit})
        if made and SavedFilter.objects.filter(owner=actor).count() > MOST:
            raise FilterRefused(_("You have {most} filters already; remove one first.").format(most=MOST))
    return kept


def filter_remove(*, actor: User, pk: int) -> None:
    """Remove one's own filter. Raises SavedFilter.DoesNotExist for somebody else's."""
    SavedFilter.objects.get(pk=pk, owner=actor).delete()
