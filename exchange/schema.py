"""The document `transfer_release/1`: an agency lets a person go to another one, and names exactly what it hands over."""

from workflows.documents import Field, Schema

HOLD_CAUSE = "transfer"  # of the hold on the file of who is let go

TRANSFER_RELEASE = Schema(
    name="transfer_release",
    version=1,
    fields=(
        Field("person", "uuid", required=True),
        Field("person_name", max_length=100, required=True),
        Field("person_version", "int", required=True),
        Field("person_digest", max_length=64, required=True),
        Field("unit", "uuid", column="unit_id", required=True),
        Field("from_agency", max_length=35, required=True),
        Field("to_agency", max_length=35, required=True),
        Field("to_agency_name", max_length=250, required=True),
        Field("effective_on", "date", required=True),
        Field("decision_number", max_length=50, required=True),
        Field("decision_date", "date", required=True),
        Field("note", max_length=500),
    ),
)
