"""The work queue of population matching as a workbook, to work through on paper or to hand to the police."""

from __future__ import annotations

import io
from collections.abc import Sequence

import xlsxwriter
from django.utils.translation import gettext as _

from exchange.choices import MatchOwner
from exchange.selectors.matching import Line
from orgtree import clock

FILE_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
WIDTHS = (28, 34, 17, 30, 14, 12, 26, 26, 14, 14)


def headings() -> list[str]:
    return [
        *(_("Full name at birth"), _("Unit"), _("Personal identification number"), _("Cause"), _("Whose turn"), _("Since")),
        *(_("In the file"), _("In the population database"), _("Change request"), _("Dispute until")),
    ]


def matches_xlsx(listed: Sequence[Line]) -> bytes:
    """One sheet, one line a person; numbers masked, what differs only where the reader may see it."""
    made = io.BytesIO()
    options = {"in_memory": True, "constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(made, options) as book:
        bold = book.add_format({"bold": True, "text_wrap": True, "border": 1})
        sheet = book.add_worksheet(clock.today().isoformat())
        sheet.freeze_panes(1, 1)
        for column, (heading, width) in enumerate(zip(headings(), WIDTHS, strict=True)):
            sheet.set_column(column, column, width)
            sheet.write_string(0, column, heading, bold)
        for row, line in enumerate(listed, start=1):
            for column, text in enumerate(_cells(line)):
                sheet.write_string(row, column, text)
    return made.getvalue()


def _cells(line: Line) -> Sequence[str]:
    match = line.match
    return [
        match.staff.birth_name,
        match.staff.using_unit.name,
        line.number,
        str(line.outcome.label),
        str(MatchOwner(match.owner).label) if match.owner else "",
        match.since.astimezone(clock.ZONE).strftime("%d/%m/%Y"),
        "; ".join(one.ours for one in line.differences or ()),
        "; ".join(one.held for one in line.differences or ()),
        f"{match.correction.number}" if match.correction is not None else "",
        line.dispute.due_on.strftime("%d/%m/%Y") if line.dispute is not None else "",
    ]
