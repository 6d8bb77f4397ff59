"""What an upload says about a workbook, a row or a cell: one sentence a code, and what to do. The rules' own sentences are in `rules`.

A stored finding holds code, value and parameters; the sentence is made on reading, in the reader's language.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from orgtree.text import days_as_written
from registry.fields import BY_NAME, column_of, label_of
from registry.rules import RULES
from registry.rules.demands import RULES as DEMANDS
from workflows.choices import Severity

Sentence = str | Promise


@dataclass(frozen=True)
class Message:
    """`text` and `repair` may hold {value}, {place}, {suggestion} and the finding's own parameters."""

    text: Sentence
    repair: Sentence
    severity: Severity = Severity.ERROR


# The workbook as a whole: it is refused, nothing is staged.
WORKBOOK: Mapping[str, Message] = {
    "FILE_EMPTY": Message(_("The file {value} is empty."), _("Send the workbook again; it may not have been saved.")),
    "FILE_TOO_LARGE": Message(_("The file has {value} MB; at most {limit} MB are accepted."), _("Split the workbook and send it in parts.")),
    "NOT_A_WORKBOOK": Message(
        _("{value} is not a table that can be read (.xlsx, .xls, .xlsb, .ods or .csv)."),
        _("Save the table as “Excel Workbook (*.xlsx)” and send that file."),
    ),
    "LOCKED": Message(_("{value} is locked with a password."), _("Remove the password, save it and send that file.")),
    "TOO_MANY_SHEETS": Message(
        _("The workbook has {value} sheets; at most {limit} are accepted."), _("Copy the sheet with the people into a workbook of its own.")
    ),
    "WORKBOOK_DAMAGED": Message(
        _("The workbook {value} is damaged and cannot be read."), _("Open it in Excel, save it under a new name and send that file.")
    ),
    "WORKBOOK_BOMB": Message(
        _("A part of the workbook ({place}) unpacks to {value} MB, more than {limit} times its size in the file, as a table never does."),
        _("Copy the rows into a new workbook made from the template and send that one."),
    ),
    "WORKBOOK_UNSAFE": Message(
        _("The workbook unpacks to more than it may ({value} MB, at most {limit} MB)."),
        _("Copy the rows into a new workbook made from the template and send that one."),
    ),
    "SHEET_TOO_LARGE": Message(
        _("Sheet “{place}” reaches to cell {value}; at most {limit} rows are read at a time."),
        _("Delete what stands far below or beside the table, or send it in parts."),
    ),
    "NO_SHEET": Message(_("The workbook has no visible sheet."), _("Make the sheet with the table visible and save the workbook.")),
    "SHEET_EMPTY": Message(_("The workbook holds no data."), _("Fill in the template, save it and send it again.")),
    "NO_SUCH_SHEET": Message(_("The workbook has no sheet “{value}”."), _("Choose one of its sheets.")),
    "NO_HEADING_ROW": Message(
        _("No heading row was found in the first {limit} rows of any sheet."),
        _("Put headings such as “Họ và tên khai sinh” and “Số CCCD” above the table, as in the template."),
    ),
    "NO_ROWS": Message(
        _("Sheet “{place}” has headings in row {value} but no rows below them."), _("Fill in the rows below the headings and send it again.")
    ),
    "NO_CITIZEN_ID_COLUMN": Message(
        _("Sheet “{place}” has no column for the personal identification number (heading row {value})."),
        _("Add a column with the heading “Số CCCD”: it tells whose row it is."),
    ),
    "COLUMN_TWICE": Message(
        _("Columns {value} of sheet “{place}” hold the same field ({field})."), _("Keep one of the columns and send the workbook again.")
    ),
}

