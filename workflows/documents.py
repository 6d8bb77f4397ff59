"""Canonical documents: what a record is at one moment, as bytes that anyone can recompute.

A document is a JSON object with ASCII keys whose values are strings, integers, booleans, null, or lists of such objects
(one level of rows). It is *total*: every key of its schema is present, null where nothing is known, never "". Its
canonical bytes are RFC 8785 (JCS); its digest is their SHA-256. Rows are kept sorted by their own canonical bytes, so
that the database can recompute the same bytes from the live tables (`workflows.sqldocs`).

Not here: where documents are stored (models), and what a rule thinks of them (rules).
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any, Literal
from uuid import UUID

import msgspec

Document = dict[str, Any]
FieldType = Literal["text", "date", "int", "decimal", "uuid", "bool"]

_encode = msgspec.json.Encoder(order="sorted").encode
_decode = msgspec.json.Decoder().decode

# Strict text forms, ISO only: PostgreSQL's own input accepts "today", "1/2/2024", "0x1F", "1_000" and "NaN".
PATTERNS: dict[str, str] = {
    "date": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
    "uuid": r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
    "int": r"^-?[0-9]{1,9}$",
    "decimal": r"^-?[0-9]{1,15}(\.[0-9]{1,6})?$",
}
_NO_TEXT = re.compile("[\x00\ud800-\udfff]")
_COMPILED = {name: re.compile(pattern) for name, pattern in PATTERNS.items()}


def canonical(value: Any) -> bytes:
    """RFC 8785 bytes of a value made of ASCII-keyed objects, lists, strings, integers, booleans and null."""
    return _encode(value)


def digest(body: bytes) -> bytes:
    """SHA-256, 32 bytes."""
    return hashlib.sha256(body).digest()


def parse(body: bytes) -> Document:
    return _decode(body)


@dataclass(frozen=True)
class Field:
    """One value of a document. `column` is the live table's column; `scale` the digits after the point of a decimal."""

    name: str
    type: FieldType = "text"
    column: str = ""
    max_length: int = 1000
    precision: int = 0
    scale: int = 0
    required: bool = False

    def __post_init__(self) -> None:
        if not self.column:
            object.__setattr__(self, "column", self.name)

    @property
    def sql_type(self) -> str:
        return {"text": "text", "date": "date", "int": "integer", "uuid": "uuid", "bool": "boolean"}.get(
            self.type, f"numeric({self.precision},{self.scale})"
        )

    def problem(self, value: Any) -> str | None:
        """Why `value` cannot stand in a document, as a short English reason, or None."""
        if value is None:
            return None
        if self.type == "text" and value.__class__ is str:
            return self._text_problem(value)
        if self.type == "bool":
            return None if isinstance(value, bool) else "must be true or false"
        if self.type == "int":
            return None if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**31 else "must be a whole number"
        if not isinstance(value, str):
            return "must be text"
        if self.type == "text":
            return self._text_problem(value)
        if not _COMPILED[self.type].match(value) or value.endswith("\n"):
            return f"is not a {self.type} in its ISO form"
        if self.type == "date":
            return _date_problem(value)
        if self.type == "decimal" and not self._decimal_form.match(value):
            return f"must have {self.scale} digits after the point" if self.scale else "must be a whole number without a point"
        return None

    def _text_problem(self, value: str) -> str | None:
        if value == "":
            return "must be null instead of empty text"
        if len(value) > self.max_length:
            return f"is longer than {self.max_length} characters"
        if not value.isprintable() and _NO_TEXT.search(value):  # neither of those is printable, and asking for that costs less
            return "holds characters that are not text"
        return None if value.isascii() or unicodedata.is_normalized("NFC", value) else "must be in Unicode NFC"

    @cached_property
    def _decimal_form(self) -> re.Pattern[str]:
        whole = max(self.precision - self.scale - 1, 0)
        fraction = rf"\.[0-9]{{{self.scale}}}" if self.scale else ""
        return re.compile(rf"^-?(0|[1-9][0-9]{{0,{whole}}}){fraction}$")


@dataclass(frozen=True)
class Rows:
    """A list of rows inside a document, for example the postings of a person."""

    name: str
    fields: tuple[Field, ...]

    def blank(self) -> Document:
        return {item.name: None for item in self.fields}


@dataclass(frozen=True)
class Problem:
    """What is wrong with one value: `field` is a name, or list[index].name for a row."""

    field: str
    value: Any
    reason: str


