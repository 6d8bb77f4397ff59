"""The workbook that a unit fills in: its people and posts, drop-downs from the code lists, locked keys, a guide, and a hidden mapping.

The hidden sheet also says which version of each file it was written from: what comes back is compared with that, so that a cell which nobody
touched never takes back what was changed in the program meanwhile, and one that was changed on both sides is shown as a conflict.

A cell left empty changes nothing, so only what a list is looked up by is filled in: who, where, which post. Class-A values beyond the
citizen number are never in it. That the people of a unit left the program in a file stands in the read log, as for every export.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from itertools import islice

import xlsxwriter
from django.utils.translation import gettext as _
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

from orgtree import clock, scope
from orgtree.choices import Action
from orgtree.models import OrgUnit, User
from registry.choices import Sensitivity
from registry.fields import FIELDS, ProfileField
from registry.mapping import Assignment, ColumnMapping, Reason
from registry.models import CodeItem, RankCode, StaffProfile
from registry.reading import TEMPLATE_SHEET
from registry.resources import CHUNK, StaffProfileResource, neutral
from registry.rules.demands import Demands, demands
from registry.selectors.leaving import passed_on
from registry.services.reads import files_export
from workflows.errors import NotAllowed
from workflows.services.audit import audit

PEOPLE_SHEET, LISTS_SHEET, GUIDE_SHEET = "Hồ sơ", "Danh mục", "Hướng dẫn"
MOST_PEOPLE = 20_000
_SPARE_ROWS = 2_000  # below the people, with drop-downs too
# What tells whose row it is: shown, and locked, since a wrong one is corrected in the person's file.
KEYS = frozenset({"citizen_id", "staff_number", "birth_name", "birth_date"})
_SHOWN = tuple(one.name for one in FIELDS if one.sensitivity != Sensitivity.A or one.name == "citizen_id")
_WIDTHS: Mapping[str, int] = {"date": 12, "code": 16, "int": 8, "number": 8, "decimal": 10, "citizen_number": 15, "phone": 13, "unit": 30, "name": 26}
_MAY = {"format_columns": True, "format_rows": True, "format_cells": True, "sort": True, "autofilter": True, "insert_rows": True}


def template_workbook(*, unit: OrgUnit | None = None, actor: User | None = None, address: str | None = None) -> bytes:
    """An .xlsx file. With a unit it holds the people of that unit and below whose files `actor` may change; raises NotAllowed where none.

    At most 20,000 people; a larger unit fills in its parts.
    """
    if unit is not None and (actor is None or not scope.can(actor, Action.EDIT, unit)):
        raise NotAllowed
    file = BytesIO()
    with xlsxwriter.Workbook(file, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        looks = _looks(book)
        table, guide, lists = book.add_worksheet(PEOPLE_SHEET), book.add_worksheet(GUIDE_SHEET), book.add_worksheet(LISTS_SHEET)
        hidden = book.add_worksheet(TEMPLATE_SHEET)
        asked = demands()
        _headings_write(table, looks, asked)
        hidden.write_string(0, 0, _mapping_text(unit))
        written = _people_write(table, hidden, looks, unit, actor, address) if unit is not None and actor is not None else 0
        _lists_write(table, lists, _choices(unit), rows=written + _SPARE_ROWS)
        _guide_write(guide, looks, unit, asked)
        hidden.very_hidden()
        for sheet in (table, lists, guide):
            sheet.protect("", _MAY)
    return file.getvalue()


def _looks(book: xlsxwriter.Workbook) -> dict[str, Format]:
    heading = {"bold": True, "text_wrap": True, "valign": "vcenter", "border": 1, "border_color": "#9AA5B1"}
    return {
        "heading": book.add_format({**heading, "bg_color": "#EEF2F6"}),
        "required": book.add_format({**heading, "bg_color": "#FFF2CC"}),
        "at_sync": book.add_format({**heading, "bg_color": "#DDEBF7"}),
        "cell": book.add_format({"num_format": "@", "locked": False}),
        "key": book.add_format({"num_format": "@", "locked": True, "font_color": "#52606D", "bg_color": "#F3F5F7"}),
        "title": book.add_format({"bold": True, "font_size": 14}),
        "wrapped": book.add_format({"text_wrap": True, "valign": "top"}),
    }


def _headings_write(sheet: Worksheet, looks: Mapping[str, Format], asked: Demands) -> None:
    """One heading a column of the Resource, what must be filled in coloured; every cell below is text, so that zeros stay."""
    sheet.freeze_panes(1, 4)
    sheet.set_row(0, 48)
    for column, (one, heading) in enumerate(zip(FIELDS, StaffProfileResource().get_export_headers(), strict=True)):
        sheet.set_column(column, column, _WIDTHS.get(one.kind, 20), looks["cell"])
        sheet.write_string(0, column, heading, looks[_look(one, asked)])
        sheet.write_comment(0, column, _("Form item {item}. For example: {example}").format(item=one.item, example=one.example))


def _look(one: ProfileField, asked: Demands) -> str:
    """How the heading of a field is coloured: asked for when a file is made, when it is sent, or not at all."""
    return "required" if one.name in asked.at_draft else "at_sync" if one.name in asked.at_sync else "heading"


def _people_write(sheet: Worksheet, hidden: Worksheet, looks: Mapping[str, Format], unit: OrgUnit, actor: User, address: str | None) -> int:
    """The people line by line, and the version of each file on the hidden sheet; returns how many. Their leaving is recorded before they leave."""
    written = 0
    for chunk in _people(unit, actor):
        files_export(actor=actor, records=[(one.pk, one.using_unit_id) for one in chunk], what="template", address=address)
        for person, line in zip(chunk, StaffProfileResource(user=actor).lines(chunk), strict=True):
            written += 1
            hidden.write_string(written, 0, person.citizen_id)
            hidden.write_number(written, 1, person.version)
            for column, one in enumerate(FIELDS):
                text = line[one.name] if one.name in _SHOWN else ""
                if text or one.name in KEYS:
                    sheet.write_string(written, column, neutral(text), looks["key" if one.name in KEYS else "cell"])
    audit(actor=actor, action="template.downloaded", unit=unit, people=written)
    return written


def _people(unit: OrgUnit, actor: User) -> Iterator[list[StaffProfile]]:
    below = OrgUnit.objects.filter(tree_id=unit.tree_id, lft__gte=unit.lft, rght__lte=unit.rght)
    mine = scope.scoped(StaffProfile.objects.filter(using_unit__in=below), actor, Action.EDIT, unit_field="using_unit")
    people = mine.exclude(passed_on()).order_by("name_sort", "id")[:MOST_PEOPLE].iterator(chunk_size=CHUNK)
    while chunk := list(islice(people, CHUNK)):
        yield chunk


def _choices(unit: OrgUnit | None) -> dict[str, list[str]]:
    """What may be chosen in a column, as an upload reads it back."""
    chosen: dict[str, list[str]] = {}
    for one in FIELDS:
        if one.code_list:
            chosen[one.name] = list(CodeItem.objects.filter(list=one.code_list).order_by("sort", "code").values_list("name_vi", flat=True))
    chosen["rank_code"] = [f"{code} - {title}" for code, title in RankCode.objects.order_by("code").values_list("code", "title")]
    if unit is not None:
        units = OrgUnit.objects.on(clock.today()).filter(tree_id=unit.tree_id)
        below = units.filter(lft__gte=unit.lft, rght__lte=unit.rght).order_by("lft")
        chosen["using_unit"] = [f"{code} {name}" for code, name in below.values_list("code", "name")[:1_000]]
        above = units.filter(lft__lte=unit.lft, rght__gte=unit.rght).order_by("lft")
        chosen["managing_agency"] = [f"{code} {name}" for code, name in above.values_list("code", "name")]
    return chosen


def _lists_write(table: Worksheet, lists: Worksheet, choices: Mapping[str, Sequence[str]], *, rows: int) -> None:
    """The lists side by side, row by row, and a drop-down on every column that has one. No headings: it is no table of people."""
    named = [(place, one, choices[one.name]) for place, one in enumerate(FIELDS) if choices.get(one.name)]
    for column, (place, one, names) in enumerate(named):
        lists.set_column(column, column, 30)
        letter = xl_col_to_name(column)
        source = f"='{LISTS_SHEET}'!${letter}$1:${letter}${len(names)}"
        said = {"error_title": one.heading[:32], "error_message": _("Choose a value from the list.")}
        table.data_validation(1, place, rows, place, {"validate": "list", "source": source, "error_type": "warning", **said})
    for row in range(max(len(names) for _place, _one, names in named)):
        for column, (_place, _one, names) in enumerate(named):
            if row < len(names):
                lists.write_string(row, column, names[row])


def _guide_write(sheet: Worksheet, looks: Mapping[str, Format], unit: OrgUnit | None, asked: Demands) -> None:
    sheet.set_column(0, 0, 34, looks["wrapped"])
    sheet.set_column(1, 1, 12, looks["wrapped"])
    sheet.set_column(2, 2, 60, looks["wrapped"])
    sheet.set_column(3, 3, 30, looks["wrapped"])
    sheet.write_string(0, 0, _("How to fill in this workbook"), looks["title"])
    lines = [
        *([_("Unit: {unit}").format(unit=f"{unit.name} ({unit.code})")] if unit else []),
        _("One person is one row of the sheet “{sheet}”. Add new people below those who stand there already.").format(sheet=PEOPLE_SHEET),
        _("An empty cell changes nothing. Fill in only what is new or what has changed."),
        _("Grey cells tell whose row it is and are locked. If one is wrong, correct it in the person's file."),
        _("Columns with a yellow heading must be filled in for new people."),
        _("Columns with a blue heading are needed before a file is sent to the national database; a warning says where they are missing."),
        _("Where a cell offers a list, choose from it. Write dates as day/month/year."),
        _("Columns may be moved, hidden or deleted. Nothing becomes true before you have seen what would change and somebody has approved it."),
    ]
    for row, text in enumerate(lines, start=1):
        sheet.write_string(row, 0, text)
    top = len(lines) + 2
    for column, heading in enumerate((_("Column"), _("Form item"), _("How to write it"), _("For example"))):
        sheet.write_string(top, column, heading, looks["heading"])
    for row, one in enumerate(FIELDS, start=top + 1):
        for column, text in enumerate((one.heading, one.item, _how(one, asked), one.example)):
            sheet.write_string(row, column, text, looks["wrapped"])


def _how(one: ProfileField, asked: Demands) -> str:
    ways = {
        "date": _("Day/month/year, for example 31/12/2025"),
        "code": _("Choose from the list"),
        "rank": _("Choose from the list, or write the code"),
        "unit": _("The unit's code, or choose from the list"),
        "area": _("The five digits of the commune, or leave it empty"),
        "citizen_number": _("Twelve digits, with the zeros in front"),
        "decimal": _("A number, with a decimal comma"),
        "int": _("A whole number"),
        "number": _("A whole number"),
        "phone": _("All digits, with the zero in front"),
    }
    how = ways.get(one.kind, _("Text"))
    when = {"required": _("required for new people"), "at_sync": _("needed before the file is sent")}.get(_look(one, asked))
    return f"{how} · {when}" if when else how


def _mapping_text(unit: OrgUnit | None) -> str:
    """What the hidden sheet holds: which column is which field, even if somebody writes other headings."""
    columns = tuple(Assignment(place, one.heading, one.name, confidence=1.0, reason=Reason.EXACT) for place, one in enumerate(FIELDS, start=1))
    return json.dumps({"unit": unit.code if unit else "", "mapping": ColumnMapping(columns).to_json()}, ensure_ascii=False)
