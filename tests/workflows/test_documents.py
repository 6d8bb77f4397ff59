"""Canonical bytes against an independent RFC 8785 implementation, and what a document refuses."""

import hashlib

import jsonschema_rs
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from tests.workflows.toy import NOTE
from workflows.documents import canonical, digest, parse, plain_value

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=40)
VALUES = st.none() | st.booleans() | st.integers(-(2**31), 2**31 - 1) | TEXT


@given(
    st.dictionaries(
        st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=12), VALUES | st.lists(st.dictionaries(st.just("a"), VALUES)), max_size=8
    )
)
def test_canonical_bytes_are_those_of_rfc8785(value):
    assert canonical(value) == rfc8785.dumps(value)
    assert parse(canonical(value)) == value


def test_digest_is_sha256():
    assert digest(b"abc") == hashlib.sha256(b"abc").digest()


def test_merge_is_total_and_sorts_rows():
    document = NOTE.merge(None, {"name": "Sổ", "lines": [{"text": "b"}, {"text": "a"}]})
    assert NOTE.problems(document) == []
    assert [row["text"] for row in document["lines"]] == ["a", "b"]
    assert NOTE.merge(document, {}) == document
    assert NOTE.changed(document, NOTE.merge(document, {"count": 2})) == ["count"]


@pytest.mark.parametrize(
    ("patch", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "a\x00"}, "name"),
        ({"name": "Hoa\u0300"}, "name"),  # NFD
        ({"name": "x" * 51}, "name"),
        ({"name": 5}, "name"),
        ({"day": "2026-02-30"}, "day"),
        ({"day": "today"}, "day"),
        ({"day": "1/2/2024"}, "day"),
        ({"day": "2026-01-01\n"}, "day"),
        ({"amount": "1.5"}, "amount"),
        ({"amount": "NaN"}, "amount"),
        ({"amount": "12345.00"}, "amount"),
        ({"amount": 1.5}, "amount"),
        ({"count": "0x1F"}, "count"),
        ({"count": True}, "count"),
        ({"count": 2**31}, "count"),
        ({"urgent": "yes"}, "urgent"),
        ({"unit": "H15"}, "unit"),
        ({"stranger": "x"}, "stranger"),
        ({"lines": [{"text": "a", "day": "2026-13-01"}]}, "lines[0].day"),
        ({"lines": [{"text": "a"}, {"text": "a"}]}, "lines[1]"),
        ({"lines": [{"who": "x"}]}, "lines[0].who"),
    ],
)
def test_what_cannot_stand_in_a_document_is_named(patch, field):
    assert [problem.field for problem in NOTE.problems(NOTE.merge(None, {"name": "Sổ", **patch}))] == [field]


def test_missing_key_and_other_schema_are_named():
    document = NOTE.merge(None, {"name": "Sổ"})
    del document["day"]
    document["schema"] = "toy_note/2"
    assert {problem.field for problem in NOTE.problems(document)} == {"day", "schema"}


def test_json_schema_accepts_what_problems_accepts():
    validator = jsonschema_rs.Draft202012Validator(NOTE.json_schema())
    good = NOTE.merge(None, {"name": "Sổ", "amount": "1.50", "lines": [{"text": "a"}]})
    assert validator.is_valid(good)
    for bad in ({**good, "name": ""}, {**good, "x": 1}, {**good, "day": "1/2/2024"}):
        assert not validator.is_valid(bad)


def test_plain_value_normalises_text_only():
    from datetime import date

    assert plain_value("  Hoa\u0300  ") == "Hoà"
    assert plain_value("") is None
    assert plain_value(date(2026, 1, 2)) == "2026-01-02"
    assert plain_value(3) == 3
