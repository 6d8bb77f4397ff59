"""The demonstration's certificate authorities and its people's certificates. Never for production: the keys lie on this disk.

A root and an issuing authority, their revocation lists, and a PKCS#12 file for each person, as the Government's own
authority would hand out on a token. Subjects carry the person's number as UID "CCCD:..." and the agency's identifier as
organizationIdentifier (2.5.4.97), which is what `workflows.cms` binds a signature by.

    <directory>/pki/   root.key root.pem issuing.key issuing.pem revoked.json <login>.p12     (keys: mode 600)
    <trust>/           root.pem root.crl issuing.crl                                           (what verifiers need)
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID, ObjectIdentifier

VALID_FROM = datetime(2025, 1, 1, tzinfo=UTC)
VALID_UNTIL = datetime(2035, 1, 1, tzinfo=UTC)
ORGANIZATION = "Hồ Sơ (trình diễn)"
ROOT_NAME, ISSUING_NAME = "Hồ Sơ Demo Root CA", "Hồ Sơ Demo Issuing CA"

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True)
class Person:
    """Who gets a certificate. `organization_identifier` is the agency's, for example H15; `personal_number` has 12 digits; either may be ""."""

    login: str
    name: str
    personal_number: str
    organization: str
    organization_identifier: str


@dataclass(frozen=True)
class Signatory:
    """A certificate authority's own certificate and key."""

    certificate: x509.Certificate
    key: Key


