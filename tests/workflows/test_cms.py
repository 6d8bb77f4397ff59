import asyncio
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from asn1crypto import cms, x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs7, pkcs12
from cryptography.x509 import load_pem_x509_crl
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from config.demo.pki import DemoAuthority, certificate_of
from tests.workflows.certificates import AN, BINH, MOMENT, PIN, World, edited, manifest, sign_freely
from workflows.cms import MAX_SIGNATURE_BYTES, RefusalCode, SignatureRefused, TrustStore, bind_to_agency, bind_to_person, verify_detached
from workflows.trust import TrustStoreInvalid

C = RefusalCode
BODY = manifest()
MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Shared by tests that change nothing in it."""
    return World.make(tmp_path_factory.mktemp("world"))


@pytest.fixture
def own_world(tmp_path):
    return World.make(tmp_path)


def another_certificate(world):
    """Binh's certificate as an entry of a CMS."""
    der = certificate_of(world.key(BINH), PIN).public_bytes(serialization.Encoding.DER)
    return cms.CertificateChoices(name="certificate", value=x509.Certificate.load(der))


def refusal(world, signature, *, body=BODY, moment=MOMENT):
    with pytest.raises(SignatureRefused) as caught:
        world.verify(body, signature, moment=moment)
    return caught.value.code


# A good signature


def test_a_signature_of_the_agent_holds_and_names_its_signer(world):
    p12 = world.key()

    verified = world.verify(BODY, world.sign(BODY, p12=p12))

    certificate = certificate_of(p12, PIN)
    assert verified.fingerprint == certificate.fingerprint(hashes.SHA256()).hex()
    assert (verified.common_name, verified.personal_number, verified.organization_identifier) == ("Nguyễn Văn An", "066075001234", "H15")
    assert verified.signed_at == MOMENT
    assert [len(verified.chain), verified.chain[0]] == [3, certificate.public_bytes(serialization.Encoding.DER)]
    assert "Nguyễn Văn An" in verified.subject


@pytest.mark.parametrize(
    "key",
    [lambda: rsa.generate_private_key(65537, 2048), lambda: ec.generate_private_key(ec.SECP384R1()), lambda: ec.generate_private_key(ec.SECP521R1())],
    ids=["rsa-2048", "p-384", "p-521"],
)
@pytest.mark.parametrize("digest", ["sha256", "sha384", "sha512"])
def test_other_strong_keys_and_digests_hold(world, key, digest):
    signature = sign_freely(world.key(key=key()), BODY, digest=digest)

    assert world.verify(BODY, signature).personal_number == AN.personal_number


def test_rsa_pss_holds(world):
    signature = sign_freely(world.key(key=rsa.generate_private_key(65537, 2048)), BODY, pss=True)

    assert world.verify(BODY, signature).common_name == AN.name


def test_a_signature_made_by_another_library_holds(world):
    # given a CMS as pyca/cryptography makes it: no signing-certificate attribute, no chain order of ours
    key, certificate, chain = pkcs12.load_key_and_certificates(world.key(), PIN.encode())
    builder = pkcs7.PKCS7SignatureBuilder().set_data(BODY).add_signer(certificate, key, hashes.SHA256()).add_certificate(chain[0])
    signature = builder.sign(serialization.Encoding.DER, [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary])

    verified = world.verify(BODY, signature, moment=datetime.now(UTC))

    assert verified.personal_number == AN.personal_number


@pytest.mark.skipif(shutil.which("openssl") is None, reason="the openssl program, a verifier by other people, is not on this machine")
def test_openssl_verifies_what_the_agent_signs(world, tmp_path):
    (tmp_path / "manifest").write_bytes(BODY)
    (tmp_path / "signature").write_bytes(world.sign(BODY))
    command = ["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", "signature", "-content", "manifest", "-purpose", "any"]
    anchor = ["-CAfile", str(world.trust / "root.pem"), "-attime", str(int(MOMENT.timestamp())), "-out", "verified"]

    done = subprocess.run([*command, *anchor], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "verified").read_bytes() == BODY


def test_it_works_inside_a_running_event_loop(world):
    async def view():
        return world.verify(BODY, world.sign(BODY))

    with ThreadPoolExecutor(1) as thread:  # of its own: a browser of the journeys may have a loop running in this one
        assert thread.submit(asyncio.run, view()).result().common_name == AN.name


def test_it_works_in_many_threads_at_once(world):
    signature, store = world.sign(BODY), TrustStore.load(world.trust)
    good = lambda _: verify_detached(content=BODY, signature=signature, moment=MOMENT, trust=store).fingerprint  # noqa: E731

    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(good, range(80)))) == 1


