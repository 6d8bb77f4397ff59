"""Each rule for units finds exactly its own fault; right units find nothing."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction

from orgtree.choices import AreaKind, AreaLevel
from orgtree.models import Area, OrgUnit
from orgtree.services.areas import areas_load
from planning.models import OpenedOrgUnit
from planning.rules import RULES
from planning.schema import ORG_UNIT
from tests.factories import unit_make
from workflows.choices import Severity
from workflows.documents import Document, canonical, digest
from workflows.opening import check, findings, opened
from workflows.rules import Check, Others, live_subject
from workflows.targets import target

pytestmark = pytest.mark.django_db

TODAY = date(2026, 10, 15)
SOURCE = (
    "select * from unnest(%s::int[], %s::text[], %s::uuid[], %s::text[], %s::int[], %s::bytea[], %s::bytea[])"
    " as d(leaf_index, kind, key, op, base_version, digest, body)"
)


@pytest.fixture
def units() -> dict[str, OrgUnit]:
    """H15 > office > room, H15 > commune; all current."""
    root = unit_make("province", code="H15")
    office = unit_make("office", code="H15.01", parent=root)
    room = unit_make("room", code="H15.01.01", parent=office)
    commune = unit_make("commune", code="H15.02", parent=root)
    return {"root": root, "office": office, "room": room, "commune": commune}


def document(**changes: Any) -> Document:
    right = {"code": "H15.90", "name": "Phòng mới", "kind": "division", "valid_from": "2026-01-01"}
    return ORG_UNIT.merge(None, {**right, **{name: str(value) if isinstance(value, UUID) else value for name, value in changes.items()}})


def changed(unit: OrgUnit, **changes: Any) -> Document:
    """The live unit's document, with changes."""
    values = {item.name: getattr(unit, item.column) for item in ORG_UNIT.fields}
    shown = {name: value.isoformat() if isinstance(value, date) else value for name, value in values.items()}
    return document(**{**shown, **changes})


def judge(*documents: Document | tuple[UUID, Document]) -> list[tuple[int, str, str]]:
    """What the rules say: (index of the document, code, field). A pair (key, document) changes a live unit."""
    pairs = [one if isinstance(one, tuple) else (uuid4(), one) for one in documents]
    bodies = [canonical(body) for _key, body in pairs]
    versions = dict(OrgUnit.objects.filter(pk__in=[key for key, _body in pairs]).order_by().values_list("pk", "version"))
    columns = [
        list(range(len(pairs))),
        ["org_unit"] * len(pairs),
        [key for key, _body in pairs],
        ["update" if key in versions else "create" for key, _body in pairs],
        [versions.get(key, 0) for key, _body in pairs],
        [digest(body) for body in bodies],
        bodies,
    ]
    with transaction.atomic(), opened(SOURCE, columns) as open_:
        check(open_, today=TODAY)
        found = findings()
    assert all(one.severity == Severity.ERROR for one in found)
    return [(one.ref, one.code, one.field) for one in found]


def test_right_units_find_nothing(units):
    founded = uuid4()

    assert (
        judge(
            document(code="H20"),
            document(code="H15.03", parent=units["root"].pk, short_name="P. mới", order_no=3),
            (founded, document(code="H15.04", parent=units["office"].pk)),
            document(code="H15.04.01", parent=founded),
            (units["room"].pk, changed(units["room"], parent=units["commune"].pk, name="Phòng Một cửa")),
        )
        == []
    )


@pytest.mark.parametrize("field", ["code", "name", "kind", "valid_from"])
def test_what_must_be_filled_in(units, field):
    assert judge(document(**{field: None})) == [(0, "REQUIRED", field)]


@pytest.mark.parametrize("code", ["h15.01", "15.H15", "Z15", "H15.", "H15.00", "H15.0.1", "H15 01"])
def test_code_form(units, code):
    assert judge(document(code=code)) == [(0, "UNIT_CODE_FORM", "code")]


def test_code_taken_by_a_live_unit(units):
    assert judge(document(code="H15.01")) == [(0, "UNIT_CODE_TAKEN", "code")]


def test_code_taken_within_the_request(units):
    assert judge(document(code="H15.50"), document(code="H15.50")) == [(0, "UNIT_CODE_TAKEN", "code"), (1, "UNIT_CODE_TAKEN", "code")]


def test_codes_may_be_exchanged_or_handed_on_in_one_request(units):
    office, commune = units["office"], units["commune"]

    assert judge((office.pk, changed(office, code="H15.02")), (commune.pk, changed(commune, code="H15.01"))) == []
    assert (
        judge((commune.pk, changed(commune, valid_to="2026-10-01")), document(code="H15.02", valid_from="2026-10-01", parent=units["root"].pk)) == []
    )
    assert judge((commune.pk, changed(commune, valid_to="2026-10-02")), document(code="H15.02", valid_from="2026-10-01")) == [
        (0, "UNIT_CODE_TAKEN", "code"),
        (1, "UNIT_CODE_TAKEN", "code"),
    ]


def test_a_code_used_before_may_be_used_again(units):
    unit_make("former", code="H15.77", parent=units["root"], valid_from=date(2020, 1, 1), valid_to=date(2025, 7, 1))

    assert judge(document(code="H15.77")) == []
    assert judge(document(code="H15.77", valid_from="2025-06-30")) == [(0, "UNIT_CODE_TAKEN", "code")]


def test_kind_unknown(units):
    assert judge(document(kind="galaxy")) == [(0, "UNIT_KIND_UNKNOWN", "kind")]


