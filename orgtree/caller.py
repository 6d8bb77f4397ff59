"""Where a call to the server comes from."""

from __future__ import annotations

import ipaddress

from django.http import HttpRequest


def address_of(request: HttpRequest | None) -> str:
    """Where the call comes from. A proxy on this machine says it at the end of X-Forwarded-For; what others put there is not believed."""
    if request is None:
        return ""
    direct = str(request.META.get("REMOTE_ADDR", ""))
    said = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    return said if said and direct in ("127.0.0.1", "::1", "") else direct


def ip_of(request: HttpRequest | None) -> str | None:
    """The same, as an address the database takes; None for what is none, as a socket's name or a header that somebody made up."""
    try:
        return str(ipaddress.ip_address(address_of(request)))
    except ValueError:
        return None
