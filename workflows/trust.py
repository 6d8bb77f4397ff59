"""What the installation trusts: the anchors, intermediates and revocation lists that the operator keeps in one folder.

Any `*.pem` may hold several certificates. A certificate signed by itself is an anchor; any other one helps to build
paths but is not trusted for itself. A `*.crl` is one revocation list, PEM or DER.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path

from asn1crypto import crl, x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_der_x509_certificate, load_der_x509_crl, load_pem_x509_certificates, load_pem_x509_crl
from django.utils.translation import gettext_lazy as _

from workflows.errors import GateError

logger = logging.getLogger(__name__)

MAX_FILE_BYTES = 64 * 1024 * 1024


class TrustStoreInvalid(GateError):
    """The folder is missing, holds no anchor, or a file in it cannot be read. `reason` names it, for the operator; `str()` is for people."""

    code = "TRUST_STORE"
    text = _("Signatures cannot be checked now: the list of trusted authorities is not in order. Nothing was approved; tell the operator.")

    def __init__(self, reason: str) -> None:
        super().__init__(reason=reason)
        self.reason = reason


@dataclass(frozen=True)
class Parsed:
    anchors: list[x509.Certificate]
    intermediates: list[x509.Certificate]
    revocation_lists: list[crl.CertificateList]


@dataclass(frozen=True)
class TrustStore:
    """DER of everything, as read; safe to share between threads. `lent()` gives parsed objects to one thread at a time."""

    anchors: tuple[bytes, ...]
    intermediates: tuple[bytes, ...] = ()
    revocation_lists: tuple[bytes, ...] = ()
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    @classmethod
    def load(cls, directory: Path) -> TrustStore:
        """The store in `directory`, read again only when a file in it changed. Raises TrustStoreInvalid."""
        try:
            files = sorted((path, path.stat()) for path in Path(directory).iterdir() if path.suffix in (".pem", ".crl"))
            return _load(tuple((path, state.st_mtime_ns, state.st_size) for path, state in files))
        except OSError as error:
            logger.exception("TRUST_DIRECTORY cannot be read")
            raise TrustStoreInvalid(f"{directory}: {error.strerror}") from error
        except TrustStoreInvalid as error:
            logger.exception("TRUST_DIRECTORY: %s", error.reason)
            raise

    @contextmanager
    def lent(self) -> Iterator[Parsed]:
        """The parsed store, for this thread alone: asn1crypto goes on parsing inside its objects as they are read, without a lock.

        A copy a thread would do too, but a revocation list of 50,000 entries takes seconds and 100 MB to parse.
        """
        with self._lock:
            yield self._parsed

    @cached_property
    def _parsed(self) -> Parsed:
        return Parsed(
            anchors=[x509.Certificate.load(der) for der in self.anchors],
            intermediates=[x509.Certificate.load(der) for der in self.intermediates],
            revocation_lists=[crl.CertificateList.load(der) for der in self.revocation_lists],
        )


@lru_cache(maxsize=8)
def _load(files: tuple[tuple[Path, int, int], ...]) -> TrustStore:
    anchors, intermediates, lists = [], [], []
    for path, _changed, size in files:
        if size > MAX_FILE_BYTES:
            raise TrustStoreInvalid(f"{path} is larger than {MAX_FILE_BYTES} bytes")
        for der in _blocks(path):
            if path.suffix == ".crl":
                lists.append(der)
            elif _signed_by_itself(der):
                anchors.append(der)
            else:
                intermediates.append(der)
    if not anchors:
        raise TrustStoreInvalid("there is no trust anchor (a self-signed certificate in a *.pem file)")
    return TrustStore(tuple(anchors), tuple(intermediates), tuple(lists))


def _blocks(path: Path) -> list[bytes]:
    """DER of everything in a file, parsed once by the strict parser of `cryptography`, so that a bad file is found now."""
    body = path.read_bytes()
    armoured = b"-----BEGIN" in body[:1000]
    try:
        if path.suffix == ".pem":
            return [one.public_bytes(Encoding.DER) for one in load_pem_x509_certificates(body)]
        return [(load_pem_x509_crl(body) if armoured else load_der_x509_crl(body)).public_bytes(Encoding.DER)]
    except (ValueError, TypeError) as error:
        raise TrustStoreInvalid(f"{path} cannot be read: {error}") from error


def _signed_by_itself(der: bytes) -> bool:
    certificate = load_der_x509_certificate(der)
    try:
        certificate.verify_directly_issued_by(certificate)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
