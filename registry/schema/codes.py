"""The document `code_entry/1`: one code of one list, as an agency adds or changes it. `aliases` are separated by "|"."""

from workflows.documents import Field, Schema

CODE_ENTRY = Schema(
    name="code_entry",
    version=1,
    fields=(
        Field("list", max_length=30, required=True),
        Field("code", max_length=20, required=True),
        Field("name_vi", max_length=200, required=True),
        Field("name_en", max_length=200),
        Field("sort", "int"),
        Field("valid_from", "date"),
        Field("valid_to", "date"),
        Field("aliases", max_length=1000),
        Field("source", max_length=300, required=True),
    ),
)
