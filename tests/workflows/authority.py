"""A small time-stamping authority: pyHanko's, with certificates of the demonstration's issuing authority."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from asn1crypto import keys, tsp, x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID
from pyhanko.sign.timestamps.dummy_client import DummyTimeStamper

from config.demo.pki import DemoAuthority, Person

STAMPING = (ExtendedKeyUsageOID.TIME_STAMPING,)
TSA = Person(login="tsa", name="Demo TSA", personal_number="", organization="Ban Cơ yếu", organization_identifier="TSA")


class StampingAuthority:
    """Answers requests as of `moment` (now, where it is None). `variant` goes to the certificate, to make one that must be refused."""

    def __init__(
        self, authority: DemoAuthority, *, moment: datetime | None = None, usages: Any = STAMPING, critical: bool = True, **variant: Any
    ) -> None:
        p12 = authority.issue(TSA, pin="1", key=rsa.generate_private_key(65537, 2048), extended_usages=usages, extended_critical=critical, **variant)
        key, certificate, chain = pkcs12.load_key_and_certificates(p12, b"1")
        der = key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        self._stamper = DummyTimeStamper(
            _x509(certificate), keys.PrivateKeyInfo.load(der), certs_to_embed=[_x509(one) for one in chain], fixed_dt=moment, override_md="sha256"
        )

    def answer(self, request: bytes) -> bytes:
        return self._stamper.request_tsa_response(tsp.TimeStampReq.load(request)).dump()


def _x509(certificate: Any) -> x509.Certificate:
    return x509.Certificate.load(certificate.public_bytes(serialization.Encoding.DER))
