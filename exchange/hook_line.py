"""One POST to an address that somebody else chose: only to public addresses, over https, without redirects, answers not read.

The name is resolved once, every address of it must be public, and the call goes to the address that was looked at: a name that
resolves to something else a moment later (DNS rebinding) gains nothing. Hosts on closed networks of the State are named in WEBHOOK_HOSTS.
"""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
from django.conf import settings

TIMEOUT = 10.0
PORTS = frozenset({443, 8443})


class AddressRefused(Exception):
    """The address must not be called; the message says why."""


class HookFailed(Exception):
    """The call did not succeed; the message holds no secret."""


@dataclass(frozen=True)
class Address:
    """A checked address: where to connect, and what the request says."""

    url: str  # with the IP in place of the name
    host: str  # the Host header
    name: str  # the name for TLS


def address_checked(url: str) -> Address:
    """Where a call to `url` may go. Raises AddressRefused."""
    parts = urlsplit(url)
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise AddressRefused("the port is none") from error
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.username or parts.password:
        raise AddressRefused("an address is https://host/path, without user or password")
    known = f"{parts.hostname}:{port}" in settings.WEBHOOK_HOSTS
    if not known and (parts.scheme != "https" or port not in PORTS):
        raise AddressRefused("only https on port 443 or 8443 is called, unless WEBHOOK_HOSTS names the host")
    addresses = _resolved(parts.hostname, port)
    if not known and (closed := [one for one in addresses if not _is_public(one)]):
        raise AddressRefused(f"{closed[0]} is no public address")
    ip = addresses[0]
    where = f"[{ip}]" if ip.version == 6 else str(ip)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Address(f"{parts.scheme}://{where}:{port}{path}", parts.netloc, parts.hostname)


def post(*, url: str, body: bytes, headers: dict[str, str], transport: httpx.BaseTransport | None = None) -> None:
    """Send the body; any 2xx is success. Raises AddressRefused, HookFailed."""
    to = address_checked(url)
    sent = {**headers, "host": to.host, "content-type": "application/json", "user-agent": f"hoso/{settings.AUTHORITY}"}
    try:
        with httpx.Client(timeout=TIMEOUT, follow_redirects=False, trust_env=False, transport=transport) as client:
            request = client.build_request("POST", to.url, content=body, headers=sent, extensions={"sni_hostname": to.name})
            answer = client.send(request, stream=True)
            answer.close()
    except httpx.HTTPError as error:
        raise HookFailed(f"{type(error).__name__}: {error}"[:500]) from error
    if not 200 <= answer.status_code < 300:
        raise HookFailed(f"status {answer.status_code}")


def _resolved(host: str, port: int) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise AddressRefused(f"the name {host} is not known") from error
    return [ipaddress.ip_address(str(one[4][0]).partition("%")[0]) for one in found]


def _is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Also what hides an IPv4 address inside an IPv6 one (mapped, 6to4, Teredo) is judged by it."""
    if isinstance(address, ipaddress.IPv6Address):
        inside = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inside is not None and not _is_public(inside):
            return False
    return address.is_global and not address.is_multicast
