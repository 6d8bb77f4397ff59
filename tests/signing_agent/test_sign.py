import subprocess
import sys
from datetime import timedelta

import pytest
from asn1crypto import cms
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12

from config.demo.pki import certificate_of
from signing_agent.keys import KeyFileInvalid, PinWrong, check_key_file
from signing_agent.sign import CertificateNotCurrent, PurposeRefused, sign_manifest
from tests.workflows.certificates import AN, MOMENT, PIN, World, manifest
from workflows.manifest import ManifestInvalid

BODY = manifest()


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return World.make(tmp_path_factory.mktemp("world"))


def test_the_signature_is_detached_cades_with_its_chain(world):
    signed = cms.ContentInfo.load(world.sign(BODY))["content"]

    (signer,) = signed["signer_infos"]
    assert signed["encap_content_info"]["content"].native is None
    assert signer["digest_algorithm"]["algorithm"].native == "sha256"
    assert {attribute["type"].native for attribute in signer["signed_attrs"]} == {
        "content_type",
        "message_digest",
        "signing_time",
        "signing_certificate_v2",
    }
    # the signer and the issuing authority; the root is the verifier's own
    assert {item.chosen.subject.native["common_name"] for item in signed["certificates"]} == {AN.name, "Hồ Sơ Demo Issuing CA"}


def test_nothing_but_a_manifest_is_ever_signed(world):
    with pytest.raises(ManifestInvalid):
        sign_manifest(p12=world.key(), pin=PIN, manifest=b"I owe you 1,000,000")


def test_what_a_system_accepts_is_not_for_people_to_sign(world):
    with pytest.raises(PurposeRefused):
        sign_manifest(p12=world.key(), pin=PIN, manifest=manifest(purpose="accept"))


@pytest.mark.parametrize("pin", ["", "246811", "2468 10", "số"])
def test_a_wrong_pin_is_refused(world, pin):
    with pytest.raises(PinWrong):
        sign_manifest(p12=world.key(), pin=pin, manifest=BODY)


@pytest.mark.parametrize("days", [(-20, -10), (10, 20)], ids=["expired", "not yet valid"])
def test_a_certificate_out_of_its_time_is_refused_before_signing(world, days):
    first, last = (MOMENT + timedelta(days=day) for day in days)

    with pytest.raises(CertificateNotCurrent):
        world.sign(BODY, p12=world.key(valid_from=first, valid_until=last))


@pytest.mark.parametrize("body", [b"", b"hello", b"\x30\x03\x02\x01\x03", b"\x30\x80"], ids=str)
def test_a_file_that_is_no_key_is_refused_without_a_pin(body):
    with pytest.raises(KeyFileInvalid):
        check_key_file(body)


def test_a_key_file_is_recognised_without_a_pin(world):
    check_key_file(world.key())


def test_a_container_without_a_certificate_is_refused():
    key = ec.generate_private_key(ec.SECP256R1())
    p12 = pkcs12.serialize_key_and_certificates(b"key", key, None, None, serialization.BestAvailableEncryption(PIN.encode()))

    with pytest.raises(KeyFileInvalid):
        sign_manifest(p12=p12, pin=PIN, manifest=BODY)


def test_the_program_loads_nothing_of_the_server_but_the_manifest():
    # given a process of its own, then neither Django nor more of the server than it must share comes in
    code = "import sys, signing_agent.__main__; print(*sys.modules)"

    names = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    ours = {"django", "config", "orgtree", "workflows", "registry", "planning", "exchange"}
    loaded = sorted(name for name in names if name.split(".")[0] in ours)
    assert loaded == ["workflows", "workflows.coroutines", "workflows.documents", "workflows.manifest", "workflows.registration"]


def test_the_certificate_in_the_container_is_the_persons(world):
    assert certificate_of(world.key(), PIN).subject.rfc4514_string().find("CCCD:066075001234") > 0
    with pytest.raises(ValueError, match="password"):
        certificate_of(world.key(), "0")
