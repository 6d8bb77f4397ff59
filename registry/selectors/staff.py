"""The staff list: found by name without accents or with a slip, filtered, 100 rows at a time by keyset, by given name.

There is no full count: on a nation's files it costs more than the page itself, so counting stops at 1,000.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_
from typing import Literal
from uuid import UUID

from django.db import connection
from django.db.models import F, Func, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.fields import BooleanField, UUIDField
from django.db.models.functions import Coalesce, NullIf
from django.db.models.lookups import GreaterThan, LessThan
from django.utils.translation import get_language

from orgtree import scope
from orgtree.choices import Action
from orgtree.models import User
from orgtree.text import plain, words
from registry.choices import CodeList
from registry.models import LIVE_ROWS, CodeItem, FormerNumber, Posting, StaffProfile
from registry.selectors.filters import StaffFilter
from registry.selectors.leaving import with_leaving
from registry.selectors.words import NameAsked, Reading, name_asked

__all__ = [
    "Direction",
    "StaffFilter",
    "StaffPage",
    "citizen_number",
    "staff_by_number",
    "staff_by_old_card",
    "staff_list",
    "staff_number_known",
    "staff_page",
]

PAGE = 100
COUNT_LIMIT = 1_000
SUGGESTIONS = 12
SUGGESTED_FROM = 4_000  # files looked at to find resembling names: of a nation's files enough, and a bound
# Lists whose rows stand on decisions that every reader may see: disciplines are not among them.
DECIDED = ("postings", "salary_history", "allowances", "secondments", "annual_results")
# What a line of the list shows, or is placed by.
SHOWN = ("birth_name", "birth_date", "citizen_id", "personnel_type", "name_search", "name_sort", "using_unit")
Direction = Literal["after", "before"]


@dataclass(frozen=True)
class Suggestion:
    """A name in the reader's scope that resembles what was typed; `count` people bear it among those looked at."""

    name: str
    count: int


@dataclass(frozen=True)
class StaffPage:
    """Up to 100 files in the order of Vietnamese lists. `next` and `previous` are cursors, "" where there is nothing more.

    `is_near` says that nobody is called what was typed and these names resemble it; `suggestions` are other names, where some are.
    """

    rows: Sequence[StaffProfile]
    next: str
    previous: str
    count: int
    count_is_exact: bool
    is_near: bool = False
    suggestions: Sequence[Suggestion] = ()


def staff_list(*, user: User, wanted: StaffFilter) -> QuerySet[StaffProfile]:
    """The files in the user's scope that answer to the filter, unordered.

    A personal identification number is not looked for here, whole or in part: see `staff_by_number`.
    """
    return _texted(_scoped(user, wanted), wanted, _asked(wanted))


def staff_page(*, user: User, wanted: StaffFilter, cursor: str = "", direction: Direction = "after") -> StaffPage:
    """One page next to `cursor`; a cursor that nobody issued is taken for the beginning."""
    asked, files = _asked(wanted), _scoped(user, wanted)
    page = _page(_texted(files, wanted, asked), cursor, direction)
    if page.rows or cursor or not asked.near or wanted.near:
        return replace(page, is_near=wanted.near, suggestions=_suggestions(files, asked) if page.rows and not cursor and not wanted.near else ())
    return replace(_page(_texted(files, replace(wanted, near=True), asked), "", "after"), is_near=True)


def citizen_number(text: str) -> str | None:
    """The personal identification number that `text` is: 12 digits, however they are grouped. None for anything else."""
    digits = "".join(text.split()).replace(".", "")
    return digits if len(digits) == 12 and digits.isascii() and digits.isdigit() else None


def staff_by_old_card(*, user: User, number: str) -> Sequence[StaffProfile]:
    """The files of who had this number on an old identity card, by name, under the same right: some provinces gave one number twice."""
    holding = FormerNumber.objects.filter(number=number, withdrawn=None).values("staff")
    return list(_in_the_clear(user).filter(pk__in=holding).select_related("using_unit").order_by("name_sort", "id")[:PAGE])


def staff_by_number(*, user: User, number: str) -> StaffProfile | None:
    """The file with this whole personal identification number, where `user` may see such numbers in the clear.

    That is where one may propose changes or decide on them. Anybody else learns nothing, not even that the number is on file: from
    "found" and "not found" one could otherwise work out a number of which the page shows three digits.
    """
    return _in_the_clear(user).filter(citizen_id=number).first()


def staff_number_known(*, user: User, number: str) -> bool:
    """Whether it is somebody's staff number among the files that `user` may see."""
    return scope.scoped(StaffProfile.objects.filter(staff_number=number), user, Action.VIEW, "using_unit").exists()


def _in_the_clear(user: User) -> QuerySet[StaffProfile]:
    """The files of which the user may see class-A values."""
    files = StaffProfile.objects.all()
    return scope.scoped(files, user, Action.EDIT, "using_unit") | scope.scoped(files, user, Action.APPROVE, "using_unit")


def _scoped(user: User, wanted: StaffFilter) -> QuerySet[StaffProfile]:
    return wanted.narrow(scope.scoped(StaffProfile.objects.all(), user, Action.VIEW, "using_unit"))


