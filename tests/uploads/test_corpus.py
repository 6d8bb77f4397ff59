"""Every workbook of the corpus comes out as its table says."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from orgtree.models import OrgUnit
from registry.cleaning import clean_row, doubtful_problem
from registry.lookups import Lookups
from registry.reading import WorkbookRefused, open_book, table_of
from tests.factories import superuser_make
from tests.registry.people import TODAY, places
from tests.uploads.corpus.cases import CASES
from tests.uploads.corpus.make import FILES, HERE, readme

READ = [one for one in CASES if "refused" not in one.expected]
REFUSED = [one for one in CASES if "refused" in one.expected]


@pytest.mark.parametrize("case", REFUSED, ids=lambda one: one.file)
def test_what_cannot_be_read_is_refused_by_name(case):
    with pytest.raises(WorkbookRefused) as error:
        list(table_of(open_book(FILES / case.file, name=case.file)).rows())
    assert error.value.code == case.expected["refused"]


def test_every_other_workbook_comes_out_as_its_table_says(db):
    lookups = Lookups(unit=OrgUnit.objects.get(pk=places()["agency"].pk), actor=superuser_make(), day=TODAY)
    found = {case.file: outcome(FILES / case.file, lookups) for case in READ}
    assert {case.file: {name: found[case.file][name] for name in case.expected} for case in READ} == {case.file: dict(case.expected) for case in READ}


def test_the_table_names_every_file_and_no_other():
    assert len(CASES) >= 60
    assert sorted(one.name for one in FILES.iterdir()) == sorted(one.file for one in CASES)
    assert (HERE / "README.md").read_text(encoding="utf-8") == readme(), "python -m tests.uploads.corpus.make"


def outcome(path: Path, lookups: Lookups) -> dict:
    """What the engine makes of a file, in the words of Case.expected."""
    table = table_of(open_book(path, name=path.name))
    rows = list(table.rows())
    cleaned, problems = [], []
    for row in rows:
        doubtful = table.doubtful(row)
        cells = {name: cell for name, cell in table.values(row).items() if name not in doubtful}
        cleaned.append((cells, clean_row(cells, lookups, strict=True)))
        problems += [doubtful_problem(name, code, place="", raw=row.cells.get(index)) for name, (code, index) in doubtful.items()]
    problems += [one for _cells, each in cleaned for one in each.problems]
    notices = [one for _cells, each in cleaned for one in each.notices]
    return {
        "rows": len(rows),
        "heading_rows": table.source.heading_rows,
        "fields": tuple(table.mapping.fields),
        "ignored": tuple(one.heading for one in table.mapping.ignored),
        "remarks": dict(Counter(one.code for one in table.remarks if one.code != "COLUMN_IGNORED")),
        "causes": dict(Counter(f"{one.field} {one.cause}".strip() for one in problems)),
        "notices": dict(Counter(f"{one.field} {one.cause}" for one in notices)),
        "first": dict(cleaned[0][1].values),
        "repaired": repaired(*cleaned[0], lookups),
    }


def repaired(cells, cleaned, lookups) -> dict:
    """The values of a row after every repair that is proposed for it, once and then again for what came to light."""
    cells = dict(cells)
    for _round in range(2):
        for one in (*cleaned.problems, *cleaned.notices):
            after = one.repair.apply(cells[one.field]) if one.repair else None
            cells[one.field] = cells[one.field] if after is None else after
        cleaned = clean_row(cells, lookups, strict=True)
    return dict(cleaned.values)