class DemoAuthority:
    """Root and issuing authority kept in a folder; made on the first call, the same ones ever after."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.root = self._signatory("root", ROOT_NAME, issuer=None)
        self.issuing = self._signatory("issuing", ISSUING_NAME, issuer=self.root)

    def issue(
        self,
        person: Person,
        *,
        pin: str,
        valid_from: datetime = VALID_FROM,
        valid_until: datetime = VALID_UNTIL,
        key: Key | None = None,
        usages: Sequence[str] = ("digital_signature", "content_commitment"),
        extended_usages: Sequence[ObjectIdentifier] = (),
        extended_critical: bool = False,
        digest: hashes.SHA224 | hashes.SHA256 | hashes.SHA384 | None = None,
        chain: bool = True,
        responder: str = "",
    ) -> bytes:
        """A PKCS#12 container opened by `pin`: a new certificate, its key, and the issuing authority's certificate if `chain`.

        `responder` is the address that the certificate names for asking whether it was revoked (OCSP). The rest is for tests: validity,
        key and usages of a certificate that must be refused.
        """
        key = key or ec.generate_private_key(ec.SECP256R1())
        certificate = (
            _builder(_person_name(person), self.issuing.certificate.subject, key, valid_from, valid_until)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(*usages), critical=True)
            .add_extension(_authority_key(self.issuing), critical=False)
        )
        if extended_usages:
            certificate = certificate.add_extension(x509.ExtendedKeyUsage(extended_usages), critical=extended_critical)
        if responder:
            address = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(responder))
            certificate = certificate.add_extension(x509.AuthorityInformationAccess([address]), critical=False)
        signed = certificate.sign(self.issuing.key, digest or hashes.SHA256())
        others = [self.issuing.certificate] if chain else None
        encryption = serialization.BestAvailableEncryption(pin.encode())
        return pkcs12.serialize_key_and_certificates(person.login.encode(), key, signed, others, encryption)

    def revoke(self, certificate: x509.Certificate, *, moment: datetime) -> None:
        """Remember that `certificate` (one of ours, the issuing authority's included) is revoked from `moment` on; lists are written by `publish`."""
        revoked = self._revoked() | {format(certificate.serial_number, "x"): moment.isoformat()}
        _write(self.directory / "revoked.json", json.dumps(revoked, indent=1).encode(), mode=0o600)

    def delegate(self, *, no_check: bool = True, usages: Sequence[ObjectIdentifier] = (ExtendedKeyUsageOID.OCSP_SIGNING,)) -> Signatory:
        """A certificate of the issuing authority for answering about the others, and its key: made anew, never kept."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COUNTRY_NAME, "VN"), x509.NameAttribute(NameOID.COMMON_NAME, "Hồ Sơ Demo OCSP")])
        builder = (
            _builder(name, self.issuing.certificate.subject, key, VALID_FROM, VALID_UNTIL)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage("digital_signature"), critical=True)
            .add_extension(_authority_key(self.issuing), critical=False)
        )
        if usages:
            builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        if no_check:
            builder = builder.add_extension(x509.OCSPNoCheck(), critical=False)
        return Signatory(builder.sign(self.issuing.key, hashes.SHA256()), key)

    def revoked_at(self, serial_number: int) -> datetime | None:
        """When the certificate with this number was revoked, if it was."""
        moment = self._revoked().get(format(serial_number, "x"))
        return datetime.fromisoformat(moment) if moment else None

    def publish(self, trust: Path, *, moment: datetime | None = None, valid_for: timedelta = timedelta(days=3652)) -> None:
        """Write the anchor and fresh revocation lists of both authorities into `trust`."""
        trust.mkdir(parents=True, exist_ok=True)
        this_update = (moment or datetime.now(UTC)).replace(microsecond=0)
        _write(trust / "root.pem", self.root.certificate.public_bytes(serialization.Encoding.PEM))
        for name, signatory in (("root", self.root), ("issuing", self.issuing)):
            body = self._revocation_list(signatory, this_update, this_update + valid_for)
            _write(trust / f"{name}.crl", body.public_bytes(serialization.Encoding.PEM))

    def _signatory(self, name: str, common_name: str, issuer: Signatory | None) -> Signatory:
        key_file, certificate_file = self.directory / f"{name}.key", self.directory / f"{name}.pem"
        if key_file.exists() and certificate_file.exists():
            key = cast(Key, serialization.load_pem_private_key(key_file.read_bytes(), password=None))
            return Signatory(x509.load_pem_x509_certificate(certificate_file.read_bytes()), key)
        made = _make_signatory(common_name, issuer)
        plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        _write(key_file, made.key.private_bytes(*plain), mode=0o600)
        _write(certificate_file, made.certificate.public_bytes(serialization.Encoding.PEM))
        return made

    def _revoked(self) -> dict[str, str]:
        file = self.directory / "revoked.json"
        return json.loads(file.read_bytes()) if file.exists() else {}

    def _revocation_list(self, signatory: Signatory, this_update: datetime, next_update: datetime) -> x509.CertificateRevocationList:
        # Every serial number stands in both lists: it means something only beside the issuer's name.
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(signatory.certificate.subject)
            .last_update(this_update)
            .next_update(next_update)
            .add_extension(_authority_key(signatory), critical=False)
            .add_extension(x509.CRLNumber(int(this_update.timestamp())), critical=False)
        )
        for serial, moment in sorted(self._revoked().items()):
            entry = x509.RevokedCertificateBuilder().serial_number(int(serial, 16)).revocation_date(datetime.fromisoformat(moment))
            entry = entry.add_extension(x509.CRLReason(x509.ReasonFlags.key_compromise), critical=False)
            builder = builder.add_revoked_certificate(entry.build())
        return builder.sign(signatory.key, hashes.SHA256())


def issue_certificates(people: Iterable[Person], *, directory: Path, pin: str, trust: Path | None = None, responder: str = "") -> dict[str, Path]:
    """A PKCS#12 file for each of `people` under `directory`/pki, opened by `pin`; returns them by login.

    Existing files are kept; new certificates name `responder`, where there is one. Revocation lists
    and the anchor go to `trust` (by default `directory`/trust), fresh each time.
    """
    authority = DemoAuthority(directory / "pki")
    files = {}
    for person in people:
        file = files[person.login] = authority.directory / f"{person.login}.p12"
        if not file.exists():
            _write(file, authority.issue(person, pin=pin, responder=responder), mode=0o600)
    authority.publish(trust or directory / "trust")
    return files


def certificate_of(p12: bytes, pin: str) -> x509.Certificate:
    """The person's certificate in a PKCS#12 container. Raises ValueError for a wrong PIN or an empty container."""
    _key, certificate, _chain = pkcs12.load_key_and_certificates(p12, pin.encode())
    if certificate is None:
        raise ValueError("there is no certificate in the container")
    return certificate


def _make_signatory(common_name: str, issuer: Signatory | None) -> Signatory:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "VN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANIZATION),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )
    builder = (
        _builder(name, issuer.certificate.subject if issuer else name, key, VALID_FROM, VALID_UNTIL)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0 if issuer else 1), critical=True)
        .add_extension(_key_usage("key_cert_sign", "crl_sign"), critical=True)
    )
    if issuer is None:
        return Signatory(builder.sign(key, hashes.SHA256()), key)
    return Signatory(builder.add_extension(_authority_key(issuer), critical=False).sign(issuer.key, hashes.SHA256()), key)


def _builder(subject: x509.Name, issuer: x509.Name, key: Key, valid_from: datetime, valid_until: datetime) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(valid_from)
        .not_valid_after(valid_until)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _person_name(person: Person) -> x509.Name:
    number = f"CCCD:{person.personal_number}" if person.personal_number else ""
    parts = (
        (NameOID.COUNTRY_NAME, "VN"),
        (NameOID.ORGANIZATION_NAME, person.organization),
        (NameOID.ORGANIZATION_IDENTIFIER, person.organization_identifier),
        (NameOID.COMMON_NAME, person.name),
        (NameOID.USER_ID, number),
    )
    return x509.Name([x509.NameAttribute(name, value) for name, value in parts if value])


def _key_usage(*usages: str) -> x509.KeyUsage:
    names = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    )
    return x509.KeyUsage(**{name: name in usages for name in names})


def _authority_key(signatory: Signatory) -> x509.AuthorityKeyIdentifier:
    identifier = signatory.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)


def _write(path: Path, body: bytes, *, mode: int = 0o644) -> None:
    """Whole or not at all: another process may be reading."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.touch(mode=mode)
    draft.write_bytes(body)
    draft.replace(path)
