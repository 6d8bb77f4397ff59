"""Who may be meant by a row without a number: the nearest, and an amount of work that does not grow with how many bear the name."""

from __future__ import annotations

import pytest
from django.db import connection

from registry.services.upload_candidates import JUDGE, JUDGED_BY, MOST_CANDIDATES, NEAREST, candidates_judge, candidates_look_up
from registry.services.upload_cleaning import TABLE

pytestmark = pytest.mark.django_db

NAMES, ROWS, KEYS = 20, 100, 10  # keys by which a row looks files up
_HERE = """
drop table if exists pg_temp.person_here; drop table if exists pg_temp.person_candidate;
create temp table person_here as select md5(n::text)::uuid as id, null::text as staff_number, 'nguyen thi hoa ' || n %% %(names)s as name_search,
    date '1970-01-01' + (n * 7919) %% 12000 as birth_date, md5((n %% 30)::text)::uuid as unit from generate_series(1, %(people)s) n;
create index on person_here(name_search, birth_date, unit, id); create index on person_here(name_search, unit, birth_date, id);
create index on person_here(staff_number, id); create index on person_here(id); analyze person_here
"""
_ROWS = """
insert into checked_row(sheet_row, failed, name_search, birth_date, unit, no_number)
select n, '{}', 'nguyen thi hoa ' || n %% %(names)s, date '1970-01-01' + (n * 104729) %% 12000, md5((n %% 30)::text)::uuid, false
from generate_series(1, %(rows)s) n
"""


@pytest.fixture
def rows(db):
    with connection.cursor() as cursor:
        cursor.execute(f"drop table if exists pg_temp.checked_row; {TABLE}")
        cursor.execute(_ROWS, {"names": NAMES, "rows": ROWS})
        cursor.execute("analyze checked_row")


def looked_at(people: int) -> int:
    """Files that were looked at for all rows together: what every scan of the people by a row gave."""
    with connection.cursor() as cursor:
        cursor.execute(_HERE, {"names": NAMES, "people": people})
    ((answer,),) = candidates_look_up(before="explain (analyze, timing off, format json) ")
    return sum(_scanned(answer[0]["Plan"]))


def _scanned(node):
    if node.get("Relation Name") == "person_here" and node["Node Type"] != "Seq Scan":
        yield int((node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"])
    for child in node.get("Plans", ()):
        yield from _scanned(child)


def test_ten_times_as_many_of_a_name_are_no_more_work(rows):
    few, many = looked_at(2_000), looked_at(20_000)
    assert 0 < few <= many <= ROWS * KEYS * NEAREST  # each name is on a thousand files now; a join would have met 100,000 pairs


def test_the_nearest_are_found_among_many_of_the_name(rows):
    """What a look at everybody would rank first is ranked first, row by row."""
    with connection.cursor() as cursor:
        cursor.execute(_HERE, {"names": NAMES, "people": 6_000})
        cursor.execute("insert into person_here select gen_random_uuid(), null, name_search, birth_date, unit from checked_row where sheet_row <= 40")
        cursor.execute("analyze person_here")
    candidates_look_up()
    with connection.cursor() as cursor:
        cursor.execute("select sheet_row, max(score) from person_candidate group by 1 order by 1")
        found = dict(cursor.fetchall())
        cursor.execute(
            "select c.sheet_row, max(50 + case when h.birth_date = c.birth_date then 35 when to_char(h.birth_date, 'YYYYDDMM') = "
            "to_char(c.birth_date, 'YYYYMMDD') then 20 when extract(year from h.birth_date) = extract(year from c.birth_date) then 10 else 0 end "
            "+ case when h.unit = c.unit then 15 else 0 end) from checked_row c join person_here h using (name_search) group by 1 order by 1"
        )
        assert found == dict(cursor.fetchall())
    assert all(found[row] == 100 for row in range(1, 41))


def test_a_name_of_many_says_that_there_are_more(rows):
    # given nobody in these units, since the people are made up: the judging alone
    candidates_judge(units=[])
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from checked_row where state = 'undecided'")
        assert cursor.fetchone() == (0,)
        cursor.execute(_HERE, {"names": 1, "people": 50})
        cursor.execute("update checked_row set name_search = 'nguyen thi hoa 0'")
    candidates_look_up()
    with connection.cursor() as cursor:
        cursor.execute(JUDGE, JUDGED_BY)
        cursor.execute("select bool_and(more), max(jsonb_array_length(candidates)), bool_or(key is not null) from checked_row")
        assert cursor.fetchone() == (True, MOST_CANDIDATES, False)
