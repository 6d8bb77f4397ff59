"""The document `org_unit/1`: a node of the organisation tree as it will be."""

from workflows.documents import Field, Schema

ORG_UNIT = Schema(
    name="org_unit",
    version=1,
    fields=(
        Field("code", max_length=35, required=True),
        Field("name", max_length=250, required=True),
        Field("short_name", max_length=100),
        Field("kind", max_length=20, required=True),
        Field("area", max_length=12, column="area_id"),
        Field("parent", "uuid", column="parent_id"),
        Field("order_no", "int"),
        Field("valid_from", "date", required=True),
        Field("valid_to", "date"),
    ),
)