# Remarks on the workbook: it is read all the same.
REMARKS: Mapping[str, Message] = {
    "SAME_FILE": Message(
        _("The same file was already sent on {place} ({value})."),
        _("Look at the earlier upload; rows that change nothing are not sent again."),
        Severity.WARNING,
    ),
    "MACROS_IGNORED": Message(_("The workbook holds macros; they were not run."), _("Nothing needs to be done."), Severity.SUGGESTION),
    "LINKS_IGNORED": Message(_("The workbook refers to other files; they were not opened."), _("Nothing needs to be done."), Severity.SUGGESTION),
    "COLUMN_IGNORED": Message(
        _("Column {place} with the heading “{value}” was not read."), _("If it should be, give it a heading of the template."), Severity.WARNING
    ),
    "SHEET_IGNORED": Message(
        _("Sheet “{value}” was not read: only the first table of a workbook is."), _("Send it as a workbook of its own."), Severity.WARNING
    ),
    "ROW_PASSED_OVER": Message(
        _("Row {place} holds no person and was passed over: {value}."), _("If it should be read, give it a number and a name."), Severity.SUGGESTION
    ),
}

# One row or one cell.
CELLS: Mapping[str, Message] = {
    "CELL_FORMULA": Message(
        _("Cell {place} holds a formula; only values are read."), _("Copy the column and paste it as values, then send the workbook again.")
    ),
    "CELL_ERROR": Message(_("Cell {place} holds an error of Excel."), _("Write the value itself into the cell.")),
    "CELL_MERGED": Message(
        _("Cell {place} is merged over several rows, so it is not clear to whom its value belongs."), _("Unmerge the cells and fill in every row.")
    ),
    "VALUE_FORM": Message(_("“{value}” cannot be read as a value of this field."), _("Correct the value; the template shows an example.")),
    "TOO_LONG": Message(_("The text has more than {limit} characters."), _("Shorten the text.")),
    "DATE_FORM": Message(_("“{value}” is not a date that can be read with certainty."), _("Write day, month and year as 31/12/2025.")),
    "DATE_CALENDAR": Message(
        _("“{value}” is not a day of the calendar."), _("Write day, month and year as 31/12/2025; day and month may be exchanged.")
    ),
    "DATE_SHAPE": Message(
        _("“{value}” is not written as day/month/year; it can be read as {suggestion}."), _("Agree to the repair, or write the date as 31/12/2025.")
    ),
    "DATE_YEAR_ONLY": Message(_("“{value}” is only a year."), _("Write day, month and year as 31/12/2025.")),
    "BIRTH_YEAR_ONLY": Message(
        _("“{value}” is only a year; the day of birth is missing."),
        _("Look for the day in the papers. Where only the year is known, write {suggestion} or agree to the repair."),
    ),
    "DATE_DAY_MISSING": Message(
        _("“{value}” names a month and a year; the day is missing."),
        _("Write day, month and year as 31/12/2025. If the spreadsheet shows dates so, the workbook itself (.xlsx) still has the day: send that."),
    ),
    "DATE_YEAR_MISSING": Message(
        _("“{value}” is a day and a month without a year, as a spreadsheet program writes it into a text file."),
        _("Send the workbook itself (.xlsx), which still has the year; or write day, month and year as 31/12/2025."),
    ),
    "ROW_STANDS_TWICE": Message(_("This row stands in the list twice."), _("Remove one of the two, or correct what differs.")),
    "MONTH_FORM": Message(_("“{value}” is not a month."), _("Write month and year as 09/2025.")),
    "LOST_ZERO": Message(
        _("“{value}” is stored as a number, so its leading zeros are lost."),
        _("Format the column as text and write {suggestion}, if that is the number on the paper."),
    ),
    "NUMBER_EXPONENT": Message(
        _("“{value}” has lost its last digits: Excel shortened the number."),
        _("Write all digits again, as text; or confirm the person's file where the page “Who is who” proposes it."),
    ),
    "OLD_CARD": Message(
        _("“{value}” is the number of an old identity card with 9 digits."),
        _(
            "Write the personal identification number of 12 digits here; the old number belongs in a column “Số CMND cũ”. "
            "If the page “Who is who” proposes the person's file, confirming it there is enough."
        ),
    ),
    "OLD_CARD_TAKEN": Message(
        _("“{value}” is the number of an old identity card. It is recorded as the person's old number; the citizen number on file stays."),
        _("Nothing needs to be done."),
        Severity.SUGGESTION,
    ),
    "NUMBER_PASSED_OVER": Message(
        _("“{value}” was passed over: somebody has said whose row it is, and the citizen number on file stays."),
        _("Nothing needs to be done."),
        Severity.SUGGESTION,
    ),
    "OLD_CARD_FORM": Message(
        _("“{value}” is not the number of an old identity card: it has 9 digits."), _("Copy the nine digits from the old card, as text.")
    ),
    "OLD_ENCODING": Message(
        _("“{value}” is written in the old encoding {encoding}; it reads {suggestion}."), _("Agree to the repair, or write the text in Unicode.")
    ),
    "AMOUNT_POINTS": Message(
        _("“{value}” has points between its thousands; it can be read as {suggestion}."),
        _("Agree to the repair, or write the amount without points."),
    ),
    "AREA_SUCCEEDED": Message(_("“{value}” is an area that no longer exists."), _("Write the area of today: {suggestion}.")),
    "NAME_CAPITALS": Message(_("The name “{value}” was read as {suggestion}."), _("Nothing needs to be done."), Severity.SUGGESTION),
    "NAME_SMALL": Message(_("The name “{value}” is written in small letters."), _("Agree to the repair: {suggestion}."), Severity.SUGGESTION),
    "TONE_STYLE": Message(
        _("“{value}” has a tone mark on the second vowel."), _("If you wish one spelling everywhere: {suggestion}."), Severity.SUGGESTION
    ),
    "ADDRESS_FORMER": Message(
        _("The address “{value}” names a commune of before 1 July 2025."), _("Today it is called: {suggestion}."), Severity.SUGGESTION
    ),
    "BECAME_DATE": Message(
        _("Excel has turned the value into a date ({value})."), _("Format the column as text and write the value again, for example {suggestion}.")
    ),
    "CODE_NAME_UNKNOWN": Message(_("“{value}” is not in the list of this field."), _("Write one of: {suggestion}.")),
    "CODE_NAME_AMBIGUOUS": Message(_("“{value}” can mean several values of this field."), _("Write one of: {suggestion}.")),
    "CODE_UNPAIRED": Message(
        _("“{value}” is a code of {program} that has no pair yet."),
        _("Say on the page “Repair by cause” what it means; every row with it is repaired then. Or write the meaning in words."),
    ),
    "UNIT_NAME_UNKNOWN": Message(
        _("“{value}” is neither the code nor the name of a unit of {place}."), _("Write the unit's code as it stands in the organisation tree.")
    ),
    "UNIT_NAME_AMBIGUOUS": Message(_("Several units are called “{value}”."), _("Write the unit's code: {suggestion}.")),
    "UNIT_ELSEWHERE": Message(
        _("The unit {value} does not belong to {place}, for which the workbook was sent."),
        _("Correct the unit, or send the row in a workbook of that unit."),
    ),
    "UNIT_OUT_OF_SCOPE": Message(
        _("The unit {value} lies outside the units in which you may edit."),
        _("Correct the unit, or leave the row to those who look after that unit."),
    ),
    "AREA_CODE_UNKNOWN": Message(
        _("“{value}” is not the code of an administrative area."), _("Write the five digits of the commune, or leave the cell empty.")
    ),
    "AREA_CODE_AMBIGUOUS": Message(
        _("The code {value} means different places before and after 1 July 2025."),
        _("Write {suggestion}, or leave the cell empty: the address in words stays."),
    ),
    "ROW_TWICE": Message(_("The personal identification number stands in rows {value}."), _("Keep one of the rows.")),
    "PERSON_ELSEWHERE": Message(
        _("The person with this number is on file in a unit outside your scope."),
        _("If they have come to your unit, ask the unit that keeps the file for the transfer."),
    ),
    "POST_DATE_MISSING": Message(
        _("The post differs from the one on file, and the day since which it is held is not given."), _("Fill in the date of appointment.")
    ),
    "POST_DATE_EARLY": Message(
        _("The new post would begin on {value}, not after the beginning of the one on file."),
        _("Compare the date with the decision; correct the earlier post in the file itself."),
    ),
    "WHO_IS_IT": Message(
        _("{value} file(s) on hand may be this person's."), _("Say on the page “Who is who” which file it is, or that it is a new one.")
    ),
    "WHO_IS_IT_OF_MANY": Message(
        _("More than {value} files on hand may be this person's; the {value} nearest are proposed."),
        _("Fill in the citizen number, the staff number or the date of birth; or choose on the page “Who is who”."),
    ),
    "REASON_MISSING": Message(
        _("A value would be overwritten that was approved with a signature, or that stands since birth or entry: that is a correction."),
        _("Give the reason on the page “What will change”, or correct the cell."),
    ),
    "PAY_DATE_MISSING": Message(
        _("Rank, step or coefficient differ from the file, and the row does not say since when."),
        _("If it is a raise, fill in “Ngày hưởng bậc lương”. If the file is wrong, give the reason on the page “What will change”."),
    ),
    "DECISION_DIFFERS": Message(
        _("The decision differs from the one on file though nothing new is stated (on file → in the row): {value}."),
        _("If something new was decided, fill in what and since when; if the file is wrong, correct it in the file itself."),
    ),
    "DECISION_OF_NOTHING": Message(
        _("The decision {value} is named, but neither the row nor the file says what it decided."),
        _("Fill in the post, or rank, step, coefficient and their date; or empty the cell."),
    ),
    "CHANGED_MEANWHILE": Message(
        _("Somebody changed this value on file after the workbook was checked first."),
        _("Compare both on the page “What will change”; give a reason there, or correct the cell."),
    ),
    "CORRECTED_TWICE": Message(
        _("The cell was corrected here to “{here}” and in the returned workbook to “{value}”."),
        _("What stands here stays. If the other value is right, write it into the cell."),
        Severity.WARNING,
    ),
    "REFUSED_BY_GATE": Message(_("The row was refused: {value}"), _("Correct the row and send it again.")),
}

