"""The document `former_number/1`: the number of an old identity card (CMND, 9 digits) that a person once had.

It stands beside the file and not in it: what is signed as a file (`staff_profile/1`) knows only the number of today. `unit` is the
person's unit when it was recorded, `withdrawn` says why the entry turned out to be wrong: nothing is deleted.
"""

from workflows.documents import Field, Schema

FORMER_NUMBER = Schema(
    name="former_number",
    version=1,
    fields=(
        Field("staff", "uuid", column="staff_id", required=True),
        Field("unit", "uuid", column="unit_id", required=True),
        Field("number", max_length=9, required=True),
        Field("issued_on", "date"),
        Field("issued_by", max_length=200),
        Field("source", max_length=300, required=True),
        Field("withdrawn", max_length=300),
    ),
)
