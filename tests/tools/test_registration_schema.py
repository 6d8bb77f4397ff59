"""docs/schema/registration.v1.json says of every registration what the program itself says."""

import json
from datetime import timedelta

import jsonschema_rs
import pytest

from orgtree import clock
from tools.manifest_schema import REGISTRATION_PATH
from workflows.documents import canonical
from workflows.registration import Registration, RegistrationInvalid, build_registration, read_registration


def registration(**more):
    said = {
        "authority": "H15",
        "origin": "https://hoso.daklak.gov.vn:8443",
        "name": "Nguyễn Văn An",
        "user": "an",
        "certificate": "ab" * 32,
        "subject": "CN=Nguyễn Văn An, O=UBND tỉnh Đắk Lắk",
        "nonce": b"n" * 32,
        "issued_at": clock.now(),
        "lasts": timedelta(hours=1),
    }
    return build_registration(**{**said, **more})


@pytest.fixture(scope="module")
def published():
    return jsonschema_rs.Draft202012Validator(json.loads(REGISTRATION_PATH.read_text()), validate_formats=True)


@pytest.mark.parametrize("more", [{}, {"origin": "http://127.0.0.1:8000"}, {"origin": "https://[::1]:8443"}, {"name": "H'Bia Êban"}])
def test_registrations_fit_it(published, more):
    assert published.is_valid(json.loads(registration(**more)))


@pytest.mark.parametrize(
    "wrong",
    [
        {"schema": "registration/2"}, {"purpose": "approve"}, {"authority": ""}, {"origin": "ftp://x"}, {"origin": "https://Hoso/path"},
        {"certificate": "AB" * 32}, {"nonce": "00"}, {"subject": ""}, {"account": {"name": "An"}}, {"issued_at": "2026-11-02"},
        {"expires_at": "2026-11-02T08:00:00+07:00"}, {"more": 1},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_registration_fits_neither_it_nor_the_program(published, wrong):
    said = {**json.loads(registration()), **wrong}
    assert not published.is_valid(said)
    with pytest.raises(RegistrationInvalid):
        read_registration(canonical(said))


@pytest.mark.parametrize("name", Registration.__struct_fields__)
def test_nothing_of_it_may_be_left_out(published, name):
    said = json.loads(registration())
    del said[name]
    assert not published.is_valid(said)
    with pytest.raises(RegistrationInvalid):
        read_registration(canonical(said))