def _asked(wanted: StaffFilter) -> NameAsked:
    """The text as a name; nothing of it where it holds a digit, which no name does."""
    found = words(wanted.text)
    return NameAsked([], []) if any(ch.isdigit() for ch in wanted.text) else name_asked(found)


def _texted(files: QuerySet[StaffProfile], wanted: StaffFilter, asked: NameAsked) -> QuerySet[StaffProfile]:
    if not wanted.text:
        return files
    readings = asked.near if wanted.near else asked.exact
    if readings:
        return files.filter(_any(readings))
    if any(ch.isdigit() for ch in wanted.text) and not wanted.near:
        return files.filter(_numbered(wanted.text))
    return files.none()


def _any(readings: Sequence[Reading]) -> Q:
    return reduce(or_, (one.condition for one in readings))


def _numbered(text: str) -> Q:
    """Files with this whole staff number, or with a row that stands on the decision of this number."""
    number = plain(text)
    staff = StaffProfile.objects.filter(staff_number__in={text, text.upper()}).values("pk")
    decided = [LIVE_ROWS[rows]._default_manager.filter(decision_number__plain=number).values("staff") for rows in DECIDED]
    return Q(pk__in=reduce(lambda one, other: one.union(other, all=True), decided, staff))


# Of the files looked at, how often each name stands in them and its commonest way of writing, among those that differ in accents only.
COMMONEST = """
select mode() within group (order by birth_name), count(*) from ({files}) looked_at
group by name_search order by count(*) desc, name_search limit %s
"""


def _suggestions(files: QuerySet[StaffProfile], asked: NameAsked) -> list[Suggestion]:
    """The commonest names of the scope that are one slip away from what was typed."""
    if not asked.near:
        return []
    # The names are read where they are found: asked for by key, every file would be looked up a second time.
    some = files.filter(_any(asked.near)).order_by()[:SUGGESTED_FROM].values_list("birth_name", "name_search")
    statement, params = some.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(COMMONEST.format(files=statement), [*params, SUGGESTIONS])
        return [Suggestion(name, count) for name, count in cursor.fetchall()]


def _page(files: QuerySet[StaffProfile], cursor: str, direction: Direction) -> StaffPage:
    place = _place(cursor)
    back = place is not None and direction == "before"
    found = list(_beside(files, place, back)[: PAGE + 1])
    rows = found[:PAGE][::-1] if back else found[:PAGE]
    more = len(found) > PAGE
    has_next, has_previous = (True, more) if back else (more, place is not None)
    count = _count(files) if more or place is not None else len(found)
    return StaffPage(
        rows=rows,
        next=_cursor(rows[-1]) if rows and has_next else "",
        previous=_cursor(rows[0]) if rows and has_previous else "",
        count=min(count, COUNT_LIMIT),
        count_is_exact=count <= COUNT_LIMIT,
    )


def _beside(files: QuerySet[StaffProfile], place: tuple[str, UUID] | None, back: bool) -> QuerySet[StaffProfile]:
    """The rows next to a place with the columns that a list shows, their unit, `post`, the title of the present post, or how and since
    when they have left, and `type_name`. Whole files would be sorted with all they hold.
    """
    post = Posting.objects.filter(staff=OuterRef("pk"), valid_to=None).values("title")[:1]
    shown = files.select_related("using_unit").only(*SHOWN).annotate(post=Subquery(post), type_name=_type_name())
    ordered = with_leaving(shown).order_by(*(("-name_sort", "-id") if back else ("name_sort", "id")))
    if place is None:
        return ordered
    here, there = _Row(F("name_sort"), F("id")), _Row(Value(place[0]), Value(place[1], output_field=UUIDField()))
    return ordered.filter(LessThan(here, there) if back else GreaterThan(here, there))


def _type_name() -> Subquery:
    """The name of the type of personnel in the reader's language, as `CodeItem.name`."""
    code = CodeItem.objects.filter(list=CodeList.PERSONNEL_TYPE, code=OuterRef("personnel_type")).order_by()
    in_vietnamese = (get_language() or "vi").startswith("vi")
    return Subquery(code.values(shown=F("name_vi") if in_vietnamese else Coalesce(NullIf("name_en", Value("")), "name_vi"))[:1])


class _Row(Func):
    """A row constructor, compared as a whole: PostgreSQL then walks the index (name_sort, id) from that very place."""

    function = "row"
    output_field = BooleanField()  # compared only, never read


def _count(files: QuerySet[StaffProfile]) -> int:
    """How many there are, counting no further than one beyond the limit."""
    return files.order_by().values("pk")[: COUNT_LIMIT + 1].count()


def _cursor(row: StaffProfile) -> str:
    return base64.urlsafe_b64encode(json.dumps([row.name_sort, str(row.pk)]).encode()).decode().rstrip("=")


def _place(cursor: str) -> tuple[str, UUID] | None:
    try:
        name, key = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return str(name), UUID(key)
    except (ValueError, TypeError, AttributeError, binascii.Error):
        return None