def test_parent_unknown(units):
    assert judge(document(parent=uuid4())) == [(0, "UNIT_PARENT_UNKNOWN", "parent")]


def test_parent_not_current(units):
    ended = unit_make("ended", parent=units["root"], valid_to=date(2026, 10, 15))
    future = unit_make("future", parent=units["root"], valid_from=date(2026, 12, 1))

    assert judge(document(parent=ended.pk)) == [(0, "UNIT_PARENT_NOT_CURRENT", "parent")]
    assert judge(document(parent=future.pk)) == [(0, "UNIT_PARENT_NOT_CURRENT", "parent")]
    assert judge(document(parent=future.pk, valid_from="2026-12-01")) == []
    # what has ended itself may stay where it was
    assert judge(document(parent=ended.pk, valid_to="2026-10-01")) == []


def test_parent_that_the_same_request_ends(units):
    commune = units["commune"]

    assert judge((commune.pk, changed(commune, valid_to="2026-10-15")), document(parent=commune.pk)) == [
        (0, "UNIT_STILL_ABOVE", "valid_to"),
        (1, "UNIT_PARENT_NOT_CURRENT", "parent"),
    ]


def test_ending_a_unit_that_has_units_below(units):
    office, room = units["office"], units["room"]

    assert judge((office.pk, changed(office, valid_to="2026-12-01"))) == [(0, "UNIT_STILL_ABOVE", "valid_to")]
    assert judge((office.pk, changed(office, valid_to="2026-12-01")), (room.pk, changed(room, valid_to="2026-12-01"))) == []
    assert judge((office.pk, changed(office, valid_to="2026-12-01")), (room.pk, changed(room, parent=units["commune"].pk))) == []


def test_circles(units):
    root, office, room, commune = (units[name] for name in ("root", "office", "room", "commune"))
    first, second = uuid4(), uuid4()

    assert judge((office.pk, changed(office, parent=office.pk))) == [(0, "UNIT_CIRCLE", "parent")]
    assert judge((office.pk, changed(office, parent=room.pk))) == [(0, "UNIT_CIRCLE", "parent")]
    assert judge((root.pk, changed(root, parent=room.pk))) == [(0, "UNIT_CIRCLE", "parent")]
    assert judge((first, document(code="H15.91", parent=second)), (second, document(code="H15.92", parent=first))) == [
        (0, "UNIT_CIRCLE", "parent"),
        (1, "UNIT_CIRCLE", "parent"),
    ]
    # a unit that hangs below a circle is not in it; and two moves that look like a circle one by one are none together
    assert judge((office.pk, changed(office, parent=room.pk)), document(parent=office.pk)) == [(0, "UNIT_CIRCLE", "parent")]
    assert judge((room.pk, changed(room, parent=root.pk)), (office.pk, changed(office, parent=room.pk))) == []
    assert judge((commune.pk, changed(commune, parent=room.pk))) == []


def test_validity_order(units):
    for end in ("2026-01-01", "2025-12-31"):
        assert judge(document(valid_to=end)) == [(0, "UNIT_VALIDITY_ORDER", "valid_to")]
    assert judge(document(valid_to="2026-01-02")) == []


def test_areas(units):
    areas_load()

    assert judge(document(area="2025-24133")) == []
    assert judge(document(area="2025-99999")) == [(0, "UNIT_AREA_UNKNOWN", "area")]
    assert judge(document(area="2004-24133")) == [(0, "UNIT_AREA_ENDED", "area")]
    assert judge(document(area="2004-24133", valid_from="2010-01-01", valid_to="2025-07-01")) == []
    assert not Area.objects.filter(level=AreaLevel.COMMUNE, kind=AreaKind.CITY).exists()


def test_malformed_values_become_findings(units):
    malformed = canonical(document()).replace(b'"2026-01-01"', b'"1/1/2026"')
    columns = [[0], ["org_unit"], [uuid4()], ["create"], [0], [digest(malformed)], [malformed]]

    with transaction.atomic(), opened(SOURCE, columns) as open_:
        check(open_, today=TODAY)
        found = {(one.code, one.field, one.value) for one in findings()}

    assert ("VALUE_FORM", "valid_from", "1/1/2026") in found


def test_the_rules_also_judge_live_units(units):
    """The nightly sweep's use: subject and others are the live table itself."""
    unit_make("orphan of the past", parent=unit_make("ended", parent=units["root"], valid_to=date(2026, 1, 1)))
    subject = live_subject(OrgUnit, {})
    sweep = Check(subject=subject, others=Others((subject.records,)), today=TODAY)

    found = {rule.code: {unit.name for unit in rule.find(sweep)} for rule in RULES if rule.code != "REQUIRED"}

    assert {code: names for code, names in found.items() if names} == {
        "UNIT_PARENT_NOT_CURRENT": {"orphan of the past"},
        "UNIT_STILL_ABOVE": {"ended"},
    }


def test_every_rule_has_a_source_a_repair_and_a_field_of_the_document():
    assert {rule.field for rule in RULES} <= {item.name for item in ORG_UNIT.fields}
    assert all(rule.source and str(rule.repair) and str(rule.message) for rule in RULES)


def test_the_opened_twin_has_the_columns_of_the_document():
    with transaction.atomic(), opened(SOURCE, [[], [], [], [], [], [], []]), connection.cursor() as cursor:
        cursor.execute("select attname from pg_attribute where attrelid = 'opened_org_unit'::regclass and attnum > 0")
        columns = {name for (name,) in cursor.fetchall()}

    assert {field.column for field in OpenedOrgUnit._meta.concrete_fields} == columns
    assert target("org_unit").opened is OpenedOrgUnit
