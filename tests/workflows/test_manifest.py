import json
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from tests.workflows.certificates import MOMENT, manifest
from workflows.manifest import MAX_BYTES, ManifestInvalid, read_manifest, visible

NAMES = st.text(min_size=1, max_size=60).filter(visible)


def test_manifest_says_what_it_was_built_from():
    statement = read_manifest(manifest())

    assert (statement.schema, statement.purpose, statement.authority) == ("manifest/1", "approve", "H15")
    assert (statement.request, statement.unit, statement.stage) == (UUID(int=1), UUID(int=2), 1)
    assert statement.root_hash == bytes(range(32))
    assert (statement.count, statement.covered, statement.excluded) == (200, 196, [3, 4, 5, 17])
    assert statement.kinds == {"staff_profile": 188, "org_unit": 12}
    assert statement.prepared_at == MOMENT


def test_bytes_are_fixed_for_ever():
    # given the parts, then exactly these bytes: stored signatures cover them, so this test may never be changed to pass
    body = manifest(title="Đề nghị 1", unit_name=None, unit=None, kinds={"staff_profile": 200}, excluded=[])

    assert body.decode() == (
        '{"authority":"H15","count":200,"decider":{"name":"Nguyễn Văn An","user":"an"},"excluded":[],"kinds":{"staff_profile":200},'
        '"prepared_at":"2026-11-02T09:00:00Z","purpose":"approve","request":"00000000-0000-0000-0000-000000000001",'
        '"root":"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f","schema":"manifest/1","stage":1,'
        '"title":"Đề nghị 1","unit":null,"unit_name":null}'
    )


def test_time_is_kept_as_utc_to_the_second():
    vietnam = datetime(2026, 11, 2, 16, 0, 0, 999_999, tzinfo=timezone(timedelta(hours=7)))

    assert b'"prepared_at":"2026-11-02T09:00:00Z"' in manifest(prepared_at=vietnam)


@given(title=NAMES, unit_name=NAMES, name=NAMES, excluded=st.sets(st.integers(0, 199), max_size=50), when=st.datetimes(timezones=st.just(UTC)))
def test_every_manifest_is_rfc_8785_and_reads_back(title, unit_name, name, excluded, when):
    body = manifest(title=title, unit_name=unit_name, decider={"name": name, "user": "u"}, excluded=excluded, prepared_at=when)

    statement = read_manifest(body)
    assert rfc8785.dumps(json.loads(body)) == body
    assert statement.excluded == sorted(excluded)
    assert statement.title == visible(title)


def test_what_no_eye_can_see_is_left_out_of_the_texts():
    # given a title that a right-to-left override would make read as another one
    body = manifest(title="Duyệt \u202egnơưl gnăt\u202c\n 3 người\u200b")

    assert read_manifest(body).title == "Duyệt gnơưl gnăt 3 người"


@pytest.mark.parametrize(
    "changes",
    [
        {"count": 0},
        {"kinds": {"staff_profile": 199}},
        {"kinds": {}},
        {"kinds": {"Staff Profile": 200}},
        {"excluded": [200]},
        {"excluded": [-1]},
        {"excluded": [3, 3]},
        {"excluded": list(range(200))},
        {"root": b"short"},
        {"title": " \u200b "},
        {"title": "x" * 501},
        {"authority": "H15;"},
        {"purpose": "delete"},
        {"stage": 0},
        {"prepared_at": datetime(2026, 11, 2)},  # noqa: DTZ001
    ],
    ids="-".join,
)
def test_parts_that_make_no_manifest_are_refused(changes):
    with pytest.raises(ManifestInvalid):
        manifest(**changes)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'{"authority"', b'{ "authority"'),
        (b'"stage":1,', b'"stage":1.0,'),
        (b'"stage":1,', b'"stage":true,'),
        (b'"stage":1,', b'"stage":1,"stage":1,'),
        (b'"stage":1,', b'"stage":1,"more":1,'),
        (b'"stage":1,', b""),
        (b"manifest/1", b"manifest/2"),
        (b"2026-11-02T09:00:00Z", b"2026-11-02T16:00:00+07:00"),
        (b"2026-11-02T09:00:00Z", b"2026-11-02T09:00:00.5Z"),
        (b"2026-11-02T09:00:00Z", b"2026-11-02T09:00:00"),
        (b"[3,4,5,17]", b"[4,3,5,17]"),
        (b"0a0b", b"0A0b"),
        ("Cập nhật".encode(), "Cập\u200b nhật".encode()),
        ("Cập nhật".encode(), "C\u00e2\u0323p nhật".encode()),
        (b'"H15"', b'"\\u004815"'),
        (b"}", b"}\n"),
    ],
    ids=lambda value: value.decode()[:24],
)
def test_bytes_that_are_not_canonical_are_refused(old, new):
    body = manifest()
    assert old in body

    with pytest.raises(ManifestInvalid):
        read_manifest(body.replace(old, new) if old != b"}" else body + b"\n")


RUBBISH = [b"", b"null", b"[]", b"{}", b"\xff\xfe", b"[" * 100_000, b'{"a":' * 100_000, b"0" * (MAX_BYTES + 1)]


@pytest.mark.parametrize("body", RUBBISH, ids=lambda body: str(body[:6]))
def test_rubbish_is_refused(body):
    with pytest.raises(ManifestInvalid):
        read_manifest(body)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_manifest_or_refused(body):
    with pytest.raises(ManifestInvalid):
        read_manifest(body)


@given(offset=st.integers(0, 10_000), value=st.integers(0, 255))
def test_a_changed_byte_is_refused_or_says_something_else(offset, value):
    body = bytearray(manifest())
    original = read_manifest(bytes(body))
    offset %= len(body)
    changed = body[offset] != value
    body[offset] = value

    try:
        statement = read_manifest(bytes(body))
    except ManifestInvalid:
        return
    assert (statement != original) == changed


def test_a_refusal_names_the_field():
    with pytest.raises(ManifestInvalid, match="title"):
        manifest(title="")
