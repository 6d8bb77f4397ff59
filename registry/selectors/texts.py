"""A whole document in words: every value as people read it, in the clear. What may be shown of it is the caller's question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from registry.fields import LISTS, SECTION_FIELDS
from registry.models import StaffProfile
from registry.targets import show_together
from workflows.documents import Document, parse
from workflows.models import RecordVersion

KIND = "staff_profile"
Row = Mapping[str, str]


@dataclass(frozen=True)
class DocumentTexts:
    """`fields`: text by field name, "" where nothing is known. `rows`: by list, its rows as text by column, the earliest first."""

    fields: Mapping[str, str]
    rows: Mapping[str, Sequence[Row]]

    def of_column(self, document: Document, rows: str, column: str) -> dict[Any, str]:
        """The values of one column of a list in words, by value."""
        return {row[column]: said[column] for row, said in zip(sorted(document[rows], key=in_time), self.rows[rows], strict=True)}


def document_get(*, profile: StaffProfile) -> Document:
    """The ledger's document of the file's present version."""
    version = RecordVersion.objects.select_related("document").get(kind=KIND, key=profile.pk, version=profile.version)
    return parse(bytes(version.document.body))


def document_texts(document: Document) -> DocumentTexts:
    """All fields and rows in words; codes, units, areas and ranks are looked up for all of them together."""
    names = [name for names in SECTION_FIELDS.values() for name in names]
    wanted: dict[str, set[Any]] = {name: {document[name]} for name in names}
    wanted |= {f"{one.name}.{column.name}": {row[column.name] for row in document[one.name]} for one in LISTS for column in one.columns}
    texts = show_together(wanted)
    return DocumentTexts(
        fields={name: texts[name][document[name]] for name in names},
        rows={
            one.name: [
                {column.name: texts[f"{one.name}.{column.name}"][row[column.name]] for column in one.columns}
                for row in sorted(document[one.name], key=in_time)
            ]
            for one in LISTS
        },
    )


def in_time(row: Document) -> tuple[str, int]:
    """Sorts rows by when they begin, undated ones first; rows without a date keep the order of the document."""
    return (str(row.get("valid_from") or ""), int(row.get("year") or 0))