def test_moment_must_know_its_time_zone(world):
    with pytest.raises(ValueError, match="aware"):
        world.verify(BODY, world.sign(BODY), moment=MOMENT.replace(tzinfo=None))


# Not a signature of this manifest


RUBBISH = [b"", b"\x30", b"%PDF-1.7 hello", b"-----BEGIN PKCS7-----", b"\x00" * 1000, b"\x30\x80" * 500]


@pytest.mark.parametrize("rubbish", RUBBISH, ids=lambda body: str(body[:10]))
def test_rubbish_is_not_cms(world, rubbish):
    assert refusal(world, rubbish) == C.NOT_CMS


def test_cms_that_is_not_signed_data_is_not_a_signature(world):
    certificate = certificate_of(world.key(key=rsa.generate_private_key(65537, 2048)), PIN)
    enveloped = pkcs7.PKCS7EnvelopeBuilder().set_data(BODY).add_recipient(certificate).encrypt(serialization.Encoding.DER, [])

    assert refusal(world, enveloped) == C.NOT_CMS


def test_bytes_after_the_signature_are_refused(world):
    assert refusal(world, world.sign(BODY) + b"\x00") == C.NOT_CMS


def test_a_large_file_is_refused_unread(world):
    assert refusal(world, b"\x30" * (MAX_SIGNATURE_BYTES + 1)) == C.TOO_LARGE


def test_an_enveloping_signature_is_refused(world):
    assert refusal(world, sign_freely(world.key(), BODY, detached=False)) == C.NOT_DETACHED


def test_another_manifest_is_refused(world):
    assert refusal(world, world.sign(BODY), body=manifest(title="Khác")) == C.ALTERED


def test_one_changed_byte_of_the_manifest_is_refused(world):
    signature = world.sign(BODY)

    for offset in range(0, len(BODY), 37):
        assert refusal(world, signature, body=BODY[:offset] + bytes([BODY[offset] ^ 1]) + BODY[offset + 1 :]) == C.ALTERED


def test_a_changed_signature_value_is_refused(world):
    def edit(signed):
        value = bytearray(signed["signer_infos"][0]["signature"].native)
        value[-1] ^= 1
        signed["signer_infos"][0]["signature"] = bytes(value)

    assert refusal(world, edited(world.sign(BODY), edit)) == C.ALTERED


def test_a_changed_signing_time_is_refused(world):
    signature = world.sign(BODY)

    assert refusal(world, signature.replace(b"261102090000Z", b"261102090100Z")) == C.ALTERED


def test_somebody_elses_certificate_put_in_is_refused(world):
    # given An's signature with Binh's certificate in place of An's
    def edit(signed):
        other = another_certificate(world)
        mine = next(item for item in signed["certificates"] if item.chosen.subject.native["common_name"] == AN.name)
        signed["certificates"] = [other if item == mine else item for item in signed["certificates"]]
        signer = signed["signer_infos"][0]
        signer["sid"] = {"issuer_and_serial_number": {"issuer": other.chosen.issuer, "serial_number": other.chosen.serial_number}}

    assert refusal(world, edited(world.sign(BODY), edit)) in (C.ALTERED, C.MALFORMED)


# The shape of the file


def test_no_signer_is_refused(world):
    def edit(signed):
        signed["signer_infos"] = []

    assert refusal(world, edited(world.sign(BODY), edit)) == C.NOT_SIGNED_BY_ONE


def test_two_signers_are_refused(world):
    def edit(signed):
        signed["signer_infos"] = [signed["signer_infos"][0], signed["signer_infos"][0]]

    assert refusal(world, edited(world.sign(BODY), edit)) == C.NOT_SIGNED_BY_ONE


def test_no_certificate_inside_is_refused(world):
    def edit(signed):
        signed["certificates"] = []

    assert refusal(world, edited(world.sign(BODY), edit)) == C.MALFORMED


def test_a_crowd_of_certificates_is_refused_before_paths_are_tried(world):
    def edit(signed):
        signed["certificates"] = [*signed["certificates"], *(another_certificate(world) for _ in range(6))]

    assert refusal(world, edited(world.sign(BODY), edit)) == C.MALFORMED


def test_a_signature_over_the_bare_bytes_is_refused(world):
    # given a signature without signed attributes: whoever holds it could pass off attributes as a document, and the reverse
    key, certificate, chain = pkcs12.load_key_and_certificates(world.key(), PIN.encode())
    builder = pkcs7.PKCS7SignatureBuilder().set_data(BODY).add_signer(certificate, key, hashes.SHA256()).add_certificate(chain[0])
    options = [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary, pkcs7.PKCS7Options.NoAttributes]

    assert refusal(world, builder.sign(serialization.Encoding.DER, options)) == C.MALFORMED


