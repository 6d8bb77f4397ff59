"""What the staff list is filtered by: one line a criterion, from which the form, the address, the chips and the query are made.

A criterion never asks for a class-A value: by asking again and again, one could learn digit by digit what the page masks.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import reduce
from typing import Any, Literal
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from orgtree import clock, scope
from orgtree.choices import Action
from orgtree.models import Area, OrgUnit, User
from orgtree.text import plain, sort_key
from registry.choices import CodeList
from registry.models import CodeItem, RankCode, SavedFilter, StaffProfile
from registry.selectors.derived import DEGREE_ORDER, add_months
from registry.selectors.due import has_row, retires, step_due
from registry.selectors.leaving import in_service, left_service, passed_on

Kind = Literal["code", "choice", "text", "number"]
GONE = "gone"  # without this criterion those who passed to another agency are left out
MINORITY = "minority"  # of the ethnicities: all but Kinh
KINH = "01"
MOST_YEARS = 120
# Lists of rows that hold certificates: prefix in the address, code list of the level.
CERTIFICATES: Mapping[str, tuple[str, str, str]] = {
    "political_training": ("level", CodeList.POLITICAL_THEORY, "pt"),
    "state_mgmt_training": ("level", CodeList.STATE_MANAGEMENT, "sm"),
    "it_certs": ("level", CodeList.IT_LEVEL, "it"),
    "language_certs": ("language", CodeList.LANGUAGE, "fl"),
    "defence_training": ("level", CodeList.DEFENCE_TARGET, "df"),
}
AREA_COLUMNS = {"home": "home_town_area", "address": "current_address_area", "work": "using_unit__area_id"}
AREA_WORDS = {"home": _("Home town"), "address": _("Current address"), "work": _("Place of work")}


class Unusable(ValueError):
    """The value of a criterion cannot be read."""


@dataclass(frozen=True, kw_only=True)
class Criterion:
    """One thing to filter by. `narrow` applies a value to the files; it raises Unusable for a value that means nothing."""

    name: str
    label: str | Promise
    kind: Kind
    narrow: Callable[[QuerySet[Any], str], QuerySet[Any]]
    lists: tuple[str, ...] = ()
    choices: tuple[tuple[str, str | Promise], ...] = ()


@dataclass(frozen=True, kw_only=True)
class StaffFilter:
    """What is asked for. `text` is part of a name, a whole staff number or the number of a decision; `unit` covers its subtree.

    `near` asks for names that resemble `text` instead. `values` holds the criteria by name.
    """

    text: str = ""
    near: bool = False
    unit: OrgUnit | None = None
    area: Area | None = None
    area_of: str = "home"
    values: Mapping[str, str] = field(default_factory=dict)

    @property
    def query(self) -> dict[str, str]:
        """What stands in the address of the list, and in a saved filter."""
        pairs = {"q": self.text, "near": "1" if self.near and self.text else "", "unit": str(self.unit.pk) if self.unit else ""}
        if self.area:
            pairs |= {"area": self.area.pk, "area_of": self.area_of}
        return {name: value for name, value in {**pairs, **self.values}.items() if value}

    def narrow(self, files: QuerySet[Any]) -> QuerySet[Any]:
        """The files that answer to all but the text."""
        if self.unit is not None:
            files = files.filter(using_unit__tree_id=self.unit.tree_id, using_unit__lft__range=(self.unit.lft, self.unit.rght))
        if self.area is not None:
            files = files.filter(**{f"{AREA_COLUMNS[self.area_of]}__in": area_keys(self.area.pk)})
        if GONE not in self.values:
            files = files.exclude(passed_on())
        return reduce(lambda found, item: BY_CRITERION[item[0]].narrow(found, item[1]), self.values.items(), files)


@dataclass(frozen=True)
class Chip:
    """One part of a filter in words, and the query that is left when it is taken away."""

    label: str
    text: str
    without: dict[str, str]


def _served(files: QuerySet[Any], value: str) -> QuerySet[Any]:
    match value:
        case "yes":
            return files.filter(passed_on())
        case "left":
            return files.filter(left_service()).exclude(passed_on())
        case "here":
            return in_service(files)
    raise Unusable(value)


def _equals(column: str) -> Callable[[QuerySet[Any], str], QuerySet[Any]]:
    return lambda files, value: files.filter(**{column: value})


def _ethnicity(files: QuerySet[Any], value: str) -> QuerySet[Any]:
    return files.exclude(ethnicity=KINH) if value == MINORITY else files.filter(ethnicity=value)


def _party(files: QuerySet[Any], value: str) -> QuerySet[Any]:
    return files.filter(party_join_date__isnull=value != "yes")


def _degree(files: QuerySet[Any], value: str) -> QuerySet[Any]:
    """People whose highest degree this is."""
    higher = DEGREE_ORDER[: DEGREE_ORDER.index(value)] if value in DEGREE_ORDER else ()
    return files.filter(has_row("degrees", degree=value), ~has_row("degrees", degree__in=higher))


def _contains(rows: str, column: str, **more: Any) -> Callable[[QuerySet[Any], str], QuerySet[Any]]:
    def narrow(files: QuerySet[Any], value: str) -> QuerySet[Any]:
        return files.filter(has_row(rows, **{f"{column}__plain__contains": plain(value)}, **more))

    return narrow


def _certificate(files: QuerySet[Any], value: str) -> QuerySet[Any]:
    prefix, _colon, code = value.partition(":")
    for rows, (column, _list, name) in CERTIFICATES.items():
        if name == prefix and code:
            return files.filter(has_row(rows, **{column: code}))
    raise Unusable(value)


def _number(value: str, most: int) -> int:
    if not value.isdecimal() or not value.isascii() or len(value) > 3 or int(value) > most:
        raise Unusable(value)
    return int(value)


def _age_from(files: QuerySet[Any], value: str) -> QuerySet[Any]:
    return files.filter(birth_date__lte=add_months(clock.today(), -12 * _number(value, MOST_YEARS)))


def _age_to(files: QuerySet[Any], value: str) -> QuerySet[Any]:
    return files.filter(birth_date__gt=add_months(clock.today(), -12 * (_number(value, MOST_YEARS) + 1)))


def _due(months: str) -> date:
    return add_months(clock.today(), _number(months, MOST_YEARS))


def _months(*numbers: int) -> tuple[tuple[str, str | Promise], ...]:
    return tuple((str(one), format_lazy(ngettext_lazy("within {count} month", "within {count} months", one), count=one)) for one in numbers)


CRITERIA: tuple[Criterion, ...] = (
    Criterion(name="type", label=_("Type of personnel"), kind="code", lists=(CodeList.PERSONNEL_TYPE,), narrow=_equals("personnel_type")),
    Criterion(name="post", label=_("Post"), kind="text", narrow=_contains("postings", "title", valid_to=None)),
    Criterion(name="rank", label=_("Rank"), kind="code", lists=("rank",), narrow=_equals("rank_code")),
    Criterion(
        name="step_due",
        label=_("Salary step due"),
        kind="choice",
        choices=(("0", _("overdue or due today")), *_months(1, 3, 6, 12)),
        narrow=lambda files, value: step_due(files, by=_due(value)),
    ),
    Criterion(
        name="retires",
        label=_("Retires"),
        kind="choice",
        choices=_months(3, 6, 12, 24),
        narrow=lambda files, value: files.filter(retires(by=_due(value))),
    ),
    Criterion(name="age_from", label=_("Age from"), kind="number", narrow=_age_from),
    Criterion(name="age_to", label=_("Age to"), kind="number", narrow=_age_to),
    Criterion(name="gender", label=_("Gender"), kind="code", lists=(CodeList.GENDER,), narrow=_equals("gender")),
    Criterion(
        name="ethnicity",
        label=_("Ethnicity"),
        kind="code",
        lists=(CodeList.ETHNICITY,),
        choices=((MINORITY, _("Ethnic minorities")),),
        narrow=_ethnicity,
    ),
    Criterion(name="party", label=_("Party member"), kind="choice", choices=(("yes", _("Yes")), ("no", _("No"))), narrow=_party),
    Criterion(name="degree", label=_("Highest degree"), kind="code", lists=(CodeList.DEGREE,), narrow=_degree),
    Criterion(name="major", label=_("Field of study"), kind="text", narrow=_contains("degrees", "major")),
    Criterion(
        name="certificate",
        label=_("Certificate"),
        kind="code",
        lists=tuple(code_list for _column, code_list, _prefix in CERTIFICATES.values()),
        narrow=_certificate,
    ),
    Criterion(
        name=GONE,
        label=_("Service status"),
        kind="choice",
        choices=(("here", _("in service")), ("left", _("has left the service")), ("yes", _("has passed to another agency"))),
        narrow=_served,
    ),
)
BY_CRITERION: Mapping[str, Criterion] = {one.name: one for one in CRITERIA}
_PREFIXES = {code_list: prefix for _column, code_list, prefix in CERTIFICATES.values()}


@dataclass(frozen=True)
class Option:
    value: str
    text: str
    group: str = ""


def options(names: Collection[str] = tuple(BY_CRITERION)) -> dict[str, list[Option]]:
    """By criterion, of those named, what can be chosen. Two queries at most: the code lists, and the ranks."""
    asked = [one for one in CRITERIA if one.name in names and one.kind in ("code", "choice")]
    lists = {name for one in asked for name in one.lists}
    by_list: dict[str, list[Option]] = {name: [] for name in lists}
    for item in CodeItem.objects.filter(list__in=lists - {"rank"}).order_by("list", "sort", "code"):  # asks nothing for no list
        prefix = _PREFIXES.get(item.list)
        group = str(CodeList(item.list).label) if prefix else ""
        by_list[item.list].append(Option(f"{prefix}:{item.code}" if prefix else item.code, item.name, group))
    if "rank" in lists:
        by_list["rank"] = [Option(rank.code, str(rank)) for rank in RankCode.objects.order_by("code")]
    return {
        one.name: [*(Option(value, str(text)) for value, text in one.choices), *(option for name in one.lists for option in by_list[name])]
        for one in asked
    }


def filter_read(*, user: User, data: Mapping[str, str]) -> tuple[StaffFilter, list[str]]:
    """The filter that an address or a saved filter says, and the labels of what in it could not be read.

    A unit that the user may not view is as unreadable as one that does not exist.
    """
    strange: list[str] = []
    values: dict[str, str] = {}
    for one in CRITERIA:
        value = data.get(one.name, "").strip()[:200]
        if not value:
            continue
        try:
            one.narrow(StaffProfile.objects.all(), value)
            values[one.name] = value
        except Unusable:
            strange.append(str(one.label))
    unit = _unit(user, data.get("unit", ""))
    area = Area.objects.select_related("parent__parent").filter(pk=data["area"]).first() if data.get("area") else None
    if data.get("unit") and unit is None:
        strange.append(str(_("Unit")))
    if data.get("area") and area is None:
        strange.append(str(_("Area")))
    area_of = data.get("area_of", "")
    wanted = StaffFilter(
        text=data.get("q", "").replace("\x00", "").strip()[:200],
        near=data.get("near") == "1",
        unit=unit,
        area=area,
        area_of=area_of if area_of in AREA_COLUMNS else "home",
        values=values,
    )
    return wanted, strange


def chips(wanted: StaffFilter, known: Mapping[str, Sequence[Option]]) -> Iterator[Chip]:
    """The filter in words, part by part."""
    query = wanted.query

    def without(*names: str) -> dict[str, str]:
        return {name: value for name, value in query.items() if name not in names}

    if wanted.text:
        yield Chip(str(_("Looking for")), f"“{wanted.text}”", without("q", "near"))
    if wanted.unit is not None:
        yield Chip(str(_("Unit")), wanted.unit.name, without("unit"))
    if wanted.area is not None:
        yield Chip(str(AREA_WORDS[wanted.area_of]), area_path(wanted.area), without("area", "area_of"))
    for name, value in wanted.values.items():
        text = next((option.text for option in known.get(name, ()) if option.value == value), value)
        yield Chip(str(BY_CRITERION[name].label), text, without(name))


def area_path(area: Area) -> str:
    """The area with those it belongs to: "Phường 1, Quận 3, Thành phố Hồ Chí Minh". Asks for parents that were not fetched with it."""
    names = [area.full_name]
    above = area.parent
    while above is not None:
        names.append(above.full_name)
        above = above.parent
    return ", ".join(names)


def area_keys(key: str) -> list[str]:
    """The area, all below it, and the former areas that went into one of these: old facts keep old keys. One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            with recursive here(key) as (
                select %s::varchar union select a.key from orgtree_area a join here h on a.parent_id = h.key
            )
            select key from here union select s.old_id from orgtree_areasuccession s join here h on s.new_id = h.key where s.is_default
            """,
            [key],
        )
        return [found for (found,) in cursor.fetchall()]


def _unit(user: User, text: str) -> OrgUnit | None:
    try:
        return scope.units(user, Action.VIEW).get(pk=UUID(text)) if text else None
    except (ValueError, OrgUnit.DoesNotExist):
        return None


def saved_filters(*, user: User) -> list[SavedFilter]:
    """The user's own filters, and those shared within units that the user may view, by name."""
    shared = scope.scoped(SavedFilter.objects.all(), user, Action.VIEW, "unit")
    found = SavedFilter.objects.filter(owner=user).select_related("owner", "unit") | shared.select_related("owner", "unit")
    return sorted(found.distinct(), key=lambda one: (one.owner_id != user.pk, sort_key(one.name)))
