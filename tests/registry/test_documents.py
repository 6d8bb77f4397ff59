"""The document of a person: what the schema says, the tables hold, and the database writes it back byte for byte."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, models, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.models import LIVE_ROWS, StaffProfile
from registry.schema import STAFF_PROFILE
from tests.registry.people import PEOPLE_TABLES, live_make, person, places
from workflows.documents import Document, Field, Rows, canonical, plain_value
from workflows.sqldocs import live_bodies
from workflows.targets import target

CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\x00")
OF_MODEL = {"text": models.CharField, "date": models.DateField, "int": models.IntegerField, "decimal": models.DecimalField, "uuid": models.ForeignKey}
# What the constraints of the tables ask of single columns; whatever is not named here may hold anything of its type.
FORMS = {
    "citizen_id": st.from_regex(r"[0-9]{12}", fullmatch=True),
    "phone": st.from_regex(r"0[0-9]{9}", fullmatch=True),
    "photo": st.from_regex(r"[0-9a-f]{64}", fullmatch=True),
    "social_insurance_no": st.from_regex(r"[0-9]{10}", fullmatch=True),
    "health_insurance_no": st.from_regex(r"[A-Z]{2}[0-9]{13}", fullmatch=True),
    "height_cm": st.integers(50, 250),
    "weight_kg": st.integers(20, 300),
    "year": st.integers(1850, 2200),
    "birth_year": st.integers(1850, 2200),
    "step": st.integers(1, 12),
    "job_position_step": st.integers(1, 12),
    "percent": st.decimals("0.01", 100, places=2).map(lambda n: f"{n:.2f}"),
}
KEPT = {"managing_agency", "using_unit", "birth_date", "citizen_id_date", "first_recruit_date", "current_agency_date"}  # the right person's
TOGETHER = (  # filled in together or in order, so drawn by hand
    *("rank_date", "step_date", "overframe_percent", "overframe_date"),
    *("party_join_date", "party_official_date", "enlist_date", "discharge_date"),
)


def value(item: Field) -> st.SearchStrategy:
    if item.name in FORMS:
        return FORMS[item.name]
    if item.type == "date":
        return st.dates(date(1900, 1, 1), date(2100, 1, 1)).map(str)
    if item.type == "int":
        return st.integers(1, 999_999_999)
    if item.type == "decimal":
        most = Decimal(10) ** (item.precision - item.scale) - 1
        return st.decimals(1, most, places=item.scale, allow_nan=False).map(lambda number: f"{number:.{item.scale}f}")
    text = st.text(CHARACTERS, min_size=1, max_size=min(item.max_length, 12)).map(plain_value)
    return text.filter(lambda text: text and len(text) <= item.max_length)


def row(rows: Rows) -> st.SearchStrategy:
    """A row whose required values stand and whose others may; periods and the constraints over several columns are set right."""
    columns = {
        item.name: st.none() if item.type == "uuid" else value(item) if item.required else st.none() | value(item)
        for item in rows.fields
        if not item.name.startswith("valid_")
    }
    return st.fixed_dictionaries(columns).map(lambda filled: mended(rows, filled))


def mended(rows: Rows, filled: Document) -> Document:
    names = {item.name for item in rows.fields}
    if "unit_name" in names:
        filled["unit_name"] = filled["unit_name"] or "?"
    if rows.name == "salary_history":
        filled |= {"rank_code": None, "step": None, "coefficient": None, "amount": filled["amount"] or "1"}
    if rows.name == "allowances":
        filled["amount"] = filled["amount"] or "1"
    if rows.name == "annual_results":
        filled["grade"] = filled["grade"] or "01"
    if rows.name == "incomes":
        filled["other_amount"] = filled["other_amount"] or "0"
    return filled


@st.composite
def lists(draw, rows: Rows) -> list[Document]:
    """Up to three rows, each in a year of its own, so that nothing overlaps."""
    made = []
    for place, filled in enumerate(draw(st.lists(row(rows), max_size=3))):
        if "year" in filled:
            filled["year"] = 2000 + place
        if any(item.name == "valid_from" for item in rows.fields):
            still_holds = place == 2 and draw(st.booleans())
            filled |= {"valid_from": f"{2000 + place}-02-01", "valid_to": None if still_holds else f"{2000 + place}-09-01"}
        made.append(filled)
    return list({canonical(each): each for each in made}.values())


@st.composite
def documents(draw) -> Document:
    scalars = {
        item.name: draw(value(item) if item.required else st.none() | value(item))
        for item in STAFF_PROFILE.fields
        if item.name not in KEPT and item.name not in TOGETHER
    }
    whole = {"rank_code": "01.003", "rank_date": "2010-01-01", "step": 3, "coefficient": "3.00", "step_date": "2020-01-01", "percent": "85.50"}
    more = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "party_join_date": st.just("2012-02-03"),
                "enlist_date": st.just("2003-02-03"),
            },
        )
    )
    overframe = draw(st.sampled_from(({}, {"overframe_percent": 5, "overframe_date": "2020-02-29"})))
    return {**scalars, **whole, **more, **overframe, **{rows.name: draw(lists(rows)) for rows in STAFF_PROFILE.rows}}


@pytest.mark.django_db
@settings(max_examples=24, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.lists(documents(), min_size=1, max_size=3))
def test_document_to_live_tables_to_document(db, changes):
    # given any people the constraints let stand
    with transaction.atomic():
        units = places()
        people = [person(units, **{**change, "citizen_id": f"{number:012}", "staff_number": f"S{number}"}) for number, change in enumerate(changes)]
        assert [STAFF_PROFILE.problems(one) for one in people] == [[]] * len(people)
        # when they are opened, written to the tables, and read back by the database
        keys = live_make(*people)
        with connection.cursor() as cursor:
            cursor.execute(f"select id, body from ({live_bodies(target('staff_profile'))}) x where id = any(%s)", [keys])
            bodies = {key: bytes(body) for key, body in cursor.fetchall()}
        transaction.set_rollback(True)
    # then the bytes are those that were signed
    assert [bodies[key] for key in keys] == [canonical(one) for one in people]


def test_every_field_of_the_document_has_its_column():
    for owner, fields in [(StaffProfile, STAFF_PROFILE.fields), *((LIVE_ROWS[rows.name], rows.fields) for rows in STAFF_PROFILE.rows)]:
        columns = {column.column: column for column in owner._meta.concrete_fields}
        for item in fields:
            column = columns[item.column]
            assert isinstance(column, OF_MODEL[item.type]), item
            assert column.null is not item.required, item
            if item.type == "text":
                assert column.max_length == item.max_length, item
            if item.type == "decimal":
                assert (column.max_digits, column.decimal_places) == (item.precision, item.scale), item
        unwritten = set(columns) - {item.column for item in fields}
        assert unwritten <= {"id", "version", "digest", "staff_id", "name_search", "name_sort", "name_words"}, owner


def test_every_list_has_its_table():
    assert list(LIVE_ROWS) == [rows.name for rows in STAFF_PROFILE.rows]


@pytest.mark.django_db
@pytest.mark.parametrize("table", PEOPLE_TABLES)
def test_no_table_of_people_is_written_past_the_gate(table):
    with pytest.raises(DatabaseError, match=f"{table} is written only by applying"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"delete from {table}")