# Whom to trust


def test_another_authority_with_the_same_names_is_not_trusted(world, tmp_path):
    forged = World.make(tmp_path)

    assert refusal(world, forged.sign(BODY)) == C.UNTRUSTED


def test_an_authority_of_another_name_is_not_trusted(world, tmp_path, monkeypatch):
    monkeypatch.setattr("config.demo.pki.ROOT_NAME", "Another Root")
    monkeypatch.setattr("config.demo.pki.ISSUING_NAME", "Another Issuer")

    assert refusal(world, World.make(tmp_path).sign(BODY)) == C.UNTRUSTED


def test_a_chain_that_stops_short_is_not_trusted(world):
    assert refusal(world, world.sign(BODY, p12=world.key(chain=False))) == C.UNTRUSTED


def test_a_missing_intermediate_may_lie_in_the_trust_folder(own_world):
    (own_world.trust / "issuing.pem").write_bytes((own_world.authority.directory / "issuing.pem").read_bytes())

    verified = own_world.verify(BODY, own_world.sign(BODY, p12=own_world.key(chain=False)))

    assert len(verified.chain) == 3


def test_an_intermediate_in_the_trust_folder_is_no_anchor(own_world):
    (own_world.trust / "root.pem").rename(own_world.trust / "root.away")
    (own_world.trust / "issuing.pem").write_bytes((own_world.authority.directory / "issuing.pem").read_bytes())

    with pytest.raises(TrustStoreInvalid) as caught:
        own_world.verify(BODY, own_world.sign(BODY))
    assert "no trust anchor" in caught.value.reason


def test_an_expired_certificate_is_refused(world):
    p12 = world.key(valid_until=MOMENT - timedelta(days=1))

    assert refusal(world, sign_freely(p12, BODY)) == C.EXPIRED


def test_a_certificate_of_tomorrow_is_refused(world):
    p12 = world.key(valid_from=MOMENT + timedelta(days=1))

    assert refusal(world, sign_freely(p12, BODY)) == C.NOT_YET_VALID


def test_validity_is_judged_at_the_moment_of_receipt(world):
    p12 = world.key(valid_until=MOMENT + timedelta(days=1))
    signature = world.sign(BODY, p12=p12)

    assert world.verify(BODY, signature).common_name == AN.name
    assert refusal(world, signature, moment=MOMENT + timedelta(days=2)) == C.EXPIRED


def test_a_revoked_certificate_is_refused(own_world):
    p12 = own_world.key()
    own_world.authority.revoke(certificate_of(p12, PIN), moment=MOMENT - MINUTE)
    own_world.authority.publish(own_world.trust, moment=MOMENT)

    assert refusal(own_world, own_world.sign(BODY, p12=p12)) == C.REVOKED


def test_a_revocation_after_the_receipt_does_not_undo_the_signature(own_world):
    p12 = own_world.key()
    own_world.authority.revoke(certificate_of(p12, PIN), moment=MOMENT + MINUTE)
    own_world.authority.publish(own_world.trust, moment=MOMENT + timedelta(days=1))

    assert own_world.verify(BODY, own_world.sign(BODY, p12=p12)).common_name == AN.name


def test_a_revoked_authority_is_refused(own_world):
    own_world.authority.revoke(own_world.authority.issuing.certificate, moment=MOMENT - MINUTE)
    own_world.authority.publish(own_world.trust, moment=MOMENT)

    assert refusal(own_world, own_world.sign(BODY)) == C.REVOKED


@pytest.mark.parametrize("missing", ["issuing.crl", "root.crl"])
def test_without_its_revocation_list_a_certificate_is_not_believed(own_world, missing):
    (own_world.trust / missing).unlink()

    assert refusal(own_world, own_world.sign(BODY)) == C.REVOCATION_UNKNOWN


def test_without_any_revocation_list_nothing_is_believed(own_world):
    for file in own_world.trust.glob("*.crl"):
        file.unlink()

    assert refusal(own_world, own_world.sign(BODY)) == C.REVOCATION_UNKNOWN


def test_a_stale_revocation_list_is_not_believed(own_world):
    own_world.authority.publish(own_world.trust, moment=MOMENT - timedelta(days=30), valid_for=timedelta(days=7))

    assert refusal(own_world, own_world.sign(BODY)) == C.REVOCATION_UNKNOWN


