"""At an agency: reading the hub's code lists. Nothing that is read here becomes true; it is kept with what proves it (`selectors.catalogues` says
what it would change, `services.catalogues` brings it into the agency's own gate).

Every page is kept by itself, with the position that it reached, so a pull that is killed goes on where it was; reading twice keeps nothing twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from exchange.catalogue_contract import (
    CatalogueHead,
    CataloguePage,
    Catalogues,
    CataloguesHeld,
    PublishedCode,
    PublishedManifest,
    catalogue_digest,
)
from exchange.connectors import JSON, CallFailed, connect
from exchange.contract import Signed, encode
from exchange.models import CatalogueCode, CatalogueManifest, CatalogueRead, CatalogueSource, Channel
from exchange.selectors.catalogues import catalogues_held, codes_newest, may_pull
from exchange.services.catalogue_notices import catalogues_ring, catalogues_silence
from exchange.services.proving import Leaf, ProofWrong, leaf_prove, sealed_statements, signature_prove, statement_read
from exchange.services.transfer_line import hub_channel
from orgtree import clock
from orgtree.models import User
from registry.selectors.catalogues import catalogue_of, key_of
from workflows.dispatch import send_on_commit
from workflows.documents import canonical, digest
from workflows.errors import NotAllowed
from workflows.manifest import Statement
from workflows.services.audit import audit
from workflows.targets import target
from workflows.trust import TrustStore

CATALOGUES_TASK = "exchange.catalogues"
T = TypeVar("T")
MAX_PAGES = 10_000  # of one catalogue; a cursor that does not end is the other side's mistake


class Line(Protocol):
    """Answers the calls about lists: the hub's API, or a package that was carried by hand."""

    def call(self, method: str, path: str, shape: type[T], **request: Any) -> T: ...


Connect = Callable[[Channel], AbstractContextManager[Line]]


class PublicationWrong(ProofWrong):
    """What the hub told is not what was asked for, or does not fit together. Nothing of that page is kept."""


def catalogues_pull_ask(*, actor: User) -> None:
    """Let a worker read what is new. Raises NotAllowed."""
    channel = hub_channel()
    if channel is None or not may_pull(actor):
        raise NotAllowed
    with transaction.atomic():
        CatalogueSource.objects.update_or_create(channel=channel, defaults={"begun_at": clock.now()})
        audit(actor=actor, action="catalogues.asked", channel=channel.code)
        send_on_commit(CATALOGUES_TASK)


def catalogues_pull(*, connector: Connect = connect) -> CatalogueSource | None:
    """Tell the hub what is held here, read what changed, and tell it again; None without a line to a hub. A failure is kept on the source."""
    channel = hub_channel()
    return catalogues_read(channel=channel, connector=connector) if channel else None


def catalogues_read(*, channel: Channel, connector: Connect) -> CatalogueSource:
    """The same of one channel, whatever answers for it."""
    source, _made = CatalogueSource.objects.update_or_create(channel=channel, defaults={"begun_at": clock.now()})
    failed, read = {"error_code": "", "error_text": ""}, 0
    try:
        with connector(channel) as line:
            told = _tell(line, source)
            if told.catalogues:
                _authority_check(source, told.authority)
            for head in told.catalogues:
                read += _read(line, source, head)
            if read:
                _tell(line, source)
    except CallFailed as failure:
        failed = {"error_code": failure.code[:40], "error_text": failure.detail[:500]}
    except ProofWrong as wrong:
        failed = {"error_code": wrong.code[:40], "error_text": str(wrong)[:500]}
    ended = {"begun_at": None, **failed, **({} if failed["error_code"] else {"checked_at": clock.now()})}
    CatalogueSource.objects.filter(pk=source.pk).update(**ended)
    if read or failed["error_code"]:
        audit(actor=None, action="catalogues.pulled", channel=channel.code, codes=read, error=failed["error_code"])
    source.refresh_from_db()
    catalogues_ring(source)
    catalogues_silence()
    return source


def _tell(line: Line, source: CatalogueSource) -> Catalogues:
    said = CataloguesHeld(held=catalogues_held(source))
    return line.call("PUT", "/catalogues", Catalogues, content=encode(said), headers=JSON)


def _authority_check(source: CatalogueSource, authority: str) -> None:
    """The publisher is whoever was met first: certificates are asked for in that name ever after."""
    if not source.authority:
        CatalogueSource.objects.filter(pk=source.pk, authority="").update(authority=authority)
        source.refresh_from_db()
    if source.authority != authority:
        text = _("The other side calls itself %(now)s; until now it was %(before)s. Check the address of the channel.")
        raise PublicationWrong("OTHER_AUTHORITY", text % {"now": authority, "before": source.authority})


def _read(line: Line, source: CatalogueSource, head: CatalogueHead) -> int:
    """Read one catalogue from where we stand, and once from its beginning when that does not come to its digest. Returns the codes that were new."""
    read, _made = CatalogueRead.objects.get_or_create(source=source, name=head.name)
    if (read.version, bytes(read.digest).hex()) == (head.version, head.digest):
        return 0
    kept = 0
    for after in dict.fromkeys((read.position, 0)):
        page, more = _pages(line, read, after)
        kept += more
        if _settled(read, page, head):
            return kept
    text = _("The codes of the list “%s” do not come to the digest that the hub names. Ask the hub’s operator to compare; nothing was changed here.")
    raise PublicationWrong("DIGEST_DIFFERS", text % head.title)


