"""The published schema, and the report of where each item of the form lives."""

from __future__ import annotations

import json
import re
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from registry.fields import BY_NAME, FIELDS, LIST_BY_NAME, SECTION_FIELDS, SECTION_LISTS, label_of
from registry.management.commands import profile_report
from registry.management.commands.profile_report import lines
from registry.management.commands.profile_schema import published
from registry.rules import RULES
from registry.schema import STAFF_PROFILE

SCHEMA = Path(__file__).resolve().parents[2] / "docs/schema/staff-profile.v1.json"


def test_the_published_schema_is_that_of_the_code():
    assert SCHEMA.read_text(encoding="utf-8") == published()
    assert json.loads(published())["properties"]["degrees"]["type"] == "array"


def test_no_item_of_the_form_is_without_document_model_and_workbook():
    found = list(lines())
    assert len({line.item for line in found}) == 74
    assert [(line.name, place) for line in found for place in ("document", "model", "workbook") if line.places[place] == "MISSING"] == []


def test_nothing_is_missing_anywhere():
    # when
    call_command("profile_report", stdout=(out := StringIO()))
    # then
    assert out.getvalue().splitlines()[-1] == "86 fields; missing: document 0, model 0, workbook 0, form 0, print 0"
    assert [line.name for line in lines() if line.missing] == []


def test_the_report_fails_while_anything_is_missing(monkeypatch):
    # given a printed form that lost its telephone
    monkeypatch.setattr(profile_report, "printed_names", lambda: {"2c-bnv-2008": frozenset({"birth_name"})})
    # when, then
    with pytest.raises(CommandError, match="missing"):
        call_command("profile_report", stdout=(out := StringIO()))
    assert re.search(r"^8c +phone .*MISSING", out.getvalue(), re.MULTILINE)


def test_the_catalogue_describes_every_field_and_column_of_the_document():
    assert {one.name for one in STAFF_PROFILE.fields} == {name for name, one in BY_NAME.items() if not one.is_beside}
    for rows in STAFF_PROFILE.rows:
        columns = {column.name: column.required for column in LIST_BY_NAME[rows.name].columns}
        assert columns == {item.name: item.required for item in rows.fields}, rows.name


def test_every_field_stands_in_one_of_ten_sections():
    assert len(SECTION_FIELDS) == 10
    assert sorted(name for names in SECTION_FIELDS.values() for name in names) == sorted(one.name for one in STAFF_PROFILE.fields)
    assert sorted(one.name for lists in SECTION_LISTS.values() for one in lists) == sorted(rows.name for rows in STAFF_PROFILE.rows)


def test_every_rule_names_its_source_and_a_field_of_the_catalogue():
    assert len({(rule.code, rule.field) for rule in RULES}) >= 60
    for rule in RULES:
        assert rule.source, rule.code
        assert label_of(rule.field) != rule.field, (rule.code, rule.field)


def test_fields_of_a_workbook_are_those_with_headings():
    assert {one.name for one in FIELDS} == set(BY_NAME) - {"photo"}
