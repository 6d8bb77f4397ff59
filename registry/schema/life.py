"""Rows of items 34, 36 and 37.3 and of Decree 27/2026/NĐ-CP groups 2, 3 and 9: family, history, journeys, property.

Amounts are whole VND a year, areas square metres.
"""

from workflows.documents import Field, Rows

_RELATIVE = (
    Field("relation", max_length=10, required=True),
    Field("full_name", max_length=100, required=True),
    Field("birth_year", "int"),
    Field("description", max_length=500),
)
_MONTHS = (Field("valid_from", "date"), Field("valid_to", "date"))

FAMILY = Rows("family", _RELATIVE)
IN_LAWS = Rows("in_laws", _RELATIVE)
OLD_REGIME = Rows("old_regime", (*_MONTHS, Field("title", max_length=200, required=True), Field("place", max_length=250)))
FOREIGN_ORGS = Rows("foreign_orgs", (*_MONTHS, Field("organisation", max_length=250, required=True), Field("job", max_length=200)))
FOREIGN_TRIPS = Rows(
    "foreign_trips",
    (
        Field("valid_from", "date", required=True),
        Field("valid_to", "date"),
        Field("country", max_length=100, required=True),
        Field("purpose", max_length=300),
        Field("decision_number", max_length=50),
    ),
)
INCOMES = Rows(
    "incomes",
    (
        Field("year", "int", required=True),
        Field("salary_amount", "decimal", precision=15, scale=0),
        Field("other_amount", "decimal", precision=15, scale=0),
    ),
)
PROPERTIES = Rows(
    "properties",
    (
        Field("category", max_length=10, required=True),
        Field("kind", max_length=10),
        Field("description", max_length=300),
        Field("area_m2", "decimal", precision=12, scale=2),
        Field("certificate_no", max_length=50),
    ),
)

LIFE = (FAMILY, IN_LAWS, OLD_REGIME, FOREIGN_ORGS, FOREIGN_TRIPS, INCOMES, PROPERTIES)