@dataclass(frozen=True)
class Schema:
    """The keys and types of one kind of document, with its version. A new field is a new version; old bytes stay."""

    name: str
    version: int
    fields: tuple[Field, ...]
    rows: tuple[Rows, ...] = ()
    _names: frozenset[str] = field(init=False, repr=False, compare=False, default=frozenset())
    _blank: Mapping[str, Any] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        names = ["schema", *(f.name for f in self.fields), *(r.name for r in self.rows)]
        if len(names) != len(set(names)) or not all(name.isascii() for name in names):
            raise ValueError(f"{self.name}: names are ASCII and stand once")
        object.__setattr__(self, "_names", frozenset(names))
        blank = {"schema": self.identifier, **{f.name: None for f in self.fields}, **{r.name: () for r in self.rows}}
        object.__setattr__(self, "_blank", blank)

    @property
    def identifier(self) -> str:
        return f"{self.name}/{self.version}"

    def blank(self) -> Document:
        """A total document with nothing in it."""
        return {**self._blank, **{r.name: [] for r in self.rows}}

    def merge(self, before: Document | None, patch: Mapping[str, Any]) -> Document:
        """The document after `patch`: named keys replaced (a list of rows as a whole), rows completed and sorted."""
        after = {**(before or self._blank), **patch, "schema": self.identifier}
        for rows in self.rows:
            given = after[rows.name]
            after[rows.name] = sorted(({**rows.blank(), **row} for row in given), key=_encode) if given else []
        return after

    def problems(self, document: Document) -> list[Problem]:
        """Everything that keeps `document` from being a total, well-typed document of this schema."""
        found = [
            Problem(name, document.get(name), "is missing" if name in self._names else "is not a field of this record")
            for name in (() if document.keys() == self._names else sorted(document.keys() ^ self._names))
        ]
        if document.get("schema") != self.identifier:
            found.append(Problem("schema", document.get("schema"), f"must be {self.identifier}"))
        filled = ((item, value) for item in self.fields if (value := document.get(item.name)) is not None)
        found += [Problem(item.name, value, reason) for item, value in filled if (reason := item.problem(value)) is not None]
        for rows in self.rows:
            if (value := document.get(rows.name)) != []:  # most of a file's lists are empty
                found += self._row_problems(rows, value)
        return found

    def _row_problems(self, rows: Rows, value: Any) -> Iterator[Problem]:
        if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
            yield Problem(rows.name, value, "must be a list of rows")
            return
        names = {item.name for item in rows.fields}
        seen: set[bytes] = set()
        for index, row in enumerate(value):
            for name in sorted(row.keys() ^ names):
                yield Problem(f"{rows.name}[{index}].{name}", row.get(name), "is missing" if name in names else "is not a field of this row")
            for item in rows.fields:
                if (reason := item.problem(row.get(item.name))) is not None:
                    yield Problem(f"{rows.name}[{index}].{item.name}", row.get(item.name), reason)
            body = _encode(row)
            if body in seen:
                yield Problem(f"{rows.name}[{index}]", None, "stands twice")
            seen.add(body)
        if value != sorted(value, key=_encode):
            yield Problem(rows.name, None, "is not in canonical order")

    def changed(self, before: Document | None, after: Document) -> list[str]:
        """Names of the top-level keys that differ, sorted; every filled key for a new record."""
        if before is None:
            return sorted([name for name, value in after.items() if value is not None and value != [] and name != "schema"])
        return sorted(name for name in after if before.get(name) != after[name] and name != "schema")

    def json_schema(self) -> Document:
        """JSON Schema (2020-12) of the document, for publication."""

        def value(item: Field) -> Document:
            kinds = {"int": "integer", "bool": "boolean"}
            shape: Document = {"type": [kinds.get(item.type, "string"), "null"]}
            if item.type in ("date", "uuid", "decimal"):
                shape["pattern"] = PATTERNS[item.type]
            if item.type == "text":
                shape |= {"minLength": 1, "maxLength": item.max_length}
            return shape

        def table(items: Sequence[Field]) -> Document:
            return {
                "type": "object",
                "additionalProperties": False,
                "required": sorted(f.name for f in items),
                "properties": {f.name: value(f) for f in items},
            }

        shape = table(self.fields)
        shape["properties"]["schema"] = {"const": self.identifier}
        for rows in self.rows:
            shape["properties"][rows.name] = {"type": "array", "items": table(rows.fields)}
        shape["required"] = sorted(self._names)
        return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": self.identifier, **shape}


def _date_problem(value: str) -> str | None:
    try:
        date.fromisoformat(value)
    except ValueError:
        return "is not a day of the calendar"
    return None


def plain_value(value: Any) -> Any:
    """A Python value as it stands in a document: dates and UUIDs as text, text in NFC without outer spaces, "" as null."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value).strip() or None
    return value
