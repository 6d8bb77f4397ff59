import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID
from django.core.management import CommandError, call_command

from config.demo.pki import DemoAuthority, certificate_of, issue_certificates
from signing_agent.sign import sign_manifest
from tests.workflows.certificates import AN, BINH, MOMENT, manifest
from workflows.cms import TrustStore, bind_to_agency, bind_to_person, verify_detached

PIN = "123456"


def test_people_get_certificates_that_verify_and_bind(tmp_path):
    files = issue_certificates([AN, BINH], directory=tmp_path, pin=PIN)
    body = manifest()

    signature = sign_manifest(p12=files["binh"].read_bytes(), pin=PIN, manifest=body, signed_at=MOMENT)
    verified = verify_detached(content=body, signature=signature, moment=MOMENT, trust=TrustStore.load(tmp_path / "trust"))

    assert files["binh"] == tmp_path / "pki" / "binh.p12"
    bind_to_person(verified, personal_number=BINH.personal_number)
    bind_to_agency(verified, organization_identifier="H15")


def test_a_second_start_keeps_everything_and_renews_the_lists(tmp_path):
    # given a first start
    files = issue_certificates([AN], directory=tmp_path, pin=PIN)
    kept = [
        *files.values(),
        *(tmp_path / "pki" / name for name in ("root.key", "root.pem", "issuing.key", "issuing.pem")),
        tmp_path / "trust" / "root.pem",
    ]
    before = [file.read_bytes() for file in kept]
    lists = {name: (tmp_path / "trust" / name).read_bytes() for name in ("root.crl", "issuing.crl")}

    # when it starts again with one person more
    again = issue_certificates([AN, BINH], directory=tmp_path, pin=PIN)

    # then only the lists and the newcomer's certificate are new
    assert [file.read_bytes() for file in kept] == before
    assert set(again) == {"an", "binh"}
    for name, old in lists.items():
        new = (tmp_path / "trust" / name).read_bytes()
        assert new != old
        assert x509.load_pem_x509_crl(new).next_update_utc > datetime.now(UTC) + timedelta(days=3650)


def test_certificates_last_ten_years_from_2025(tmp_path):
    authority = DemoAuthority(tmp_path)
    person = certificate_of(authority.issue(AN, pin=PIN), PIN)

    for certificate in (authority.root.certificate, authority.issuing.certificate, person):
        assert (certificate.not_valid_before_utc, certificate.not_valid_after_utc) == (
            datetime(2025, 1, 1, tzinfo=UTC),
            datetime(2035, 1, 1, tzinfo=UTC),
        )
        assert isinstance(certificate.signature_hash_algorithm, hashes.SHA256)
    parts = {attribute.oid: attribute.value for attribute in person.subject}
    assert parts[NameOID.USER_ID] == "CCCD:066075001234"
    assert parts[NameOID.ORGANIZATION_IDENTIFIER] == "H15"


def test_keys_are_readable_by_their_owner_only(tmp_path):
    files = issue_certificates([AN], directory=tmp_path, pin=PIN)

    for file in (files["an"], tmp_path / "pki" / "root.key", tmp_path / "pki" / "issuing.key"):
        assert file.stat().st_mode & 0o077 == 0
    assert (tmp_path / "pki").stat().st_mode & 0o077 == 0


def test_only_what_verifiers_need_is_in_the_trust_folder(tmp_path):
    issue_certificates([AN], directory=tmp_path / "var", pin=PIN, trust=tmp_path / "elsewhere")

    assert sorted(file.name for file in (tmp_path / "elsewhere").iterdir()) == ["issuing.crl", "root.crl", "root.pem"]


def test_a_revocation_survives_the_next_start(tmp_path):
    authority = DemoAuthority(tmp_path / "pki")
    certificate = certificate_of(authority.issue(AN, pin=PIN), PIN)
    authority.revoke(certificate, moment=MOMENT)

    issue_certificates([], directory=tmp_path, pin=PIN)

    published = x509.load_pem_x509_crl((tmp_path / "trust" / "issuing.crl").read_bytes())
    entry = published.get_revoked_certificate_by_serial_number(certificate.serial_number)
    assert entry is not None
    assert entry.revocation_date_utc == MOMENT


def test_the_command_makes_what_a_list_of_people_names(tmp_path, capsys):
    people = tmp_path / "people.json"
    people.write_text(json.dumps([{**AN.__dict__}]), encoding="utf-8")

    call_command("demo_pki", directory=tmp_path, trust=tmp_path / "trust", people=people, pin="777777")

    assert f"an: {tmp_path}/pki/an.p12" in capsys.readouterr().out
    assert certificate_of((tmp_path / "pki" / "an.p12").read_bytes(), "777777").subject.rfc4514_string()


@pytest.mark.parametrize("content", ["{", '[{"login": "an"}]', "[1]"])
def test_the_command_says_what_a_list_of_people_looks_like(tmp_path, content):
    people = tmp_path / "people.json"
    people.write_text(content, encoding="utf-8")

    with pytest.raises(CommandError, match="personal_number"):
        call_command("demo_pki", directory=tmp_path, trust=tmp_path / "trust", people=people)
