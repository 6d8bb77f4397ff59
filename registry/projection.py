"""The only writer of the live tables of people, of their old numbers, and of gated codes, ranks and salary steps; called by the targets
inside the applying transaction.
"""

from __future__ import annotations

from django.db import connection

from workflows.sqlwrite import write_records, write_rows
from workflows.targets import Target

# What forms, rules and lists read. A code of the release that an agency changes is taken over by its entry.
CODES = """
insert into registry_codeitem as c (list, code, name_vi, name_en, sort, valid_from, valid_to, evidence, aliases, source)
select o.list, o.code, o.name_vi, coalesce(o.name_en, ''), coalesce(o.sort, 0), o.valid_from, o.valid_to, '',
    coalesce(string_to_array(o.aliases, '|'), '{}'), o.source
from opened_code_entry o
on conflict (list, code) do update set name_vi = excluded.name_vi, name_en = excluded.name_en, sort = excluded.sort,
    valid_from = excluded.valid_from, valid_to = excluded.valid_to, aliases = excluded.aliases, source = excluded.source
"""

RANKS = """
insert into registry_rankcode as r (code, title, "group", grade, salary_class, class_evidence, old_code, valid_from, valid_to, source)
select o.code, o.title, o.category, coalesce(o.grade, ''), coalesce(o.salary_class, ''), '', coalesce(o.old_code, ''), o.valid_from, o.valid_to,
    o.source
from opened_rank_entry o
on conflict (code) do update set title = excluded.title, "group" = excluded."group", grade = excluded.grade, salary_class = excluded.salary_class,
    old_code = excluded.old_code, valid_from = excluded.valid_from, valid_to = excluded.valid_to, source = excluded.source
"""
STEPS = """
insert into registry_salarystep as s (salary_class, step, coefficient, months, max_step, evidence, source)
select o.salary_class, o.step, o.coefficient, o.months, o.max_step, '', o.source from opened_step_entry o
on conflict (salary_class, step) do update set coefficient = excluded.coefficient, months = excluded.months, max_step = excluded.max_step,
    source = excluded.source
"""


def write_staff(one: Target) -> None:
    """Bring staff profiles and their rows to what was opened. Raises workflows.sqlwrite.ProjectionMismatch."""
    write_records(one)
    write_rows(one)


def write_former_numbers(one: Target) -> None:
    """Bring numbers of old identity cards to what was opened. Raises workflows.sqlwrite.ProjectionMismatch."""
    write_records(one)


def write_codes(one: Target) -> None:
    """Bring codes to what was opened, and the lists that everybody reads with them. Raises workflows.sqlwrite.ProjectionMismatch."""
    write_records(one)
    with connection.cursor() as cursor:
        cursor.execute(CODES)


def write_ranks(one: Target) -> None:
    """Bring ranks to what was opened, and the list that everybody reads with them. Raises workflows.sqlwrite.ProjectionMismatch."""
    write_records(one)
    with connection.cursor() as cursor:
        cursor.execute(RANKS)


def write_steps(one: Target) -> None:
    """The same for steps of the salary scale."""
    write_records(one)
    with connection.cursor() as cursor:
        cursor.execute(STEPS)