def test_a_revocation_list_of_a_forger_is_not_believed(own_world, tmp_path):
    DemoAuthority(tmp_path / "forger").publish(tmp_path / "lists", moment=MOMENT)
    shutil.copy(tmp_path / "lists" / "issuing.crl", own_world.trust / "issuing.crl")

    assert refusal(own_world, own_world.sign(BODY)) == C.REVOCATION_UNKNOWN


def test_new_revocation_lists_count_at_once(own_world):
    p12 = own_world.key()
    signature = own_world.sign(BODY, p12=p12)
    assert own_world.verify(BODY, signature)

    own_world.authority.revoke(certificate_of(p12, PIN), moment=MOMENT - MINUTE)
    own_world.authority.publish(own_world.trust, moment=MOMENT)

    assert refusal(own_world, signature) == C.REVOKED


@pytest.mark.parametrize(
    "variant",
    [
        {"usages": ["key_encipherment"]},
        {"usages": ["key_agreement", "crl_sign"]},
        {"extended_usages": [ExtendedKeyUsageOID.SERVER_AUTH]},
        {"extended_usages": [ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.CODE_SIGNING]},
    ],
    ids=["encryption", "other", "web-server", "time-stamp"],
)
def test_a_certificate_for_other_uses_is_refused(world, variant):
    assert refusal(world, world.sign(BODY, p12=world.key(**variant))) == C.WRONG_USAGE


def test_an_authority_does_not_sign_manifests(world):
    issuing = world.authority.issuing
    p12 = pkcs12.serialize_key_and_certificates(b"ca", issuing.key, issuing.certificate, None, serialization.BestAvailableEncryption(PIN.encode()))

    assert refusal(world, world.sign(BODY, p12=p12)) == C.WRONG_USAGE


@pytest.mark.parametrize("usages", [["digital_signature"], ["content_commitment"]], ids=lambda usages: usages[0])
def test_either_signing_usage_is_enough(world, usages):
    p12 = world.key(usages=usages, extended_usages=[ExtendedKeyUsageOID.EMAIL_PROTECTION, ExtendedKeyUsageOID.CLIENT_AUTH])

    assert world.verify(BODY, world.sign(BODY, p12=p12)).common_name == AN.name


# Strength and clocks


@pytest.mark.parametrize("digest", ["sha1", "md5", "sha224"])
def test_weak_digests_are_refused(world, digest):
    p12 = world.key(key=rsa.generate_private_key(65537, 2048))

    assert refusal(world, sign_freely(p12, BODY, digest=digest)) == C.WEAK_ALGORITHM


def test_a_weak_digest_with_a_strong_curve_is_refused(world):
    assert refusal(world, sign_freely(world.key(), BODY, digest="sha1")) == C.WEAK_ALGORITHM


def test_an_rsa_key_of_1024_bits_is_refused(world):
    assert refusal(world, world.sign(BODY, p12=world.key(key=rsa.generate_private_key(65537, 1024)))) == C.WEAK_ALGORITHM


@pytest.mark.parametrize("curve", [ec.SECP224R1(), ec.SECP256K1()], ids=lambda curve: curve.name)
def test_curves_that_are_not_on_the_list_are_refused(world, curve):
    assert refusal(world, world.sign(BODY, p12=world.key(key=ec.generate_private_key(curve)))) == C.WEAK_ALGORITHM


def test_a_certificate_issued_with_a_weak_digest_is_refused(world):
    assert refusal(world, world.sign(BODY, p12=world.key(digest=hashes.SHA224()))) == C.WEAK_ALGORITHM


@pytest.mark.parametrize("minutes", [-11, 11])
def test_a_clock_that_is_off_is_refused(world, minutes):
    assert refusal(world, world.sign(BODY, signed_at=MOMENT + minutes * MINUTE)) == C.CLOCK_SKEW


@pytest.mark.parametrize("minutes", [-10, 0, 10])
def test_a_clock_that_is_nearly_right_is_accepted(world, minutes):
    signed_at = MOMENT + minutes * MINUTE

    assert world.verify(BODY, world.sign(BODY, signed_at=signed_at)).signed_at == signed_at


def test_a_signature_without_a_time_is_judged_by_its_receipt(world):
    assert world.verify(BODY, sign_freely(world.key(), BODY, signed_at=None)).signed_at is None


# Whose it is


def test_it_binds_to_the_person_by_number_or_by_registered_certificate(world):
    verified = world.verify(BODY, world.sign(BODY))

    bind_to_person(verified, personal_number=AN.personal_number)
    unnumbered = replace(verified, personal_number=None)
    bind_to_person(unnumbered, personal_number=BINH.personal_number, fingerprints={"ab" * 32, verified.fingerprint})


