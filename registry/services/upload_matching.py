"""Whose row it is, set-wise over `checked_row`: by citizen number, by old identity card, by staff number in the unit, by score; a doubt is
left to a person.

The score adds up what agrees (`upload_candidates`). A file is taken for the row's only when nothing contradicts it and no other comes near;
a row that names a citizen number which is on no file, though name and date of birth are, is never decided here: somebody may have a
new card, or be another person of the same name. Nor is a row that holds the number of an old identity card in the place of
today's, or what Excel left of it (6,61E+10).
"""

from __future__ import annotations

from django.db import connection

from orgtree import scope
from orgtree.choices import Action
from registry.choices import Match, RowState
from registry.models import Upload
from registry.selectors.upload_people import upload_units
from registry.services.upload_candidates import candidates_judge
from registry.services.upload_cleaning import NO_NUMBER
from registry.services.upload_findings import Findings
from registry.services.upload_years import years_agree, years_set_aside

_SHOWN_ROWS = 20

_BY_NUMBER = """
update checked_row c set key = p.id, match = %s from registry_staffprofile p where c.chosen is null and p.citizen_id = c.citizen_id
"""
_BY_CHOICE = "update checked_row set key = chosen, match = %s where chosen is not null"
# Nothing but the old number is asked, unless the row names today's: then the person has a new card, or is another one, which nobody guesses.
_BY_OLD_CARD = """
update checked_row c set key = f.staff_id, match = %(match)s from registry_formernumber f join registry_staffprofile p on p.id = f.staff_id
where c.key is null and c.citizen_id is null and not 'citizen_id' = any(c.failed) and f.withdrawn is null
    and f.number = c.old_card and (c.name_search is null or p.name_search = c.name_search or p.birth_date = c.birth_date)
    and not exists (select from registry_formernumber o where o.number = f.number and o.staff_id <> f.staff_id and o.withdrawn is null)
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


_NUMBERLESS_ACCEPTED = """
with accepted as (
    update checked_row c set failed = array_remove(failed, 'citizen_id') from registry_staffprofile p
    where c.no_number and c.match = %(match)s and p.id = c.key returning c.sheet_row
)
delete from registry_uploadfinding f using accepted a
where f.upload_id = %(upload)s and f.sheet_row = a.sheet_row and f.field = 'citizen_id' and f.code = any(%(codes)s)
returning f.sheet_row, f.code, f.value
"""


def people_match(*, upload: Upload, findings: Findings) -> None:
    """Give every row of `checked_row` its file, or its candidates and the question who it is. Notes rows of one person and strangers' files."""
    years_set_aside(upload)
    with connection.cursor() as cursor:
        cursor.execute(_BY_NUMBER, [Match.CITIZEN_ID])
        cursor.execute(_BY_CHOICE, [Match.CHOSEN])
        cursor.execute(_BY_OLD_CARD, {"match": Match.OLD_CARD})
        candidates_judge(units=upload_units(upload))
        cursor.execute(
            "select sheet_row, jsonb_array_length(candidates), more from checked_row where state = %s order by sheet_row", [RowState.UNDECIDED]
        )
        for row, times, more in cursor.fetchall():
            findings.add(row, "WHO_IS_IT_OF_MANY" if more else "WHO_IS_IT", value=str(times))
        _numberless_accept(upload, findings)
        cursor.execute(_TWICE, {"upload": upload.pk})
        twice = cursor.fetchall()
        for row, same in twice:
            findings.add(row, "ROW_TWICE", "citizen_id", value=", ".join(str(one) for one in sorted(same)[:_SHOWN_ROWS]))
        cursor.execute("update checked_row set failed = failed || array['citizen_id'] where sheet_row = any(%s)", [[row for row, _same in twice]])
    _strangers_note(upload, findings)
    findings.write()
    years_agree(upload)


def _numberless_accept(upload: Upload, findings: Findings) -> None:
    """What stands in the citizen number's place and is none no longer stops a row of which a person has said whose file it is."""
    findings.write()
    with connection.cursor() as cursor:
        cursor.execute(_NUMBERLESS_ACCEPTED, {"upload": upload.pk, "match": Match.CHOSEN, "codes": list(NO_NUMBER)})
        for row, code, value in sorted(cursor.fetchall()):
            findings.add(row, "OLD_CARD_TAKEN" if code == "OLD_CARD" else "NUMBER_PASSED_OVER", "citizen_id", value=value)


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
