"""Asks the time-stamping authority (RFC 3161 over HTTP) for a token over each signature that has none yet.

Apart from deciding: an authority that does not answer holds nobody up, and the next run asks for what is still wanting.
"""

from __future__ import annotations

import logging

import httpx
from django.conf import settings

from workflows.cms import SignatureRefused
from workflows.services.timestamping import signatures_unstamped, timestamp_record
from workflows.timestamps import MAX_TOKEN_BYTES, StampRefused, signature_value, stamp_request

logger = logging.getLogger(__name__)

A_RUN = 200
QUERY, REPLY = "application/timestamp-query", "application/timestamp-reply"


class AuthorityFailed(Exception):
    """The time-stamping authority cannot be reached or answers something else than time-stamps."""


def signatures_stamp(*, transport: httpx.BaseTransport | None = None) -> int:
    """Fetch at most 200 time-stamps from TSA_URL; returns how many were kept. Nothing happens where no authority is configured.

    Raises AuthorityFailed when it does not answer; what it answered before stays. A single token that does not hold is logged
    and asked for again in the next run.
    """
    if not settings.TSA_URL:
        return 0
    kept = 0
    with httpx.Client(timeout=10, transport=transport, follow_redirects=False) as client:
        for signature in signatures_unstamped()[:A_RUN]:
            request = stamp_request(signature_value(bytes(signature.der)))
            try:
                timestamp_record(signature=signature, request=request, response=_ask(client, request))
                kept += 1
            except (StampRefused, SignatureRefused) as refused:
                logger.warning("Time-stamp of signature %s refused: %s %s", bytes(signature.digest).hex(), refused.code, refused.reason)
    return kept


def _ask(client: httpx.Client, request: bytes) -> bytes:
    """The body of the answer, read no further than a token may be long."""
    body = b""
    try:
        with client.stream("POST", settings.TSA_URL, content=request, headers={"Content-Type": QUERY, "Accept": REPLY}) as answer:
            if answer.status_code != 200 or answer.headers.get("content-type", "").partition(";")[0].strip() != REPLY:
                raise AuthorityFailed(f"status {answer.status_code}, {answer.headers.get('content-type', 'no content type')}")
            for part in answer.iter_bytes():
                body += part
                if len(body) > MAX_TOKEN_BYTES:
                    raise AuthorityFailed(f"the answer is longer than {MAX_TOKEN_BYTES} bytes")
    except httpx.HTTPError as error:
        raise AuthorityFailed(f"{type(error).__name__}: {error}") from error
    return body
