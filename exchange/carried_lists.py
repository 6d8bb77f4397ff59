"""The hub's code lists as a package for agencies without a line. Pure.

The zip of `packages` with another statement: `statement.json`, `statement.p7s` by the hub, and one file a list with the very pages that the calls
of `catalogue_contract` would answer. What is true of a code is still proved by its leaf and the manifest that people signed; the statement says
which lists there were, each whole, so nothing can be left out on the way. The same lists make the same bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import IO, Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from exchange.catalogue_contract import MAX_CATALOGUES, CatalogueHead, CataloguePage, Catalogues
from exchange.contract import MAX_BODY, Digest, Moment
from exchange.packages import SIGNATURE, STATEMENT, Code, Opened, PackageRefused, Reason, package_open

T = TypeVar("T")


class ListPart(Struct, forbid_unknown_fields=True, kw_only=True):
    """One file of the package: a list with all of its pages."""

    name: Annotated[str, Meta(pattern="^lists/[a-z][a-z0-9_]{0,29}\\.json$")]
    length: Annotated[int, Meta(ge=2, le=MAX_BODY)]
    digest: Digest


class ListsStatement(Struct, forbid_unknown_fields=True, kw_only=True):
    """What the hub says: these are all lists that it publishes, as of the newest change among them."""

    schema: Literal["catalogues_package/1"] = "catalogues_package/1"
    hub: Code
    changed_at: Moment
    parts: Annotated[list[ListPart], Meta(min_length=1, max_length=MAX_CATALOGUES)]


class CarriedList(Struct, kw_only=True):
    """What the calls would have answered of one list: its line among all, and its pages from the beginning."""

    head: CatalogueHead
    pages: Annotated[list[CataloguePage], Meta(min_length=1)]


def list_part(name: str, body: bytes) -> ListPart:
    return ListPart(name=f"lists/{name}.json", length=len(body), digest=hashlib.sha256(body).hexdigest())


def lists_open(file: IO[bytes], *, size: int) -> tuple[Opened, ListsStatement]:
    """The package and what its statement says; nothing is believed before its signature was verified. Raises PackageRefused."""
    opened = package_open(file, size=size, most=MAX_CATALOGUES)
    said = opened.stated(opened.statement, ListsStatement)
    if sorted(opened.package.namelist()) != sorted([STATEMENT, SIGNATURE, *(one.name for one in said.parts)]):
        raise PackageRefused(Reason.OTHER_ENTRIES, "the package does not hold exactly the files that its statement names, each once")
    return opened, said


def lists_read(opened: Opened, said: ListsStatement) -> dict[str, CarriedList]:
    """The lists by name, each as the statement says. Raises PackageRefused."""
    found = {}
    for part in said.parts:
        try:
            one = msgspec.json.decode(opened.body(part), type=CarriedList)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise PackageRefused(Reason.STATEMENT_INVALID, f"{part.name}: {error}") from error
        if part.name != f"lists/{one.head.name}.json" or any(page.name != one.head.name for page in one.pages):
            raise PackageRefused(Reason.CONTENT_DIFFERS, f"{part.name} holds another list")
        found[one.head.name] = one
    return found


class CarriedLine:
    """Answers the calls about lists out of a package: what reads lists over a line reads them from here, and verifies the same."""

    def __init__(self, *, hub: str, lists: Mapping[str, CarriedList]) -> None:
        self._lists = lists
        self._told = Catalogues(authority=hub, catalogues=[one.head for one in lists.values()])

    def __enter__(self) -> CarriedLine:
        return self

    def __exit__(self, *_details: object) -> None:
        return None

    def call(self, method: str, path: str, shape: type[T], **request: Any) -> T:
        """`PUT /catalogues` (what is held here goes back with the next package instead) and `GET /catalogues/{name}?after=`."""
        name = path.removeprefix("/catalogues").strip("/")
        answer: Any = _page(self._lists[name].pages, int(request["params"]["after"])) if name else self._told
        assert isinstance(answer, shape), f"{method} {path}"
        return answer


def _page(pages: Sequence[CataloguePage], after: int) -> CataloguePage:
    """The page on which the first code after a position stands, without those before it; the last page when there is none."""
    page = next((one for one in pages if any(code.position > after for code in one.codes)), pages[-1])
    return msgspec.structs.replace(page, codes=[code for code in page.codes if code.position > after])
