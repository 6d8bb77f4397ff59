"""What the search stands on, kept up with what was applied: the words of names, and former names of units. Set-wise, repeatable."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db import connection

ADD_WORDS = """
insert into registry_nameword(word)
select distinct unnest(s.name_words) as word from registry_staffprofile s where {which} order by word
on conflict do nothing
"""

# Every version of a unit after which another name was recorded; the day is that on which it was.
ADD_FORMER_NAMES = """
insert into registry_formerunitname(unit_id, version, name, until)
select named.key, named.version, named.name, (named.replaced at time zone 'Asia/Ho_Chi_Minh')::date
from (
    select v.key, v.version, convert_from(d.body, 'UTF8')::jsonb ->> 'name' as name, lead(v.recorded_at) over w as replaced,
        lead(convert_from(d.body, 'UTF8')::jsonb ->> 'name') over w as next
    from workflows_recordversion v join workflows_storeddocument d on d.digest = v.document_id
    where v.kind = 'org_unit' {which}
    window w as (partition by v.key order by v.version)
) named
join orgtree_orgunit u on u.id = named.key
where named.next is distinct from named.name and named.replaced is not null
on conflict do nothing
"""


def words_add(*, keys: Iterable[UUID] | None = None) -> int:
    """Take up the words of these people's names, by default of everybody's; returns how many were new."""
    with connection.cursor() as cursor:
        if keys is None:
            cursor.execute(ADD_WORDS.format(which="true"))
        else:
            cursor.execute(ADD_WORDS.format(which="s.id = any(%s)"), [list(keys)])
        return cursor.rowcount


def former_names_add(*, units: Iterable[UUID] | None = None) -> int:
    """Take up what these units, by default all, were called before; returns how many names were new."""
    with connection.cursor() as cursor:
        if units is None:
            cursor.execute(ADD_FORMER_NAMES.format(which=""))
        else:
            cursor.execute(ADD_FORMER_NAMES.format(which="and v.key = any(%s)"), [list(units)])
        return cursor.rowcount
