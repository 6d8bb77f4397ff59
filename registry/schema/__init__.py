"""The document `staff_profile/1`: every item of the form in Circular 06/2023/TT-BNV and the ten data groups of Decree 27/2026/NĐ-CP.

What follows from other facts is not in it: the record's identifier (item 0d, the citizen number), the highest degree (20), the
current post (23), the allowances now received (30.2). See `selectors.derived`.

Addresses are kept as declared (text) beside the key of the area, when it is known; an area key is `<year>-<code>`, the year
of the decision that gave the code (2004 or 2025), since 2,179 codes changed meaning on 1 July 2025. Old places are not rewritten.
`photo` is the SHA-256 of the picture in lower-case hexadecimal: the document stays small and still says which picture it is.
"""

from registry.schema.career import CAREER, POSTINGS
from registry.schema.learning import LEARNING
from registry.schema.life import LIFE
from workflows.documents import Field, Schema

__all__ = ["POSTINGS", "STAFF_PROFILE"]

_HEADER = (
    Field("managing_agency", "uuid", column="managing_agency_id", required=True),
    Field("using_unit", "uuid", column="using_unit_id", required=True),
    Field("staff_number", max_length=20),
    Field("photo", max_length=64),
)
_PERSON = (
    Field("birth_name", max_length=100, required=True),
    Field("gender", max_length=2, required=True),
    Field("other_names", max_length=200),
    Field("birth_date", "date", required=True),
    Field("birth_place", max_length=300, required=True),
    Field("birth_place_area", max_length=12),
    Field("home_town", max_length=300, required=True),
    Field("home_town_area", max_length=12),
    Field("ethnicity", max_length=4, required=True),
    Field("religion", max_length=4, required=True),
    Field("citizen_id", max_length=12, required=True),
    Field("citizen_id_date", "date", required=True),
    Field("phone", max_length=15),
    Field("social_insurance_no", max_length=10),
    Field("health_insurance_no", max_length=15),
    Field("current_address", max_length=300, required=True),
    Field("current_address_area", max_length=12),
    Field("family_class", max_length=100),
    Field("marital_status", max_length=4),
)
_RECRUITMENT = (
    Field("previous_job", max_length=200),
    Field("first_recruit_date", "date", required=True),
    Field("recruiting_agency", max_length=250, required=True),
    Field("recruit_form", max_length=10),
    Field("current_agency_date", "date", required=True),
    Field("personnel_type", max_length=10, required=True),
)
_STANDING = (
    Field("party_join_date", "date"),
    Field("party_official_date", "date"),
    Field("first_org_date", "date"),
    Field("enlist_date", "date"),
    Field("discharge_date", "date"),
    Field("military_rank", max_length=10),
    Field("policy_category", max_length=10),
    Field("general_education", max_length=4, required=True),
    Field("academic_title", max_length=10),
    Field("academic_title_year", "int"),
    Field("state_title", max_length=10),
)
_POST = (
    Field("appoint_date", "date"),
    Field("reappoint_date", "date"),
    Field("concurrent_post", max_length=200),
    Field("party_post", max_length=10),
    Field("party_concurrent_post", max_length=10),
    Field("main_duty", max_length=300),
    Field("strength", max_length=300),
    Field("longest_job", max_length=300),
)
_PAY = (
    Field("rank_code", max_length=20),
    Field("rank_date", "date"),
    Field("step", "int"),
    Field("coefficient", "decimal", precision=4, scale=2),
    Field("step_date", "date"),
    Field("percent", "decimal", precision=5, scale=2),
    Field("overframe_percent", "int"),
    Field("overframe_date", "date"),
    Field("job_position", max_length=200),
    Field("job_position_code", max_length=30),
    Field("job_position_step", "int"),
    Field("job_position_amount", "decimal", precision=12, scale=0),
)
_REST = (
    Field("health", max_length=200),
    Field("height_cm", "int"),
    Field("weight_kg", "int"),
    Field("blood_group", max_length=4),
    Field("arrest_statement", max_length=1000),
    Field("unit_comment", max_length=2000),
)

STAFF_PROFILE = Schema(
    name="staff_profile",
    version=1,
    fields=(*_HEADER, *_PERSON, *_RECRUITMENT, *_STANDING, *_POST, *_PAY, *_REST),
    rows=(*CAREER, *LEARNING, *LIFE),
)
