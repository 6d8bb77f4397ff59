"""Code lists carried by hand: on the hub written and signed, at an agency read, by the very reading and verifying that a line has.

The hub keeps nothing: the same lists make the same statement, so it is made anew for whoever signs it, and a lost stick is written again.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from typing import IO

from django.conf import settings
from django.db import transaction

from exchange.carried_lists import CarriedLine, ListPart, ListsStatement, list_part, lists_open, lists_read
from exchange.contract import encode
from exchange.models import CatalogueRead, CatalogueSource
from exchange.packages import PackageRefused, Reason, package_write, statement_bytes
from exchange.selectors.catalogues import may_pull
from exchange.selectors.sight import installation_top, operates_line
from exchange.services.catalogues_publishing import catalogue_page, catalogues_tell
from exchange.services.catalogues_pulling import catalogues_read
from exchange.services.packing import carried_channel
from exchange.services.signing import signature_of, signature_own
from exchange.ways import CarriedOptions, options_read
from orgtree.models import User
from workflows.cms import SignatureRefused
from workflows.errors import NotAllowed
from workflows.services.audit import audit


def lists_statement(*, actor: User) -> bytes:
    """On the hub: what is signed for a package of every published list as it stands. Raises NotAllowed, PackageRefused when none is published."""
    return _made(actor)[0]


def lists_file(*, actor: User, signature: bytes, file: IO[bytes]) -> None:
    """On the hub: write the package under a signature over its statement, by the operator or the hub's seal.

    Raises NotAllowed, PackageRefused, SignatureRefused; the signature no longer holds when a list has changed since.
    """
    statement, bodies = _made(actor)
    verified = signature_own(actor=actor, content=statement, signature=signature)
    package_write(file, statement=statement, signature=signature, bodies=bodies)
    with transaction.atomic():
        audit(actor=actor, action="catalogues.package_written", unit=installation_top(), lists=len(bodies), signer=verified.subject[:500])


def _made(actor: User) -> tuple[bytes, list[tuple[str, bytes]]]:
    if settings.ROLE != "hub" or not operates_line(actor):
        raise NotAllowed
    told = catalogues_tell()
    bodies = [(head.name, encode({"head": head, "pages": list(_pages(head.name))})) for head in told.catalogues]
    if not bodies:
        raise PackageRefused(Reason.NOTHING_TO_CARRY, "no list is published")
    parts: list[ListPart] = [list_part(name, body) for name, body in bodies]
    changed_at = max(head.changed_at for head in told.catalogues).astimezone(UTC)
    statement = statement_bytes(ListsStatement(hub=settings.AUTHORITY, changed_at=changed_at, parts=parts))
    return statement, [(part.name, body) for part, (_name, body) in zip(parts, bodies, strict=True)]


def _pages(name: str) -> Iterator[dict[str, object]]:
    after: int | None = 0
    while after is not None and (page := catalogue_page(name=name, after=after)) is not None:
        yield page
        after = page["next"]


def lists_take(*, actor: User, file: IO[bytes], size: int) -> CatalogueSource:
    """At an agency: read the lists of a package. What does not fit together is kept on the source as its error, as over a line.

    A list that was read here in a newer version is passed over. Raises NotAllowed, PackageRefused; nothing was read then.
    """
    channel = carried_channel()
    if channel is None or not may_pull(actor):
        raise NotAllowed
    opened, said = lists_open(file, size=size)
    hub = options_read(channel.transport, channel.transport_options, CarriedOptions).hub
    if said.hub != hub:
        raise PackageRefused(Reason.WRONG_AGENCY, f"these are lists of {said.hub}; the hub of this agency is {hub}")
    try:
        signature_of(agency=hub, content=opened.statement, signature=opened.signature)
    except SignatureRefused as refused:
        raise PackageRefused(Reason.SIGNATURE_REFUSED, str(refused)) from refused
    lists = lists_read(opened, said)
    known = dict(CatalogueRead.objects.filter(source__channel=channel).values_list("name", "version"))
    fresh = {name: one for name, one in lists.items() if one.head.version >= known.get(name, 0)}
    if not fresh:
        raise PackageRefused(Reason.OLDER_LISTS, f"newest change {said.changed_at:%d/%m/%Y}")
    with transaction.atomic():
        audit(
            actor=actor,
            action="catalogues.carried",
            channel=channel.code,
            package=opened.digest.hex(),
            lists=len(fresh),
            older=len(lists) - len(fresh),
        )
    return catalogues_read(channel=channel, connector=lambda _channel: CarriedLine(hub=hub, lists=fresh))
