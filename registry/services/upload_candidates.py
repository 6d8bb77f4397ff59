"""Which files may be a row's, when no number says it: a bounded look-up by what is most telling first.

A name alone is on thousands of files. So nothing joins names with names: for each row the files are looked up key by key, the rarest first
(staff number, old identity card, name with day of birth, ... , name alone), at most NEAREST by each key, every one an equality or a range
of an index. Whoever scores highest is always among them: by the key that is nearest to them there are NEAREST others that score no less.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.db import connection

SCORES = {"name": 50, "birth_date": 35, "birth_swapped": 20, "birth_year": 10, "unit": 15, "staff_number": 40, "old_card": 60}
SURE, LEAD, POSSIBLE = 85, 20, 40  # sure is who has so much and is so far ahead of the next
MOST_CANDIDATES = 5
JUDGED_BY = {"sure": SURE, "lead": LEAD, "possible": POSSIBLE, "most": MOST_CANDIDATES}
NEAREST = MOST_CANDIDATES + 1  # one more than is shown, to tell that there are more

# Rows that are open: not those whose number may yet be read, but those that surely hold none: an old identity card, or what Excel left of it.
_ASKED = "key is null and (no_number or not 'citizen_id' = any(failed))"
# Of all files of the units only those that any row may mean: a correction of one cell copies a handful.
_HERE = f"""
create temp table person_here as
select id, staff_number, name_search, birth_date, using_unit_id as unit from registry_staffprofile p
where using_unit_id = any(%(units)s) and (
    name_search in (select name_search from checked_row where {_ASKED})
    or staff_number in (select staff_number from checked_row where {_ASKED})
    or id in (select f.staff_id from registry_formernumber f join checked_row c on c.old_card = f.number where {_ASKED} and f.withdrawn is null));
create index on person_here(name_search, birth_date, unit, id);
create index on person_here(name_search, unit, birth_date, id);
create index on person_here(staff_number, id);
create index on person_here(id);
analyze person_here
"""  # noqa: S608 constants
_NAMED = "select h.* from person_here h where h.name_search = c.name_search"
# Whose number of today is unknown here has a new card, or is somebody else: then only what comes near to certainty is worth asking about.
_ALWAYS = (
    "select h.* from person_here h where h.staff_number = c.staff_number order by h.id",
    f"{_NAMED} and h.birth_date = c.birth_date and h.unit = c.unit order by h.id",
    f"{_NAMED} and h.birth_date = c.birth_date order by h.unit, h.id",
    f"{_NAMED} and h.birth_date = c.turned and h.unit = c.unit order by h.id",
)
_UNNUMBERED = (
    f"{_NAMED} and h.birth_date = c.turned order by h.unit, h.id",
    f"{_NAMED} and h.unit = c.unit and h.birth_date between c.year_from and c.year_to order by h.birth_date, h.id",
    f"{_NAMED} and h.birth_date between c.year_from and c.year_to order by h.birth_date, h.unit, h.id",
    f"{_NAMED} and h.unit = c.unit order by h.birth_date, h.id",
    f"{_NAMED} order by h.birth_date, h.unit, h.id",
)
_CARDED = """select h.* from registry_formernumber f join person_here h on h.id = f.staff_id
    where f.number = c.old_card and f.withdrawn is null order by h.id"""


def _looked_up() -> str:
    parts = [f"({one} limit {NEAREST})" for one in (*_ALWAYS, _CARDED)]
    parts += [f"(select * from ({one} limit {NEAREST}) n where not c.numbered)" for one in _UNNUMBERED]  # noqa: S608 constants
    return " union ".join(parts)


CANDIDATES = f"""
create temp table person_candidate as
select c.sheet_row, h.id, c.numbered as sure_only, c.numbered or c.no_number as asks, w.why,
    (select sum((%(points)s::jsonb ->> one)::int) from unnest(w.why) one) as score
from (
    select *, citizen_id is not null as numbered,
        case when extract(day from birth_date) <= 12 then to_date(to_char(birth_date, 'YYYYDDMM'), 'YYYYMMDD') end as turned,
        date_trunc('year', birth_date)::date as year_from, (date_trunc('year', birth_date) + interval '1 year - 1 day')::date as year_to
    from checked_row
    where {_ASKED} and (name_search in (select name_search from person_here) or staff_number in (select staff_number from person_here)
        or old_card is not null)
) c
cross join lateral ({_looked_up()}) h
cross join lateral (select array_remove(array[
    case when h.name_search = c.name_search then 'name' end,
    case when h.birth_date = c.birth_date then 'birth_date' when h.birth_date = c.turned then 'birth_swapped'
         when h.birth_date between c.year_from and c.year_to then 'birth_year' end,
    case when h.unit = c.unit then 'unit' end,
    case when h.staff_number = c.staff_number then 'staff_number' end,
    case when c.old_card is not null and exists (select from registry_formernumber f where f.staff_id = h.id and f.number = c.old_card
        and f.withdrawn is null) then 'old_card' end], null) as why) w
"""  # noqa: S608 constants
# A row that names a number is never decided here, nor one with an old card in the place of the number.
JUDGE = """
with ranked as (
    select sheet_row, id, asks, score, why, row_number() over (partition by sheet_row order by score desc, id) as place,
        lead(score, 1, 0::bigint) over (partition by sheet_row order by score desc, id) as next
    from person_candidate where score >= case when sure_only then %(sure)s else %(possible)s end
), judged as (
    select sheet_row, (array_agg(id order by place))[1] as id, max(score) as score, count(*) > %(most)s as more,
        not bool_or(asks) and max(score) >= %(sure)s and max(score) - max(next) filter (where place = 1) >= %(lead)s as certain,
        bool_or('staff_number' = any(why)) filter (where place = 1) as by_number,
        jsonb_agg(jsonb_build_object('key', id, 'score', score, 'why', to_jsonb(why)) order by place) filter (where place <= %(most)s) as candidates
    from ranked group by sheet_row
)
update checked_row c set candidates = j.candidates, more = j.more, proposed = j.certain,
    key = case when j.certain then j.id end,
    match = case when not j.certain then '' when j.by_number then 'staff_number' else 'score' end,
    state = case when j.certain then c.state else 'undecided' end
from judged j where j.sheet_row = c.sheet_row
"""


def candidates_judge(*, units: Collection[UUID]) -> None:
    """Give the rows of `checked_row` that no number has found the files of `units` that may be theirs, or the one that surely is."""
    with connection.cursor() as cursor:
        cursor.execute("drop table if exists pg_temp.person_here, pg_temp.person_candidate")
        cursor.execute(_HERE, {"units": list(units)})
        candidates_look_up()
        cursor.execute(JUDGE, JUDGED_BY)
        cursor.execute("drop table person_here, person_candidate")


def candidates_look_up(*, before: str = "") -> list[Any]:
    """Fill `person_candidate` from `checked_row` and `person_here`; `before` may be an EXPLAIN, whose answer is returned."""
    with connection.cursor() as cursor:
        # In the order of the index, so that a look-up ends after NEAREST: a bitmap would first gather everybody of the name in the unit.
        cursor.execute("set local enable_bitmapscan = off")
        cursor.execute(before + CANDIDATES, {"points": json.dumps(SCORES)})
        answer = cursor.fetchall() if before else []
        cursor.execute("set local enable_bitmapscan = on")
        return answer
