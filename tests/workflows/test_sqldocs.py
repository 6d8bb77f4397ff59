"""What the database computes from the live tables is, byte for byte, the document that was signed."""

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workflows.documents import canonical, plain_value
from workflows.models import StoredDocument
from workflows.sqldocs import live_bodies

CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\x00")
TEXT = st.text(CHARACTERS, min_size=1, max_size=30).map(plain_value)
DAY = st.dates().map(str)
LINE = st.fixed_dictionaries({"text": st.none() | TEXT, "day": st.none() | DAY})
NOTE = st.fixed_dictionaries(
    {
        "name": st.text(CHARACTERS, min_size=1, max_size=40).map(plain_value).filter(lambda text: text and "bad" not in text),
        "amount": st.none() | st.decimals(-9999, 9999, places=2, allow_nan=False).map(lambda n: f"{n:.2f}".replace("-0.00", "0.00")),
        "count": st.none() | st.integers(-999_999_999, 999_999_999),
        "day": st.none() | DAY,
        "urgent": st.none() | st.booleans(),
        "lines": st.lists(LINE, max_size=4, unique_by=canonical),
    }
)


@pytest.mark.usefixtures("gate")
@settings(max_examples=14, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(NOTE, min_size=1, max_size=8))
def test_document_to_live_tables_to_document(gate, notes):
    # given any documents, applied
    proposals = [gate.proposal(ref=n, **note) for n, note in enumerate(notes)]
    gate.applied(*proposals)
    # when the database writes them from its columns
    with connection.cursor() as cursor:
        cursor.execute(f"select id, digest, body from ({live_bodies(gate.notes)}) x where id = any(%s)", [[one.key for one in proposals]])
        rows = cursor.fetchall()
    # then the bytes are those of the ledger
    assert len(rows) == len(notes)
    for _key, digest, body in rows:
        assert bytes(body) == bytes(StoredDocument.objects.get(pk=digest).body)