@pytest.mark.parametrize(("number", "fingerprints"), [(BINH.personal_number, ()), ("", ()), (None, ()), (BINH.personal_number, {"ab" * 32})])
def test_somebody_elses_signature_is_refused_also_where_it_was_registered(world, number, fingerprints):
    verified = world.verify(BODY, world.sign(BODY))

    with pytest.raises(SignatureRefused) as caught:
        bind_to_person(verified, personal_number=number, fingerprints=fingerprints or {verified.fingerprint})
    assert caught.value.code == C.WRONG_PERSON


def test_a_certificate_without_a_number_binds_to_nobody_without_one(world):
    verified = world.verify(BODY, world.sign(BODY, p12=world.key(replace(AN, personal_number=""))))

    assert verified.personal_number is None
    with pytest.raises(SignatureRefused):
        bind_to_person(verified, personal_number="")


@pytest.mark.parametrize("written", ["06607500123", "0660750012345", "X066075001234", "066075001234;066180004321"])
def test_a_number_that_is_not_twelve_digits_is_none(world, written):
    verified = world.verify(BODY, world.sign(BODY, p12=world.key(replace(AN, personal_number=written))))

    assert verified.personal_number is None


def test_it_binds_to_the_agency(world):
    verified = world.verify(BODY, world.sign(BODY))

    bind_to_agency(verified, organization_identifier="H15")
    bind_to_agency(verified, organization_identifier="G09", fingerprints={verified.fingerprint})
    with pytest.raises(SignatureRefused) as caught:
        bind_to_agency(verified, organization_identifier="G09")
    assert caught.value.code == C.WRONG_AGENCY


def test_a_refusal_says_what_to_do(world):
    with pytest.raises(SignatureRefused) as caught:
        world.verify(BODY + b" ", world.sign(BODY))

    assert caught.value.message == str(C.ALTERED.label)
    assert caught.value.reason == "the manifest differs"
    assert all(str(code.label) for code in C)


# The trust folder


def test_a_trust_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(TrustStoreInvalid) as caught:
        TrustStore.load(tmp_path / "nowhere")
    assert "nowhere" in caught.value.reason


def test_a_revocation_list_may_be_der(own_world):
    for file in own_world.trust.glob("*.crl"):
        file.write_bytes(load_pem_x509_crl(file.read_bytes()).public_bytes(serialization.Encoding.DER))

    assert own_world.verify(BODY, own_world.sign(BODY)).common_name == AN.name


def test_one_file_may_hold_several_certificates(own_world):
    chain = (own_world.authority.directory / "issuing.pem").read_bytes() + (own_world.trust / "root.pem").read_bytes()
    (own_world.trust / "root.pem").write_bytes(chain)

    store = TrustStore.load(own_world.trust)

    assert (len(store.anchors), len(store.intermediates), len(store.revocation_lists)) == (1, 1, 2)


@pytest.mark.parametrize("name", ["root.pem", "root.crl"])
def test_a_broken_trust_file_is_named(own_world, name):
    (own_world.trust / name).write_bytes(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")

    with pytest.raises(TrustStoreInvalid) as caught:
        TrustStore.load(own_world.trust)
    assert name in caught.value.reason


# Whatever the bytes are


WAYS = st.sampled_from(["flip", "set", "cut", "insert", "repeat"])
MUTATIONS = st.lists(st.tuples(st.integers(0, 10_000), WAYS, st.integers(0, 255), st.integers(1, 40)), min_size=1, max_size=4)


def mutated(body, mutations):
    out = bytearray(body)
    for position, how, value, length in mutations:
        place = position % len(out)
        match how:
            case "flip":
                out[place : place + 1] = bytes([out[place] ^ (1 << value % 8)])
            case "set":
                out[place : place + 1] = bytes([value])
            case "cut":
                del out[place : place + length]
            case "insert":
                out[place:place] = bytes([value]) * length
            case "repeat":
                out[place:place] = out[place : place + length]
    return bytes(out)


@hypothesis_settings(max_examples=400)
@given(mutations=MUTATIONS)
def test_a_mutated_signature_is_refused_or_still_means_the_same(fuzzed, mutations):
    world, signature, original = fuzzed

    try:
        verified = world.verify(BODY, mutated(signature, mutations))
    except SignatureRefused:
        return
    # Only what is not signed may differ: version numbers, the order of certificates, and so the file's own digest.
    assert replace(verified, digest=original.digest) == original


@pytest.fixture(scope="module")
def fuzzed(world):
    signature = world.sign(BODY)
    return world, signature, world.verify(BODY, signature)


@given(st.binary(max_size=400))
def test_any_bytes_are_refused(world, body):
    refusal(world, body)
