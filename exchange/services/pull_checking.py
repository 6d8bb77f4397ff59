"""At an agency: the gate's rules on what was fetched, before anybody chooses: what staging would return is named as a cause at once.

Units are checked together, since one may stand below another; people by the thousand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from exchange.choices import PullWhat
from exchange.contract import UNIT_KIND
from exchange.models import Pull, PullRecord
from exchange.selectors.pulling import waiting_requests
from orgtree.models import OrgUnit
from workflows.choices import Severity
from workflows.documents import parse
from workflows.rules import Found
from workflows.services.staging import MAXIMUM, Proposal, proposals_checked

TOGETHER = 1_000  # people
OUTSIDE = "OUT_OF_SCOPE"  # of all units that stand here: it names one that does not


def some_check(pull: Pull) -> bool:
    """Check the next records; False when there were none left."""
    rows = list(pull.records.filter(checked=False, cause="", request=None).exclude(document=None).order_by("key")[: share_of(pull)])
    if not rows:
        return False
    free = waiting_note(pull, rows)
    if free:
        everything = OrgUnit.objects.all()
        with proposals_checked(actor=None, allowed=everything, proposals=proposals_of(pull, free)) as checked:
            returned_note(free, checked.returned)
    for row in rows:
        row.checked = True
    PullRecord.objects.bulk_update(rows, ["checked", "cause", "field", "value"], batch_size=500)
    return True


def share_of(pull: Pull) -> int:
    return MAXIMUM if pull.kind == UNIT_KIND else TOGETHER


def waiting_note(pull: Pull, rows: Sequence[PullRecord]) -> list[PullRecord]:
    """Those that no undecided request holds already; the others are noted with the request that does."""
    waiting = waiting_requests(pull.kind, {row.key: bytes(row.digest) for row in rows})
    for row in rows:
        if (request := waiting.get(row.key)) is not None:
            row.cause, row.value = "WAITING", str(request)
    return [row for row in rows if row.key not in waiting]


def proposals_of(pull: Pull, rows: Sequence[PullRecord]) -> list[Proposal]:
    """The records as the other side holds them, over the version that was compared; `ref` is the row's place."""
    return [
        Proposal(
            kind=pull.kind,
            key=row.key,
            patch=parse(bytes(row.document or b"")),
            base_version=row.version_here or 0,
            ref=place,
            affirmed=row.what == PullWhat.COUNTED,
        )
        for place, row in enumerate(rows)
    ]


def returned_note(rows: Sequence[PullRecord], returned: Mapping[int, Sequence[Found]], *, scoped: bool = False) -> None:
    """Why records cannot be taken: the first error of each. `scoped`: by the rights of a person, and not by whether its units stand here."""
    for place, found in returned.items():
        first = next((one for one in found if one.severity == Severity.ERROR), found[0])
        rows[place].cause = "UNKNOWN_UNIT" if first.code == OUTSIDE and not scoped else first.code[:40]
        rows[place].field, rows[place].value = first.field[:100], str(first.value)[:300]
