"""The documents `rank_entry/1` and `step_entry/1`: one rank, and one step of one salary class, as an agency adds or changes it."""

from workflows.documents import Field, Schema

RANK_ENTRY = Schema(
    name="rank_entry",
    version=1,
    fields=(
        Field("code", max_length=20, required=True),
        Field("title", max_length=200, required=True),
        Field("category", max_length=20, required=True),
        Field("grade", max_length=5),
        Field("salary_class", max_length=10),
        Field("old_code", max_length=20),
        Field("valid_from", "date"),
        Field("valid_to", "date"),
        Field("source", max_length=200, required=True),
    ),
)
STEP_ENTRY = Schema(
    name="step_entry",
    version=1,
    fields=(
        Field("salary_class", max_length=10, required=True),
        Field("step", "int", required=True),
        Field("coefficient", "decimal", precision=4, scale=2, required=True),
        Field("months", "int", required=True),
        Field("max_step", "int", required=True),
        Field("source", max_length=200, required=True),
    ),
)
