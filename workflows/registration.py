"""The statement by which somebody proves to hold the key of a certificate: canonical bytes, schema `registration/1`.

It is a challenge: the server makes it for one account, one certificate, one purpose and one site, with a nonce and an end; the person
signs it with the certificate's key, and the server keeps both. It is no manifest: what is signed here approves nothing, and no
approval can be passed off as a proof.

Pure, and free of Django like `workflows.manifest`, since the signing agent reads it with this very module. What is stored is
`workflows.models.RegisteredCertificate`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

import msgspec

from workflows.documents import canonical
from workflows.manifest import Code, Decider, Hash, ManifestInvalid, Statement, Text, read_manifest, visible

SCHEMA = "registration/1"
MAX_BYTES = 8 * 1024
Origin = Annotated[str, msgspec.Meta(pattern=r"^https?://[a-z0-9.\-\[\]:]{1,250}\Z")]


class RegistrationInvalid(ManifestInvalid):
    """The bytes are not a canonical registration/1; the message says which part."""


class Registration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a registration says. `account` is whose the certificate is to count for; `certificate` the SHA-256 of its DER, lower-case hex."""

    schema: Literal["registration/1"]
    purpose: Literal["register_certificate"]
    authority: Code
    origin: Origin
    account: Decider
    certificate: Hash
    subject: Text
    nonce: Hash
    issued_at: datetime
    expires_at: datetime


_decode = msgspec.json.Decoder(Registration).decode


def build_registration(
    *, authority: str, origin: str, name: str, user: str, certificate: str, subject: str, nonce: bytes, issued_at: datetime, lasts: timedelta
) -> bytes:
    """Canonical bytes of a registration. `origin` is scheme://host[:port] of this site, `nonce` 32 random bytes. Raises RegistrationInvalid."""
    begins = issued_at.astimezone(UTC).replace(microsecond=0, tzinfo=None)
    body = canonical(
        {
            "schema": SCHEMA,
            "purpose": "register_certificate",
            "authority": authority,
            "origin": origin.lower(),
            "account": {"name": visible(name), "user": visible(user)},
            "certificate": certificate,
            "subject": visible(subject),
            "nonce": nonce.hex(),
            "issued_at": begins.isoformat() + "Z",
            "expires_at": (begins + lasts).isoformat() + "Z",
        }
    )
    read_registration(body)
    return body


def read_registration(body: bytes) -> Registration:
    """What the bytes say. Raises RegistrationInvalid unless they are exactly what `build_registration` would have written."""
    if len(body) > MAX_BYTES:
        raise RegistrationInvalid(f"a registration has at most {MAX_BYTES} bytes")
    try:
        said = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RegistrationInvalid(str(error)) from error
    if problem := next(_problems(said), None):
        raise RegistrationInvalid(problem)
    if canonical(said) != body:
        raise RegistrationInvalid("the bytes are not in canonical form (RFC 8785)")
    return said


def read_signable(body: bytes) -> Statement | Registration:
    """Whichever of the two statements that people sign. Raises ManifestInvalid for anything else."""
    return read_registration(body) if b'"schema":"registration/1"' in body[:MAX_BYTES] else read_manifest(body)


def _problems(said: Registration) -> Iterator[str]:
    for moment in (said.issued_at, said.expires_at):
        if moment.utcoffset() != timedelta(0) or moment.microsecond:
            yield "a time is not a UTC time in whole seconds"
    if said.expires_at <= said.issued_at:
        yield "it ends before it begins"
    for name, text in (("account.name", said.account.name), ("account.user", said.account.user), ("subject", said.subject)):
        if visible(text) != text:
            yield f"{name} holds characters that cannot be seen"
