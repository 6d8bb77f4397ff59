"""Whose row it is, set-wise over `checked_row`: by citizen number, by old identity card, by staff number in the unit, by score; a doubt is
left to a person.

The score adds up what agrees (see SCORES). A file is taken for the row's only when nothing contradicts it and no other comes near;
a row that names a citizen number which is on no file, though name and date of birth are, is never decided here: somebody may have a
new card, or be another person of the same name.
"""

from __future__ import annotations

from typing import Any

from django.db import connection

from orgtree import scope
from orgtree.choices import Action
from registry.choices import Match, RowState
from registry.fields import FORMER_NUMBER
from registry.models import Upload
from registry.selectors.upload_people import upload_units
from registry.services.upload_findings import Findings
from registry.services.upload_old_cards import names_old_cards

SCORES = {"name": 50, "birth_date": 35, "birth_swapped": 20, "birth_year": 10, "unit": 15, "staff_number": 40, "old_card": 60}
SURE, LEAD, POSSIBLE = 85, 20, 40  # sure is who has so much and is so far ahead of the next
MOST_CANDIDATES = 5
_SHOWN_ROWS = 20

_HERE = """
create temp table person_here as
select id, citizen_id, staff_number, name_search, birth_date, using_unit_id as unit, version from registry_staffprofile
where using_unit_id = any(%s)
"""
_BY_NUMBER = """
update checked_row c set key = p.id, match = %s from registry_staffprofile p where c.chosen is null and p.citizen_id = c.citizen_id
"""
_BY_CHOICE = "update checked_row set key = chosen, match = %s where chosen is not null"
# Nothing but the old number is asked, unless the row names today's: then the person has a new card, or is another one, which nobody guesses.
_BY_OLD_CARD = """
update checked_row c set key = f.staff_id, match = %(match)s from registry_formernumber f join registry_staffprofile p on p.id = f.staff_id
where c.key is null and c.citizen_id is null and not 'citizen_id' = any(c.failed) and f.withdrawn is null
    and f.number = c."values"::json ->> %(field)s and (c.name_search is null or p.name_search = c.name_search or p.birth_date = c.birth_date)
    and not exists (select from registry_formernumber o where o.number = f.number and o.staff_id <> f.staff_id and o.withdrawn is null)
"""
_CANDIDATES = """
{into}
select sheet_row, id, numbered, (select sum(s.points) from unnest(why) w(name) join unnest(%(names)s::text[], %(points)s::int[]) s(name, points)
    using (name)) as score, why from (
    select c.sheet_row, h.id, c.citizen_id is not null as numbered, array_remove(array[
        case when h.name_search = c.name_search then 'name' end,
        case when h.birth_date = c.birth_date then 'birth_date'
             when to_char(h.birth_date, 'YYYYDDMM') = to_char(c.birth_date, 'YYYYMMDD') then 'birth_swapped'
             when extract(year from h.birth_date) = extract(year from c.birth_date) then 'birth_year' end,
        case when h.unit = c.unit then 'unit' end,
        case when h.staff_number = c.staff_number then 'staff_number' end,
        case when {by_card} then 'old_card' end], null) as why
    from checked_row c {joined}
    where c.key is null and not 'citizen_id' = any(c.failed)
) compared
"""
_BY_NAMES = _CANDIDATES.format(
    into="create temp table person_candidate as",
    joined="join person_here h on h.name_search = c.name_search or h.staff_number = c.staff_number",
    by_card="false",
)
# Who had the row's old card, beside those of the same name; who is there already counts by the more that agrees.
_BY_CARDS = (
    _CANDIDATES.format(
        into="insert into person_candidate",
        joined="""join registry_formernumber f on f.number = c."values"::json ->> %(field)s and f.withdrawn is null
        join person_here h on h.id = f.staff_id""",
        by_card="true",
    )
    + """;
delete from person_candidate a using person_candidate b where a.sheet_row = b.sheet_row and a.id = b.id and a.score < b.score"""
)
_JUDGE = """
with ranked as (
    select sheet_row, id, numbered, score, why, row_number() over (partition by sheet_row order by score desc, id) as place,
        lead(score, 1, 0::bigint) over (partition by sheet_row order by score desc, id) as next
    from person_candidate where score >= case when numbered then %(sure)s else %(possible)s end
), judged as (
    select sheet_row, (array_agg(id order by place))[1] as id, bool_or(numbered) as numbered, max(score) as score,
        max(next) filter (where place = 1) as next, bool_or('staff_number' = any(why)) filter (where place = 1) as by_number,
        jsonb_agg(jsonb_build_object('key', id, 'score', score, 'why', to_jsonb(why)) order by place) filter (where place <= %(most)s) as candidates
    from ranked group by sheet_row
)
update checked_row c set candidates = j.candidates,
    key = case when not j.numbered and j.score >= %(sure)s and j.score - j.next >= %(lead)s then j.id end,
    match = case when not j.numbered and j.score >= %(sure)s and j.score - j.next >= %(lead)s
        then case when j.by_number then 'staff_number' else 'score' end else '' end,
    state = case when not j.numbered and j.score >= %(sure)s and j.score - j.next >= %(lead)s then c.state else 'undecided' end,
    proposed = not j.numbered and j.score >= %(sure)s and j.score - j.next >= %(lead)s
from judged j where j.sheet_row = c.sheet_row
"""
_TWICE = """
select sheet_row, same from (
    select sheet_row, here, count(*) over w as times, array_agg(sheet_row) over w as same from (
        select sheet_row, true as here, coalesce(key::text, citizen_id) as who from checked_row
        union all select r.sheet_row, false, coalesce(p.id::text, r."values" ->> 'citizen_id') from registry_uploadrow r
        left join registry_staffprofile p on p.citizen_id = r."values" ->> 'citizen_id'
        where r.upload_id = %(upload)s and r.state not in ('left_out', 'submitted') and not exists (
            select from checked_row c where c.sheet_row = r.sheet_row)
    ) everybody where who is not null window w as (partition by who)
) counted where here and times > 1 order by sheet_row
"""


