"""TLS of a channel: the authority it trusts and the certificate it shows, by files that the environment names (never the database).

    HOSO_CHANNEL_AUTHORITIES=national-hub=/etc/hoso/ca.pem
    HOSO_CHANNEL_CERTIFICATES=national-hub=/etc/hoso/client.pem            certificate chain and key in one file,
    HOSO_CHANNEL_CERTIFICATES=national-hub=/etc/hoso/client.crt:/etc/hoso/client.key   or in two
    HOSO_CHANNEL_SECRETS=national-hub.key=...                              the key's passphrase, when it has one

A channel without files trusts the machine's authorities and shows nothing. The files are read again when they change.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

import httpx
from cryptography import x509
from django.conf import settings

from exchange.contract import ErrorKind
from exchange.transports.base import CallFailed

WARN_DAYS = 30


@dataclass(frozen=True)
class Standing:
    """A channel's client certificate: until when it holds, or what is wrong with it."""

    channel: str
    path: str
    ends: datetime | None
    problem: str = ""

    @property
    def days_left(self) -> int | None:
        """Whole days; negative once it has ended."""
        return None if self.ends is None else (self.ends - datetime.now(UTC)).days

    @property
    def pressing(self) -> bool:
        return bool(self.problem) or (self.days_left is not None and self.days_left < WARN_DAYS)


def verification_of(code: str) -> ssl.SSLContext:
    """What the HTTP client of a channel verifies with, made once. Raises CallFailed."""
    authority, certificate = settings.CHANNEL_AUTHORITIES.get(code, ""), settings.CHANNEL_CERTIFICATES.get(code, "")
    if not authority and not certificate:
        return _machines_own()
    files = [authority, *_files(certificate)]
    return _context(authority, certificate, settings.CHANNEL_SECRETS.get(f"{code}.key", ""), tuple(_changed(one) for one in files if one))


def standing_of(code: str) -> Standing | None:
    """How a channel's client certificate stands; None when it has none. Never raises: a page and /health show it."""
    certificate = settings.CHANNEL_CERTIFICATES.get(code, "")
    if not certificate:
        return None
    path = _files(certificate)[0]
    try:
        verification_of(code)
        first = x509.load_pem_x509_certificates(Path(path).read_bytes())[0]
    except CallFailed as failed:
        return Standing(code, path, None, failed.detail)
    except (ValueError, OSError, IndexError) as error:
        return Standing(code, path, None, f"{path}: {error}")
    return Standing(code, path, first.not_valid_after_utc)


def standings(codes: Iterable[str]) -> list[Standing]:
    return [one for code in codes if (one := standing_of(code)) is not None]


def _files(certificate: str) -> list[str]:
    return certificate.split(":", 1) if certificate else []


def _changed(path: str) -> float:
    try:
        return Path(path).stat().st_mtime
    except OSError as error:
        remedy = "Put the file there, readable by the program, or correct HOSO_CHANNEL_CERTIFICATES or HOSO_CHANNEL_AUTHORITIES."
        raise CallFailed(ErrorKind.CONFIG, "CERTIFICATE_FILE", f"{path}: {error.strerror}. {remedy}") from error


@lru_cache(maxsize=1)
def _machines_own() -> ssl.SSLContext:
    """The machine's authorities as the HTTP client takes them, and nothing to show: reading them costs more than a call."""
    return httpx.create_ssl_context(trust_env=False)


@lru_cache(maxsize=32)
def _context(authority: str, certificate: str, passphrase: str, _changed_at: tuple[float, ...]) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=authority or None)
    except (ssl.SSLError, OSError) as error:
        text = f"{authority}: {error}. It should hold the authority's certificates as PEM (-----BEGIN CERTIFICATE-----)."
        raise CallFailed(ErrorKind.CONFIG, "AUTHORITY_UNREADABLE", text) from error
    if certificate:
        first, *key = _files(certificate)
        try:
            # A password that is never empty: OpenSSL would ask for one on the terminal otherwise, and the worker would stand still.
            context.load_cert_chain(first, key[0] if key else None, password=passphrase or "\0")
        except (ssl.SSLError, OSError, ValueError) as error:
            what = " and ".join([first, *key])
            text = (
                f"{what}: {error}. It should hold the certificate with its chain and the key that belongs to it, as PEM; an encrypted key needs its "
            )
            raise CallFailed(ErrorKind.CONFIG, "CERTIFICATE_UNREADABLE", text + "passphrase in HOSO_CHANNEL_SECRETS as code.key") from error
    return context
