"""Signing with a key that never leaves its token: SoftHSM in the place of a USB token."""

import os
import subprocess
from pathlib import Path

import pytest
from asn1crypto import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from signing_agent.keys import PinWrong, Token, TokenUnusable
from signing_agent.sign import sign_with
from tests.workflows.certificates import AN, BINH, MOMENT, PIN, World, manifest

MODULES = [
    Path(folder) / "libsofthsm2.so" for folder in ("/usr/lib/softhsm", "/usr/lib/x86_64-linux-gnu/softhsm", "/usr/lib/aarch64-linux-gnu/softhsm")
]
MODULE = next((path for path in MODULES if path.exists()), None)
pytestmark = pytest.mark.skipif(MODULE is None, reason="SoftHSM is not installed (Debian: softhsm2)")
BODY = manifest()


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return World.make(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    """A place for tokens of this run alone. The driver reads where it is once, when it is loaded."""
    folder = tmp_path_factory.mktemp("softhsm")
    (folder / "tokens").mkdir()
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder / 'tokens'}\nobjectstore.backend = file\n")
    os.environ["SOFTHSM2_CONF"] = str(folder / "softhsm2.conf")
    yield folder
    del os.environ["SOFTHSM2_CONF"]


def put_on_token(label: str, *containers: bytes) -> None:
    """A new token with the key and the chain of each PKCS#12 container."""
    import pkcs11
    from pkcs11.util.ec import decode_ec_private_key
    from pkcs11.util.rsa import decode_rsa_private_key

    subprocess.run(
        ["softhsm2-util", "--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", "87654321"], check=True, capture_output=True
    )
    driver = pkcs11.lib(str(MODULE))
    driver.reinitialize()
    with driver.get_token(token_label=label).open(user_pin=PIN, rw=True) as session:
        for number, p12 in enumerate(containers, start=1):
            key, certificate, chain = pkcs12.load_key_and_certificates(p12, PIN.encode())
            der = key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())
            decode = decode_rsa_private_key if hasattr(key, "key_size") and key.key_size >= 1024 else decode_ec_private_key
            own = {pkcs11.Attribute.ID: bytes([number]), pkcs11.Attribute.TOKEN: True}
            session.create_object({**decode(der), **own, pkcs11.Attribute.LABEL: f"key {number}", pkcs11.Attribute.SIGN: True})
            for place, one in enumerate([certificate, *chain]):
                body = one.public_bytes(serialization.Encoding.DER)
                session.create_object(
                    {
                        pkcs11.Attribute.CLASS: pkcs11.ObjectClass.CERTIFICATE,
                        pkcs11.Attribute.CERTIFICATE_TYPE: pkcs11.CertificateType.X_509,
                        pkcs11.Attribute.VALUE: body,
                        pkcs11.Attribute.SUBJECT: x509.Certificate.load(body).subject.dump(),
                        pkcs11.Attribute.LABEL: f"certificate {number}" if place == 0 else "authority",
                        pkcs11.Attribute.ID: bytes([number]) if place == 0 else bytes([100 + number, place]),
                        pkcs11.Attribute.TOKEN: True,
                    }
                )


@pytest.fixture(scope="module")
def an(shelf, world):
    put_on_token("Token cua An", world.key())
    return Token(MODULE, "Token cua An")


def test_a_signature_from_the_token_holds_like_one_from_a_file(world, an):
    # when
    signature = sign_with(an, pin=PIN, manifest=BODY, signed_at=MOMENT)
    # then
    verified = world.verify(BODY, signature)
    assert verified.personal_number == AN.personal_number
    assert len(verified.chain) == 3


def test_an_rsa_key_signs_as_well(world, shelf):
    put_on_token("Token RSA", world.key(key=rsa.generate_private_key(65537, 2048)))
    signature = sign_with(Token(MODULE, "Token RSA"), pin=PIN, manifest=BODY, signed_at=MOMENT)
    assert world.verify(BODY, signature).personal_number == AN.personal_number


def test_a_wrong_pin_is_refused_and_the_right_one_still_works(world, an):
    with pytest.raises(PinWrong):
        sign_with(an, pin="111111", manifest=BODY, signed_at=MOMENT)
    assert world.verify(BODY, sign_with(an, pin=PIN, manifest=BODY, signed_at=MOMENT))


def test_what_is_missing_is_said_in_words(world, an, tmp_path):
    with pytest.raises(TokenUnusable, match="Chưa thấy thiết bị ký số “Token cua Binh”"):
        Token(MODULE, "Token cua Binh").check()
    (tmp_path / "driver.so").write_bytes(b"not a driver")
    with pytest.raises(TokenUnusable, match="Không nạp được trình điều khiển"):
        Token(tmp_path / "driver.so").check()
    with pytest.raises(TokenUnusable, match="không có chứng thư số dùng để ký"):
        sign_with(Token(MODULE, "Token cua An", certificate="another"), pin=PIN, manifest=BODY, signed_at=MOMENT)


def test_of_several_certificates_the_person_names_one(world, shelf, an):
    put_on_token("Token chung", world.key(), world.key(BINH))
    with pytest.raises(TokenUnusable, match="certificate 1, certificate 2"):
        sign_with(Token(MODULE, "Token chung"), pin=PIN, manifest=BODY, signed_at=MOMENT)
    signature = sign_with(Token(MODULE, "Token chung", certificate="certificate 2"), pin=PIN, manifest=BODY, signed_at=MOMENT)
    assert world.verify(BODY, signature).personal_number == BINH.personal_number
    # with two tokens there, one must be named
    with pytest.raises(TokenUnusable, match="nhiều thiết bị"):
        Token(MODULE).check()
