"""Numbers of old identity cards in a workbook ("Số CMND cũ"): each becomes a record beside the person's file, in the request of their row.

One that stands where the citizen number should is recorded likewise, once somebody has said whose row it is.

In that request it has the number BESIDE + the row's: a row may change a file and record an old number, or do only one of both.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils.translation import gettext as _

from registry.fields import FORMER_NUMBER
from registry.models import FormerNumber, Upload
from registry.targets.former_numbers import FormerNumberTarget, former_key
from workflows.services.staging import Proposal

KIND = FormerNumberTarget.kind
BESIDE = 1_000_000_000  # more rows than any sheet has
_NEW = """not exists (select from registry_formernumber f where f.staff_id = {row}.key and f.withdrawn is null
    and f.number = {number})"""
_WRITTEN = """r."values" ->> %(field)s"""
# A row that changes nothing else is still one that has something to say.
_TAKE = f"""
update checked_row c set state = 'staged', op = 'update', base_version = p.version, changed = array[%(field)s] from registry_staffprofile p
where c.state = 'unchanged' and p.id = c.key and c.old_card is not null and {_NEW.format(row="c", number="c.old_card")}
"""  # noqa: S608 a constant
_SHOW = f"""
insert into registry_uploadchange(upload_id, sheet_row, key, field, kind, verified, before, after)
select %(upload)s, c.sheet_row, c.key, %(field)s, 'fill', false, null, to_jsonb(c.old_card)
from checked_row c where c.state = 'staged' and c.op = 'update' and c.old_card is not null and {_NEW.format(row="c", number="c.old_card")}
"""  # noqa: S608
_NAMED = f"""
select r.sheet_row, r.key, r."values" ->> %(field)s, coalesce(p.using_unit_id::text, r."values" ->> 'using_unit', %(unit)s)
from registry_uploadrow r left join registry_staffprofile p on p.id = r.key
where r.upload_id = %(upload)s and r.state = 'staged' and r.sheet_row > %(after)s and r.sheet_row <= %(until)s
    and {_WRITTEN} is not null and {_NEW.format(row="r", number=_WRITTEN)} order by r.sheet_row
"""  # noqa: S608
_RECORDED = """
select f.id, f.version, i.ref from workflows_changeitem i join registry_formernumber f on f.id = i.key
where i.request_id = any(%(requests)s) and i.kind = %(kind)s and i.state = 'applied' and f.withdrawn is null and f.version = i.base_version + 1
order by i.ref
"""


def names_old_cards(upload: Upload) -> bool:
    """Whether the workbook holds any: in a column of their own, or in place of citizen numbers."""
    return any(one.get("field") == FORMER_NUMBER for one in upload.mapping) or upload.findings.filter(code="OLD_CARD_TAKEN").exists()


def old_cards_take(*, upload: Upload) -> None:
    """What the checked rows would record is shown among the changes; a row without another change is taken for it."""
    with connection.cursor() as cursor:
        cursor.execute("select exists(select from checked_row where old_card is not null)")
        if cursor.fetchone()[0]:
            cursor.execute(_TAKE, {"field": FORMER_NUMBER})
            cursor.execute(_SHOW, {"field": FORMER_NUMBER, "upload": upload.pk})


def old_card_proposals(*, upload: Upload, after: int, until: int) -> Iterator[Proposal]:
    """A record for each accepted row beyond `after` up to `until` whose old number is not on file yet."""
    if not names_old_cards(upload):
        return
    named: dict[str, Any] = {"field": FORMER_NUMBER, "upload": upload.pk, "unit": str(upload.unit_id), "after": after, "until": until}
    with connection.chunked_cursor() as cursor:
        cursor.execute(_NAMED, named)
        for row, key, number, unit in cursor:
            source = _("Workbook {name}, row {row}").format(name=upload.name[:250], row=row)
            patch = {"staff": str(key), "unit": unit, "number": number, "source": source, "withdrawn": None}
            yield Proposal(kind=KIND, key=former_key(key, number), patch=patch, ref=BESIDE + row)


def old_cards_recorded(*, requests: list[UUID]) -> list[tuple[UUID, int, int]]:
    """(key, version, ref) of the records that these requests made and that nobody has touched since."""
    with connection.cursor() as cursor:
        cursor.execute(_RECORDED, {"requests": requests, "kind": KIND})
        return cursor.fetchall()


def old_cards_undo(*, requests: list[UUID], reason: str) -> Iterator[Proposal]:
    """What takes them back: nothing is deleted, each is withdrawn for `reason`, in the unit where the person is now."""
    recorded = old_cards_recorded(requests=requests)
    keys = [key for key, _version, _ref in recorded]
    units: dict[UUID, Any] = dict(FormerNumber.objects.filter(pk__in=keys).values_list("pk", "staff__using_unit"))
    for key, version, ref in recorded:
        yield Proposal(kind=KIND, key=key, patch={"withdrawn": reason[:300], "unit": str(units[key])}, base_version=version, ref=ref)