_YEARS_AGREE = """
with agreed as (
    delete from registry_uploadfinding f using checked_row c, registry_staffprofile p
    where f.upload_id = %(upload)s and f.sheet_row = c.sheet_row and f.field = 'birth_date' and f.code = 'DATE_YEAR_ONLY'
        and p.id = c.key and extract(year from p.birth_date)::text = f.value returning c.sheet_row
)
update checked_row c set failed = array_remove(c.failed, 'birth_date') from agreed a where a.sheet_row = c.sheet_row
"""


def people_match(*, upload: Upload, findings: Findings) -> None:
    """Give every row of `checked_row` its file, or its candidates and the question who it is. Notes rows of one person and strangers' files."""
    has_cards = names_old_cards(upload)
    with connection.cursor() as cursor:
        cursor.execute("drop table if exists pg_temp.person_here, pg_temp.person_candidate")
        cursor.execute(_BY_NUMBER, [Match.CITIZEN_ID])
        cursor.execute(_BY_CHOICE, [Match.CHOSEN])
        if has_cards:
            cursor.execute(_BY_OLD_CARD, {"match": Match.OLD_CARD, "field": FORMER_NUMBER})
        cursor.execute(_HERE, [list(upload_units(upload))])
        cursor.execute("create index on person_here(name_search); create index on person_here(staff_number); analyze person_here")
        points: dict[str, Any] = {"names": list(SCORES), "points": list(SCORES.values()), "field": FORMER_NUMBER}
        cursor.execute(_BY_NAMES, points)
        if has_cards:
            cursor.execute(_BY_CARDS, points)
        cursor.execute(_JUDGE, {"sure": SURE, "lead": LEAD, "possible": POSSIBLE, "most": MOST_CANDIDATES})
        cursor.execute("drop table person_here, person_candidate")
        cursor.execute("select sheet_row, jsonb_array_length(candidates) from checked_row where state = %s order by sheet_row", [RowState.UNDECIDED])
        for row, times in cursor.fetchall():
            findings.add(row, "WHO_IS_IT", value=str(times))
        cursor.execute(_TWICE, {"upload": upload.pk})
        twice = cursor.fetchall()
        for row, same in twice:
            findings.add(row, "ROW_TWICE", "citizen_id", value=", ".join(str(one) for one in sorted(same)[:_SHOWN_ROWS]))
        cursor.execute("update checked_row set failed = failed || array['citizen_id'] where sheet_row = any(%s)", [[row for row, _same in twice]])
    _strangers_note(upload, findings)
    _years_agree(upload, findings)


def _years_agree(upload: Upload, findings: Findings) -> None:
    """A year alone says nothing new of somebody whose file has a day in that year: the cell is passed over, as an empty one is."""
    findings.write()
    with connection.cursor() as cursor:
        cursor.execute(_YEARS_AGREE, {"upload": upload.pk})


def _strangers_note(upload: Upload, findings: Findings) -> None:
    """A file in a unit where the sender may not edit: nothing more is said of it, not even what would be wrong with the row."""
    with connection.cursor() as cursor:
        cursor.execute("select distinct p.using_unit_id from checked_row c join registry_staffprofile p on p.id = c.key")
        outside = scope.outside(upload.uploader, Action.EDIT, {unit for (unit,) in cursor.fetchall()})
        cursor.execute(
            "update checked_row c set proposed = false, key = null, state = %s from registry_staffprofile p "
            "where p.id = c.key and p.using_unit_id = any(%s) returning c.sheet_row, c.citizen_id",
            [RowState.RETURNED, list(outside)],
        )
        for row, number in sorted(cursor.fetchall()):
            findings.add(row, "PERSON_ELSEWHERE", "citizen_id", value=number or "")
