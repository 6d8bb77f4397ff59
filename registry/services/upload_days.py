"""Since when: the day, and the decision, of raises and posts that a workbook states without one. A person says it once for all such rows.

Where the workbook has no column for it, one is added (`upload_added`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from django.db import transaction
from django.utils.translation import gettext as _

from orgtree.models import User
from registry.cleaning import CellRefused
from registry.cleaning.causes import TYPED
from registry.cleaning.dates import day_of
from registry.fields import POSTING_DECISION, POSTING_FROM, SALARY_DECISION
from registry.mapping import Part
from registry.models import Upload
from registry.selectors.upload_changes import UNDATED
from registry.services.upload_added import cells_write
from registry.services.upload_fixing import settle
from registry.services.uploads import upload_open
from workflows.errors import GateError
from workflows.services.audit import audit

# By what is found: the field of the day, and that of the decision.
ASKED: Mapping[str, tuple[str, str]] = {UNDATED: ("step_date", SALARY_DECISION[0]), "POST_DATE_MISSING": (POSTING_FROM, POSTING_DECISION[0])}
_PARTS = {Part.DAY: "%d", Part.MONTH: "%m", Part.YEAR: "%Y", Part.WHOLE: "%d/%m/%Y"}


class DayUnreadable(GateError):
    code = "DAY_UNREADABLE"

    def __init__(self, text: str) -> None:
        super().__init__(_("“{value}” is not a day. Write day, month and year as 31/12/2025.").format(value=text))


def day_give(*, actor: User, upload: Upload, code: str, day: str, decision: str = "") -> Upload:
    """Say since when what the rows with this finding state holds, and by which decision if they name none.

    Raises DayUnreadable, NotAllowed, WrongState; KeyError for a finding that no day would end.
    """
    day_field, decision_field = ASKED[code]
    said = _day(day)
    with transaction.atomic():
        upload = upload_open(actor=actor, upload_id=upload.pk)
        rows = sorted(set(upload.findings.filter(code=code).values_list("sheet_row", flat=True)))
        cells_write(upload, rows, day_field, {part: said.strftime(form) for part, form in _PARTS.items()})
        if decision.strip():
            cells_write(upload, rows, decision_field, {Part.WHOLE: decision.strip()[:50]})
        audit(actor=actor, action="upload.day_given", unit=upload.unit, upload=str(upload.pk), code=code, rows=len(rows))
        return settle(actor=actor, upload=upload, rows=rows)


def _day(text: str) -> date:
    try:
        day = day_of(text.strip())
    except CellRefused as refused:  # written another way, but beyond doubt
        after = refused.repair.apply(text.strip()) if refused.cause in TYPED and refused.repair else None
        day = after if isinstance(after, date) else None
    if day is None:
        raise DayUnreadable(text)
    return day
