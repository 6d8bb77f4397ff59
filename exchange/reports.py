"""The board of a day as a file: the same bytes whenever it is made again, so that a copy can be compared with the original."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from datetime import UTC, datetime, time
from pathlib import Path

import typst
import xlsxwriter
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from exchange.selectors.board import Board, Row

TEMPLATE = Path(__file__).with_name("forms") / "board.typ"


def headings() -> list[str]:
    """The columns of the report, in order."""
    return [
        *(_("Body"), _("Agency identifier"), _("Reported files"), _("Connected"), _("Trial passed"), _("Received files"), _("Share")),
        *(_("New that day"), _("Came by transfer that day"), _("Left by transfer that day")),
        *(_("Matched"), _("Late"), _("Late that day"), _("Quality"), _("Last day")),
    ]


def board_xlsx(board: Board) -> bytes:
    """The board as a workbook of one sheet."""
    made = io.BytesIO()
    with xlsxwriter.Workbook(made, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        book.set_properties({"title": _title(board), "created": datetime.combine(board.day, time(), UTC).replace(tzinfo=None)})
        bold, number = book.add_format({"bold": True, "text_wrap": True}), book.add_format({"num_format": "#,##0"})
        sheet = book.add_worksheet(board.day.isoformat())
        sheet.write_string(0, 0, _title(board), bold)
        sheet.write_row(2, 0, headings(), bold)
        for place, row in enumerate(board.rows, start=3):
            for column, value in enumerate(_cells(row)):
                if isinstance(value, int | float) and not isinstance(value, bool):
                    sheet.write_number(place, column, value, number if isinstance(value, int) else None)
                else:
                    sheet.write_string(place, column, str(value))
        sheet.set_column(0, 0, 46)
        sheet.set_column(1, len(headings()), 13)
        sheet.freeze_panes(3, 1)
    return made.getvalue()


def board_pdf(board: Board) -> bytes:
    """The board on A4 across, by typst; values are data and never read as markup."""
    data = {
        "title": _title(board),
        "headings": headings(),
        "rows": [[_figure(value) for value in _cells(row)] for row in board.rows],
        "sums": [[str(one["name"]), f"{one['connected']}/{one['bodies']}", _figure(one["received"]), _figure(one["expected"])] for one in board.sums],
        "sum_headings": [_("Group"), _("Connected"), _("Received files"), _("Reported files")],
    }
    moment = int(datetime.combine(board.day, time(), UTC).timestamp())
    made = typst.compile(
        str(TEMPLATE), root=str(TEMPLATE.parent), sys_inputs={"data": json.dumps(data, ensure_ascii=False)}, format="pdf", timestamp=moment
    )
    assert isinstance(made, bytes)
    return made


def _title(board: Board) -> str:
    return _("Progress of connecting and sending, %s") % board.day.strftime("%d/%m/%Y")


def _cells(row: Row) -> Sequence[str | int | float]:
    return [
        row.name if row.counted else _("%s (not counted)") % row.name,
        row.code,
        _blank(row.reported),
        _yes(row.connected),
        _yes(row.trial_passed),
        row.received,
        _blank(row.share),
        row.new,
        row.came,
        row.left,
        _blank(row.matched),
        row.late,
        row.late_new,
        _blank(row.quality),
        row.last_day.strftime("%d/%m/%Y") if row.last_day else "",
    ]


def _figure(value: str | int | float) -> str:
    """A number as the reader's language writes it."""
    return value if isinstance(value, str) else str(number_format(value, force_grouping=True))


def _blank(value: int | float | None) -> int | float | str:
    return "" if value is None else value


def _yes(value: bool) -> str:
    return _("yes") if value else ""