# What the gate itself says of a record; the words are the registry's, since the reader looks at a row.
GATE: Mapping[str, Message] = {
    "STALE_BASE": Message(_("The file changed while the workbook was being read."), _("Send the row again.")),
    "TWICE_IN_REQUEST": Message(_("The person stands in this workbook twice."), _("Keep one of the rows.")),
    "RECORD_BUSY": Message(
        _("Another request that is still open changes this file: {value}."), _("Wait until it has been decided, or ask its author to withdraw it.")
    ),
    "OUT_OF_SCOPE": Message(
        _("The unit of this row, or the unit that now keeps the file, lies outside the units in which you may edit."),
        _("Correct the unit, or leave the row to those who look after that unit."),
    ),
}

_BY_CODE: Mapping[str, Message] = {
    **{rule.code: Message(rule.message, rule.repair, rule.severity) for rule in (*RULES, *DEMANDS)},
    **GATE,
    **WORKBOOK,
    **REMARKS,
    **CELLS,
}


def severity_of(code: str) -> Severity:
    return _BY_CODE[code].severity


def message_of(code: str, *, value: str = "", field: str = "", params: Mapping[str, Any] | None = None) -> str:
    """The sentence in the reader's language. An unknown code (of an older release) is shown as it is."""
    return _said(code, "text", value, field, params)


def repair_of(code: str, *, value: str = "", field: str = "", params: Mapping[str, Any] | None = None) -> str:
    return _said(code, "repair", value, field, params)


class _Words(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return ""


def _said(code: str, part: str, value: str, field: str, params: Mapping[str, Any] | None) -> str:
    if code not in _BY_CODE:
        return f"{code}: {value}" if part == "text" else ""
    words = _Words({**(params or {}), "value": days_as_written(value), "field": label_of(field) if field else ""})
    sentence = (code == "VALUE_FORM" and part == "repair" and _how_to_write(field)) or getattr(_BY_CODE[code], part)
    return str(sentence).format_map(words)


def _how_to_write(field: str) -> Sentence:
    """What a number of the field looks like; "" for a field that holds none."""
    described = BY_NAME.get(field) or column_of(field)
    if described is None or described.kind not in ("int", "number", "decimal"):
        return ""
    if described.name.endswith("amount"):
        return _("Write the amount in đồng, for example 9.500.000.")
    if described.kind == "decimal":
        return _("Write a number with a decimal comma, for example 2,34.")
    return _("Write a whole number in digits, for example 165.")
