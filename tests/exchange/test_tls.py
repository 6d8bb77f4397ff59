"""Client certificates and private authorities, against a real TLS server on loopback that asks for certificates."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from types import SimpleNamespace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from exchange.connectors import CallFailed, HubConnector
from exchange.contract import ErrorKind
from exchange.sandbox.app import Sandbox
from exchange.sandbox.serving import served
from exchange.transports.tls import standing_of

PASSPHRASE = "đầu-cuối"


@dataclass
class Authority:
    """Issues certificates into a folder; `file` is its own."""

    folder: Path
    name: str = "CA"

    def __post_init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.name)])
        self.file = self.folder / f"{self.name}.pem"
        own = self._builder(self.subject, self.key, days=30).add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        usage = dict.fromkeys(("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"), False)
        extent = x509.KeyUsage(**usage, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False)
        self.file.write_bytes(own.add_extension(extent, critical=True).sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str, *, days: int = 30, passphrase: str = "", apart: bool = False) -> str:
        """Gives what HOSO_CHANNEL_CERTIFICATES says of it: one file, or two."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        alone = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
        made = self._builder(subject, key, days=days).add_extension(alone, critical=False).sign(self.key, hashes.SHA256())
        hidden = serialization.BestAvailableEncryption(passphrase.encode()) if passphrase else serialization.NoEncryption()
        private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, hidden)
        first, second = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        first.write_bytes(made.public_bytes(serialization.Encoding.PEM) + (b"" if apart else private))
        if apart:
            second.write_bytes(private)
        return f"{first}:{second}" if apart else str(first)

    def _builder(self, subject, key, *, days):
        now = datetime.now(UTC)
        begin = now - timedelta(days=60)
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        named = x509.CertificateBuilder().subject_name(subject).issuer_name(self.subject).public_key(key.public_key())
        named = named.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False).add_extension(
            identifier, critical=False
        )
        return named.serial_number(x509.random_serial_number()).not_valid_before(begin).not_valid_after(now + timedelta(days=days, minutes=5))


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def address(authority):
    """The sandbox behind TLS, which lets nobody in without a certificate of the authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.issue("server"))
    context.load_verify_locations(authority.file)
    context.verify_mode = ssl.CERT_REQUIRED
    with served(Sandbox("s" * 32), tls=context) as address:
        yield address


@pytest.fixture
def asked(address, authority, settings):
    """Ask the other side something, with these files."""

    def ask(*, certificate: str = "", trusted: str | None = None, passphrase: str = ""):
        settings.CHANNEL_AUTHORITIES = {"line": str(authority.file) if trusted is None else trusted} if trusted != "" else {}
        settings.CHANNEL_CERTIFICATES = {"line": certificate} if certificate else {}
        settings.CHANNEL_SECRETS = {"line": "s" * 32, **({"line.key": passphrase} if passphrase else {})}
        told = {"code": "line", "base_url": address, "client_id": "x", "timeout_seconds": 5, "batch_size": 1, "transport": "agent_node"}
        with HubConnector(SimpleNamespace(**told, pk=None, transport_options={"path": "/node/messages"})) as line:
            return line.find(idempotency_key="k" * 20)

    return ask


@pytest.mark.parametrize("shown", [{}, {"apart": True}, {"passphrase": PASSPHRASE}, {"passphrase": PASSPHRASE, "apart": True}])
def test_who_shows_a_certificate_of_the_authority_is_let_in(asked, authority, shown):
    certificate = authority.issue(f"client-{len(shown)}-{shown.get('apart', False)}", **shown)
    assert asked(certificate=certificate, passphrase=shown.get("passphrase", "")) is None  # nothing arrived under this key: an answer


def refused(ask) -> CallFailed:
    with pytest.raises(CallFailed) as failed:
        ask()
    return failed.value


def test_whatever_is_wrong_with_the_files_is_named_with_its_remedy(asked, authority, tmp_path):
    # given
    good, rubbish = authority.issue("good"), tmp_path / "rubbish.pem"
    rubbish.write_text("nothing of the kind")
    other = Authority(tmp_path, "other")
    locked = authority.issue("locked", passphrase=PASSPHRASE)
    mismatched = f"{good}:{authority.issue('else', apart=True).partition(':')[2]}"
    cases = [
        (asked, "CERTIFICATE_REFUSED", "HOSO_CHANNEL_CERTIFICATES"),
        (lambda: asked(certificate=other.issue("stranger")), "CERTIFICATE_REFUSED", "admitted"),
        (lambda: asked(certificate=authority.issue("ended", days=-1)), "CERTIFICATE_REFUSED", "admitted"),
        (lambda: asked(certificate=str(tmp_path / "none.pem")), "CERTIFICATE_FILE", str(tmp_path / "none.pem")),
        (lambda: asked(certificate=str(rubbish)), "CERTIFICATE_UNREADABLE", str(rubbish)),
        (lambda: asked(certificate=locked), "CERTIFICATE_UNREADABLE", "code.key"),
        (lambda: asked(certificate=locked, passphrase="wrong"), "CERTIFICATE_UNREADABLE", locked),
        (lambda: asked(certificate=mismatched), "CERTIFICATE_UNREADABLE", "else.key"),
        (lambda: asked(certificate=good, trusted=str(rubbish)), "AUTHORITY_UNREADABLE", str(rubbish)),
        (lambda: asked(certificate=good, trusted=str(other.file)), "CERTIFICATE_UNTRUSTED", "verify failed"),
        (lambda: asked(certificate=good, trusted=""), "CERTIFICATE_UNTRUSTED", "verify failed"),
    ]
    for ask, code, named in cases:
        # when
        failure = refused(ask)
        # then a person is needed, and knows where
        assert (failure.kind, failure.code) == (ErrorKind.CONFIG, code), failure
        assert named in failure.detail


def test_a_file_that_was_replaced_is_read_again(asked, authority, tmp_path):
    place = tmp_path / "client.pem"
    place.write_bytes(Path(Authority(tmp_path, "before").issue("old")).read_bytes())
    assert refused(lambda: asked(certificate=str(place))).code == "CERTIFICATE_REFUSED"
    place.write_bytes(Path(authority.issue("new")).read_bytes())
    assert asked(certificate=str(place)) is None


def test_a_certificate_that_ends_soon_is_pressing(authority, settings, tmp_path):
    settings.CHANNEL_AUTHORITIES, settings.CHANNEL_SECRETS = {}, {}
    files = {"long": authority.issue("long", days=200), "soon": authority.issue("soon", days=12), "ended": authority.issue("past", days=-3)}
    settings.CHANNEL_CERTIFICATES = {**files, "lost": str(tmp_path / "lost.pem")}
    found = {code: standing_of(code) for code in (*settings.CHANNEL_CERTIFICATES, "none")}
    assert found.pop("none") is None
    assert {code: (one.days_left, one.pressing) for code, one in found.items()} == {
        "long": (200, False),
        "soon": (12, True),
        "ended": (-3, True),
        "lost": (None, True),
    }
    assert str(tmp_path / "lost.pem") in found["lost"].problem
