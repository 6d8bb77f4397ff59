"""A year of birth alone. Of somebody on file it says nothing new where the file has a day in that year; where a person agreed that 1 January stands
for it, that is no day to know somebody by, and none to put over a day that is known.
"""

from __future__ import annotations

from typing import Any

from django.db import connection

from registry.mapping import Part
from registry.models import Upload
from registry.selectors.upload_grid import recipes_of

FIELD, CODE, OP = "birth_date", "BIRTH_YEAR_ONLY", "year"
_AGREED = """
with agreed as (
    delete from registry_uploadfinding f using checked_row c, registry_staffprofile p
    where f.upload_id = %(upload)s and f.sheet_row = c.sheet_row and f.field = 'birth_date' and f.code = %(code)s
        and p.id = c.key and extract(year from p.birth_date)::text = f.value returning c.sheet_row
)
update checked_row c set failed = array_remove(c.failed, 'birth_date') from agreed a where a.sheet_row = c.sheet_row
"""
# Rows whose cell was a year and became 1 January by the repair; what somebody typed is meant as it stands.
_REPAIRED = """
r.upload_id = %(upload)s and r.sheet_row = c.sheet_row and not r.edits ?| %(columns)s and not r.raw ?| %(beside)s
    and r.raw ->> %(column)s ~ '^(19|20)[0-9]{2}$' and c."values"::json ->> 'birth_date' = (r.raw ->> %(column)s) || '-01-01'
"""
_UNKNOWN = f"update checked_row c set birth_date = null from registry_uploadrow r where {_REPAIRED}"  # noqa: S608 - of constants
_KNOWN = f"""
update checked_row c set "values" = (c."values"::jsonb - 'birth_date')::text from registry_uploadrow r, registry_staffprofile p
where p.id = c.key and extract(year from p.birth_date)::text = r.raw ->> %(column)s and {_REPAIRED}
"""  # noqa: S608 - of constants


def years_set_aside(upload: Upload) -> None:
    """Before it is asked whose rows they are: nobody is known by a 1 January that a repair made."""
    if (named := _repaired(upload)) is not None:
        with connection.cursor() as cursor:
            cursor.execute(_UNKNOWN, named)


def years_agree(upload: Upload) -> None:
    """Once it is known: a year that agrees with the file's day is passed over, as an empty cell is. Findings are written before."""
    with connection.cursor() as cursor:
        cursor.execute(_AGREED, {"upload": upload.pk, "code": CODE})
        if (named := _repaired(upload)) is not None:
            cursor.execute(_KNOWN, named)


def _repaired(upload: Upload) -> dict[str, Any] | None:
    """Where years stand that a repair in force made days of; None where there is none."""
    columns = {one["column"]: one["part"] for one in upload.mapping if one["field"] == FIELD}
    years = [letter for letter, part in columns.items() if part in (Part.WHOLE, Part.YEAR)]
    if not years or not any(one.field == FIELD and one.repair.op == OP for one in recipes_of(upload).steps):
        return None
    return {"upload": upload.pk, "column": years[0], "columns": list(columns), "beside": [letter for letter in columns if letter != years[0]]}
