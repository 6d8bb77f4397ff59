"""Code lists: what is published comes to its digest, and every code is a leaf of what somebody at the hub signed."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from exchange.catalogue_contract import catalogue_digest
from exchange.conformance.checks.check import check, each
from exchange.conformance.kit import Failed, Kit, expect, refused
from workflows import merkle
from workflows.documents import canonical, digest
from workflows.manifest import ManifestInvalid, read_manifest


@check("Published catalogues by name, each with version, digest and number of codes", "GET /catalogues; see Catalogues in the contract.")
def catalogues_are_told(kit: Kit) -> None:
    answer = kit.call("GET", "/catalogues")
    names = [one["name"] for one in (answer.body or {}).get("catalogues", [])]
    expect((answer.status, bool((answer.body or {}).get("authority")), names), (200, True, sorted(set(names))), "the catalogues")
    for one in answer.body["catalogues"]:
        if one["version"] < 1 or len(bytes.fromhex(one["digest"])) != 32 or one["codes"] < 1:
            raise Failed(f"a published catalogue has a version, a SHA-256 and codes; seen {one}")


@check("The codes of every catalogue come to the digest that is named for it", "SHA-256 over a zero byte and, by key: key, version, digest.")
def catalogues_come_to_their_digest(kit: Kit) -> None:
    for head in kit.call("GET", "/catalogues").body["catalogues"]:
        codes, pages = _codes(kit, head["name"]), head["digest"]
        found = catalogue_digest((UUID(one["key"]), one["version"], digest(canonical(one["document"]))) for one in codes).hex()
        expect((len(codes), found), (head["codes"], pages), f"the codes of {head['name']}")


@check("Every published code is a leaf of a manifest in the hub's own name", "Send a page's manifests along; publish nothing unsigned.")
def published_codes_are_proved(kit: Kit) -> None:
    told = kit.call("GET", "/catalogues").body
    for head in told["catalogues"]:
        for page in _pages(kit, head["name"]):
            signed = {digest(body).hex(): body for body in (base64.b64decode(one["manifest"]) for one in page["manifests"])}
            for one in page["codes"]:
                _prove(one, signed.get(one["manifest"]), told["authority"])


@check("Nothing comes after the last position", "`after` is the position of the last code read; what has not changed since is left out.")
def catalogues_are_read_on(kit: Kit) -> None:
    for head in kit.call("GET", "/catalogues").body["catalogues"]:
        last = _codes(kit, head["name"])[-1]["position"]
        page = kit.call("GET", f"/catalogues/{head['name']}?after={last}").body
        expect((page["codes"], page["next"], page["digest"]), ([], None, head["digest"]), "what comes after the last position")


@check("What an agency holds is taken, and answered with what is published", "PUT /catalogues; the answer is that of GET.")
def held_catalogues_are_taken(kit: Kit) -> None:
    said = {"held": [{"name": "gender", "version": 0, "waiting": 0, "kept": 0}]}
    answer = kit.call("PUT", "/catalogues", body=said)
    expect((answer.status, answer.body), (200, kit.call("GET", "/catalogues").body), "the answer")


def _not_held(kit: Kit, body: Any, code: str) -> None:
    refused(kit.call("PUT", "/catalogues", body=body), 400 if code == "MALFORMED" else 422, code)


each(
    "held_catalogues_are_checked",
    {
        "negative version": ({"held": [{"name": "gender", "version": -1, "waiting": 0, "kept": 0}]}, "INVALID"),
        "unknown field": ({"held": [], "more": 1}, "INVALID"),
    },
    "422 INVALID",
    "Check the body against CataloguesHeld.",
    _not_held,
)


@check("A catalogue that is not published is not found", "404 NOT_FOUND with a Problem.")
def unknown_catalogue_is_not_found(kit: Kit) -> None:
    refused(kit.call("GET", "/catalogues/no_such_list"), 404, "NOT_FOUND")


def _pages(kit: Kit, name: str) -> Iterator[dict[str, Any]]:
    after = 0
    while True:
        answer = kit.call("GET", f"/catalogues/{name}?after={after}")
        if answer.status != 200:
            raise Failed(f"the list {name} was answered with {answer}")
        yield answer.body
        if answer.body["next"] is None:
            return
        if answer.body["next"] <= after:
            raise Failed(f"the cursor of {name} stands still at {after}")
        after = answer.body["next"]


def _codes(kit: Kit, name: str) -> list[dict[str, Any]]:
    codes = [one for page in _pages(kit, name) for one in page["codes"]]
    positions = [one["position"] for one in codes]
    if positions != sorted(set(positions)):
        raise Failed(f"the codes of {name} do not come in the order of their positions: {positions}")
    return codes


def _prove(one: dict[str, Any], manifest: bytes | None, authority: str) -> None:
    place = f"{one['kind']} {one['key']}"
    if manifest is None:
        raise Failed(f"the manifest of {place} did not come along")
    try:
        statement = read_manifest(manifest)
    except ManifestInvalid as error:
        raise Failed(f"the manifest of {place} is none: {error}") from error
    base = one["version"] - 1
    leaf = merkle.leaf_hash(
        kind=one["kind"],
        key=UUID(one["key"]),
        op="update" if base else "create",
        base_version=base,
        document_digest=digest(canonical(one["document"])),
    )
    path = [bytes.fromhex(node) for node in one["proof"]]
    proved = merkle.verify(leaf=leaf, index=one["leaf_index"], count=statement.count, path=path, expected_root=statement.root_hash)
    if statement.authority != authority or not proved:
        raise Failed(f"{place}: expected a leaf of a manifest of {authority}, seen one of {statement.authority} and a proof that does not lead there")
