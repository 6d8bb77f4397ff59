"""What a field that is chosen, not typed, offers: areas by their old or new name, units in sight, ranks, long code lists. No accents needed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db.models import Case, Exists, IntegerField, OuterRef, Prefetch, Q, QuerySet, Value, When
from django.utils.translation import gettext as _

from orgtree import clock, scope
from orgtree.choices import Action
from orgtree.models import Area, AreaSuccession, OrgUnit, User
from orgtree.selectors.units import unit_paths, unit_search
from orgtree.text import plain
from registry.models import CodeItem, RankCode

SHOWN = 12


@dataclass(frozen=True)
class Choice:
    """One line of what is offered: `value` is kept, `label` is shown in the field, `note` beside it."""

    value: str
    label: str
    note: str = ""


def pick_areas(*, text: str, today: bool) -> list[Choice]:
    """Areas whose name, with those above it, holds every word. `today`: a former one is offered as what became of it."""
    words = plain(text).split()
    if not words:
        return []
    found = list(_areas_named(words)[:SHOWN])
    choices = [_present(area) if today and area.valid_to else Choice(area.key, _area_label(area), _area_note(area)) for area in found]
    return list({one.value: one for one in choices if one.value}.values())


def pick_units(*, user: User, text: str) -> list[Choice]:
    """Units in the user's sight that exist today, the superior ones first: "Ea Knốp" means the commune before its offices."""
    today = unit_search(user=user, text=text).filter(Q(valid_to=None) | Q(valid_to__gt=clock.today()))
    found = list(today.order_by("level", "sort_key", "code")[:SHOWN])
    paths = unit_paths(one.pk for one in found)
    return [Choice(str(one.pk), one.name, f"{one.code} · {paths[one.pk]}") for one in found]


def pick_ranks(*, text: str) -> list[Choice]:
    """Ranks that may be given today, by a piece of the code or of the title."""
    words, day = plain(text).split(), clock.today()
    today = RankCode.objects.filter(Q(valid_from=None) | Q(valid_from__lte=day), Q(valid_to=None) | Q(valid_to__gt=day))
    found = [one for one in today if words and all(word in plain(str(one)) for word in words)]
    found.sort(key=lambda one: (_likeness(one.title, words), one.code))
    return [Choice(one.code, str(one), one.salary_class and _("class {name}").format(name=one.salary_class)) for one in found[:SHOWN]]


def pick_codes(*, code_list: str, text: str) -> list[Choice]:
    """Codes of one list that may be used today; all of a list's first ones for an empty text."""
    words = plain(text).split()
    today = CodeItem.objects.on(clock.today()).filter(list=code_list)
    found = [one for one in today if all(word in plain(f"{one.name} {one.code}") for word in words)]
    found.sort(key=lambda one: _likeness(one.name, words) if words else 0)
    return [Choice(one.code, one.name) for one in found[: SHOWN * 5]]


def _likeness(name: str, words: list[str]) -> int:
    """What was typed whole comes before what only begins so, and that before what merely holds it."""
    said, typed = plain(name), " ".join(words)
    return 0 if said == typed else 1 if said.startswith(typed) else 2


def area_labels(keys: Iterable[str]) -> Mapping[str, str]:
    return {one.key: _area_label(one) for one in Area.objects.filter(key__in=list(keys)).select_related("parent__parent")}


def unit_labels(keys: Iterable[str]) -> Mapping[str, str]:
    return {str(one.pk): one.name for one in OrgUnit.objects.filter(pk__in=list(keys))}


def rank_labels(codes: Iterable[str]) -> Mapping[str, str]:
    return {one.code: str(one) for one in RankCode.objects.filter(code__in=list(codes))}


def unit_may_be_seen(*, user: User, key: str) -> bool:
    return scope.units(user, Action.VIEW).filter(pk=key).exists()


def _areas_named(words: list[str]) -> QuerySet[Area]:
    """Those that begin as the text does first, today's before former ones, communes before what they belong to."""
    named = Q()
    for word in words:
        named &= Q(name_search__contains=word) | Q(parent__name_search__contains=word) | Q(parent__parent__name_search__contains=word)
    of_its_own = Q(name_search__contains=words[0])  # else every commune of a province would answer to the province's name
    rank = Case(When(name_search__endswith=" ".join(words), then=Value(0)), default=Value(1), output_field=IntegerField())
    ended = Case(When(valid_to=None, then=Value(0)), default=Value(1), output_field=IntegerField())
    succession = Prefetch("successions", AreaSuccession.objects.filter(is_default=True).select_related("new__parent"), to_attr="became")
    return (
        Area.objects.filter(named, of_its_own)
        .select_related("parent__parent")
        .prefetch_related(succession)
        .annotate(rank=rank, ended=ended, has_below=Exists(Area.objects.filter(parent=OuterRef("pk"))))
        .order_by("rank", "ended", "has_below", "sort_key", "key")
    )


def _area_label(area: Area) -> str:
    above = area.parent.full_name if area.parent else ""
    top = area.parent.parent.full_name if area.parent and area.parent.parent else ""
    return ", ".join(part for part in (area.full_name, above, top) if part)


def _area_note(area: Area) -> str:
    if area.valid_to is None:
        return str(area.get_kind_display())
    became = next((_area_label(one.new) for one in area.became), "")  # type: ignore[attr-defined]
    until = _("former, until {day}").format(day=f"{area.valid_to:%d/%m/%Y}")
    return f"{until} → {became}" if became else until


def _present(area: Area) -> Choice:
    became = next((one.new for one in area.became), None)  # type: ignore[attr-defined]
    if became is None:
        return Choice("", "")
    return Choice(became.key, _area_label(became), _("formerly {name}").format(name=_area_label(area)))