def _pages(line: Line, read: CatalogueRead, after: int) -> tuple[CataloguePage, int]:
    kept, position = 0, after
    for _number in range(MAX_PAGES):
        page = line.call("GET", f"/catalogues/{read.name}", CataloguePage, params={"after": position})
        kept += page_keep(read=read, page=page)
        if page.next is None:
            return page, kept
        if page.next <= position:
            break
        position = page.next
    raise PublicationWrong("CURSOR_STANDS_STILL", _("The pages of the list “%s” do not end.") % read.name)


def _settled(read: CatalogueRead, page: CataloguePage, head: CatalogueHead) -> bool:
    """Whether what is kept is the catalogue as the last page named it; if so that is written down."""
    newest = codes_newest(read.source, names=[read.name])
    found = catalogue_digest((one.key, one.version, bytes(one.digest)) for one in newest)
    if found.hex() != page.digest:
        return False
    changed_at = head.changed_at if page.version == head.version else clock.now()
    CatalogueRead.objects.filter(pk=read.pk).update(version=page.version, digest=found, codes=len(newest), changed_at=changed_at)
    return True


def page_keep(*, read: CatalogueRead, page: CataloguePage) -> int:
    """Keep a page after verifying every signature and every proof on it; returns the codes that were new. Raises ProofWrong."""
    if page.name != read.name:
        raise PublicationWrong("OTHER_CATALOGUE", _("The hub answered with another list than the one asked for."))
    trust = TrustStore.load(settings.TRUST_DIRECTORY)
    with transaction.atomic():
        signed = {digest(one.manifest).hex(): _manifest_keep(read.source, one, trust) for one in page.manifests}
        rows = [_code(read, one, signed) for one in page.codes]
        before = CatalogueCode.objects.filter(source=read.source, catalogue=read.name).count()
        CatalogueCode.objects.bulk_create(rows, ignore_conflicts=True)
        reached = max((one.position for one in page.codes), default=read.position)
        CatalogueRead.objects.filter(pk=read.pk, position__lt=reached).update(position=reached)
        return CatalogueCode.objects.filter(source=read.source, catalogue=read.name).count() - before


def _manifest_keep(source: CatalogueSource, told: PublishedManifest, trust: TrustStore) -> tuple[CatalogueManifest, Statement]:
    """The manifest that the codes are leaves of, and what people signed before the hub's seal was put on it; each verified and kept once."""
    statement = statement_read(told.manifest, authority=source.authority)
    for one, before in sealed_statements(told, statement, authority=source.authority):
        _signature_keep(source, one, before, trust)
    return _signature_keep(source, told, statement, trust), statement


def _signature_keep(source: CatalogueSource, told: PublishedManifest | Signed, statement: Statement, trust: TrustStore) -> CatalogueManifest:
    names = {"source": source, "digest": digest(told.manifest), "signature_digest": digest(told.signature)}
    if (known := CatalogueManifest.objects.filter(**names).first()) is not None:
        return known
    verified = signature_prove(told, authority=source.authority, trust=trust)
    found: Mapping[str, Any] = {
        "body": told.manifest,
        "signature": told.signature,
        "received_at": told.received_at,
        "decider": statement.decider.name,
        "subject": verified.subject[:500],
        "fingerprint": verified.fingerprint,
    }
    return CatalogueManifest.objects.get_or_create(**names, defaults=found)[0]


def _code(read: CatalogueRead, one: PublishedCode, signed: Mapping[str, tuple[CatalogueManifest, Statement]]) -> CatalogueCode:
    """A code as it is kept: a whole document of the named list, under the key that such a code has, and a leaf of what was signed."""
    place = f"{one.kind} {one.key}"
    if target(one.kind).schema.problems(one.document):
        raise PublicationWrong("DOCUMENT_INVALID", _("%s is not a complete document of its schema.") % place)
    if catalogue_of(one.kind, one.document) != read.name or key_of(one.kind, one.document) != one.key:
        raise PublicationWrong("OTHER_CATALOGUE", _("%s does not belong to the list that was asked for.") % place)
    if one.manifest not in signed:
        raise PublicationWrong("MANIFEST_MISSING", _("What was signed for %s did not come along.") % place)
    manifest, statement = signed[one.manifest]
    body = canonical(one.document)
    leaf_prove(Leaf(one.kind, one.key, one.version - 1, digest(body), one.leaf_index, one.proof), statement)
    return CatalogueCode(
        source=read.source,
        catalogue=read.name,
        kind=one.kind,
        key=one.key,
        version=one.version,
        position=one.position,
        digest=digest(body),
        document=body,
        manifest=manifest,
        leaf_index=one.leaf_index,
        proof=bytes.fromhex("".join(one.proof)),
    )
