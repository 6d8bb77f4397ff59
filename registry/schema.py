"""The document `staff_profile/1`: items 0a-0c, 1-10, 13-15, 19, 30.1 and 33 of the form in Circular 06/2023/TT-BNV.

Addresses are kept as declared (text) beside the key of the area, when it is known; an area key is `<year>-<code>`, the year
of the decision that gave the code (2004 or 2025), since 2,179 codes changed meaning on 1 July 2025. Old places are not rewritten.
"""

from workflows.documents import Field, Rows, Schema

POSTINGS = Rows(
    "postings",
    (
        Field("title", max_length=200, required=True),
        Field("unit", "uuid", column="unit_id"),
        Field("unit_name", max_length=250),
        Field("valid_from", "date", required=True),
        Field("valid_to", "date"),
    ),
)

STAFF_PROFILE = Schema(
    name="staff_profile",
    version=1,
    fields=(
        Field("managing_agency", "uuid", column="managing_agency_id", required=True),
        Field("using_unit", "uuid", column="using_unit_id", required=True),
        Field("staff_number", max_length=20),
        Field("birth_name", max_length=100, required=True),
        Field("gender", max_length=2, required=True),
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
        Field("current_address", max_length=300, required=True),
        Field("current_address_area", max_length=12),
        Field("first_recruit_date", "date", required=True),
        Field("recruiting_agency", max_length=250, required=True),
        Field("current_agency_date", "date", required=True),
        Field("personnel_type", max_length=10, required=True),
        Field("party_join_date", "date"),
        Field("general_education", max_length=4, required=True),
        Field("rank_code", max_length=20),
        Field("rank_date", "date"),
        Field("step", "int"),
        Field("coefficient", "decimal", precision=4, scale=2),
        Field("step_date", "date"),
        Field("percent", "decimal", precision=5, scale=2),
    ),
    rows=(POSTINGS,),
)
