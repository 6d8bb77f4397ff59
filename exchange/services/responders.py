"""Asks a certificate authority's OCSP responder over HTTP (RFC 6960, appendix A.1).

Plain http is what responders speak: the answer is signed. The address is one that the operator configured, never one out of a
certificate; no redirect is followed, and nothing is waited for longer than a person who is signing would.
"""

from __future__ import annotations

import time

import httpx

from workflows.ocsp import MAX_RESPONSE_BYTES
from workflows.services.revocation import ResponderSilent

QUERY, REPLY = "application/ocsp-request", "application/ocsp-response"
CONNECT, TOTAL = 2.0, 5.0  # seconds


def responder_ask(address: str, question: bytes, *, transport: httpx.BaseTransport | None = None) -> bytes:
    """The body (OCSPResponse, DER) with which the responder at `address` answers `question`. Raises ResponderSilent."""
    ends = time.monotonic() + TOTAL
    body = b""
    try:
        with (
            httpx.Client(timeout=httpx.Timeout(TOTAL, connect=CONNECT), transport=transport, follow_redirects=False, trust_env=False) as client,
            client.stream("POST", address, content=question, headers={"Content-Type": QUERY, "Accept": REPLY}) as answer,
        ):
            kind = answer.headers.get("content-type", "").partition(";")[0].strip()
            if answer.status_code != 200 or kind != REPLY:
                raise ResponderSilent(f"status {answer.status_code}, {kind or 'no content type'}")
            for part in answer.iter_bytes():
                body += part
                if len(body) > MAX_RESPONSE_BYTES:
                    raise ResponderSilent(f"the answer is longer than {MAX_RESPONSE_BYTES} bytes")
                if time.monotonic() > ends:
                    raise ResponderSilent(f"the answer takes longer than {TOTAL:.0f} seconds")
    except httpx.HTTPError as error:
        raise ResponderSilent(f"{type(error).__name__}: {error}"[:300]) from error
    return body
