"""Rows of items 24, 30.2, 33, 35 and 37 and of Decree 27/2026/NĐ-CP groups 4, 6 and 7: posts, pay, judgements, organisations.

Periods are half-open: the day in `valid_to` is the first one on which the fact no longer holds. Amounts are whole VND.
"""

from workflows.documents import Field, Rows

_SINCE = (Field("valid_from", "date", required=True), Field("valid_to", "date"))
_DECISION = (Field("decision_number", max_length=50), Field("decision_date", "date"))

POSTINGS = Rows(
    "postings",
    (
        Field("title", max_length=200, required=True),
        Field("unit", "uuid", column="unit_id"),
        Field("unit_name", max_length=250),
        *_SINCE,
        Field("position_group", max_length=10),
        Field("movement", max_length=10),
        *_DECISION,
    ),
)
PLANNED_POSTS = Rows("planned_posts", (Field("title", max_length=200, required=True), Field("term", max_length=50), *_SINCE, *_DECISION))
SECONDMENTS = Rows(
    "secondments",
    (
        Field("host", max_length=250, required=True),
        Field("host_unit", "uuid", column="host_unit_id"),
        Field("title", max_length=200),
        Field("reason", max_length=10),
        *_SINCE,
        *_DECISION,
    ),
)
SALARY_HISTORY = Rows(
    "salary_history",
    (
        *_SINCE,
        Field("rank_code", max_length=20),
        Field("step", "int"),
        Field("coefficient", "decimal", precision=4, scale=2),
        Field("percent", "decimal", precision=5, scale=2),
        Field("amount", "decimal", precision=12, scale=0),
        *_DECISION,
    ),
)
ALLOWANCES = Rows(
    "allowances",
    (
        Field("kind", max_length=10, required=True),
        *_SINCE,
        Field("percent", "decimal", precision=5, scale=2),
        Field("coefficient", "decimal", precision=4, scale=2),
        Field("amount", "decimal", precision=12, scale=0),
        Field("form", max_length=100),
        *_DECISION,
    ),
)
ANNUAL_RESULTS = Rows(
    "annual_results",
    (
        Field("year", "int", required=True),
        Field("grade", max_length=10),
        Field("emulation", max_length=10),
        Field("commendation", max_length=10),
        Field("decision_number", max_length=50),
    ),
)
DISCIPLINES = Rows(
    "disciplines",
    (
        Field("side", max_length=10, required=True),
        Field("form", max_length=10, required=True),
        *_SINCE,
        Field("act", max_length=500),
        Field("authority", max_length=250),
        Field("decision_number", max_length=50),
    ),
)
ORGANISATIONS = Rows("organisations", (Field("organisation", max_length=250, required=True), Field("title", max_length=200), *_SINCE))

CAREER = (POSTINGS, PLANNED_POSTS, SECONDMENTS, SALARY_HISTORY, ALLOWANCES, ANNUAL_RESULTS, DISCIPLINES, ORGANISATIONS)
