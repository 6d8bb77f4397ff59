"""One HTTP exchange, bounded in size and time; failures of the line become kinds."""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Callable
from contextlib import closing

import httpx

from exchange.contract import ErrorKind
from exchange.transports.base import CallFailed, Reply

MAX_ANSWER = 8 * 1024 * 1024

# TLS alerts by which a server says that it wants a certificate, or not this one (RFC 8446 section 6.2). With TLS 1.3 they come after the handshake.
ALERTS = re.compile(
    "CERTIFICATE_REQUIRED|BAD_CERTIFICATE|UNKNOWN_CA|CERTIFICATE_UNKNOWN|CERTIFICATE_EXPIRED|CERTIFICATE_REVOKED|ACCESS_DENIED", re.IGNORECASE
)


def over_the_line(client: httpx.Client, request: httpx.Request, *, auth: tuple[str, str] | None, seconds: float) -> Reply:
    """Send and read to the end. Raises CallFailed; what may have arrived all the same is ambiguous."""
    # The client's own limit is for each read: a line that drips byte by byte would keep within it for ever.
    until = time.monotonic() + seconds
    try:
        with closing(client.send(request, auth=auth, stream=True)) as response:
            body = bytearray()
            for chunk in response.iter_bytes():
                body += chunk
                if time.monotonic() > until:
                    raise CallFailed(ErrorKind.AMBIGUOUS, "NO_ANSWER", "the answer did not end in time", status=response.status_code)
                if len(body) > MAX_ANSWER:
                    text = f"the answer is longer than {MAX_ANSWER} bytes"
                    raise CallFailed(ErrorKind.AMBIGUOUS, "ANSWER_TOO_LARGE", text, status=response.status_code)
            return Reply(response.status_code, {name.lower(): value for name, value in response.headers.items()}, bytes(body))
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        if _has_cause(error, lambda one: isinstance(one, ssl.SSLCertVerificationError)):
            raise CallFailed(ErrorKind.CONFIG, "CERTIFICATE_UNTRUSTED", _said(error)) from error
        if _has_cause(error, _refuses_ours):
            raise _certificate_refused(error) from error
        raise CallFailed(ErrorKind.TRANSIENT, "UNREACHABLE", _said(error)) from error
    except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
        raise CallFailed(ErrorKind.CONFIG, "ADDRESS_INVALID", _said(error)) from error
    except httpx.HTTPError as error:
        if _has_cause(error, _refuses_ours):
            raise _certificate_refused(error) from error
        # The request may have been read before the connection or the time ran out.
        raise CallFailed(ErrorKind.AMBIGUOUS, "NO_ANSWER", _said(error)) from error


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _has_cause(error: BaseException | None, is_it: Callable[[BaseException], bool]) -> bool:
    """Is it this error, or one in the chain of its causes?"""
    while error is not None:
        if is_it(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def _refuses_ours(error: BaseException) -> bool:
    return isinstance(error, ssl.SSLError) and ALERTS.search(str(error).replace(" ", "_")) is not None


def _certificate_refused(error: Exception) -> CallFailed:
    text = "the other side wants a client certificate that it trusts: check HOSO_CHANNEL_CERTIFICATES, and have the certificate admitted there"
    return CallFailed(ErrorKind.CONFIG, "CERTIFICATE_REFUSED", f"{text} ({_said(error)})")
