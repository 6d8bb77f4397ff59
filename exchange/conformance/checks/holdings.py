"""What the hub holds of an agency, told back to it: whole, in order, proved, to nobody else; and taken over under another number."""

from __future__ import annotations

import base64
from typing import Any
from uuid import UUID, uuid4

from exchange.conformance.checks.check import check
from exchange.conformance.kit import Change, Failed, Kit, expect, refused
from exchange.contract import PROFILE_KIND
from workflows import merkle
from workflows.documents import canonical, digest
from workflows.manifest import ManifestInvalid, read_manifest


@check(
    "What was accepted is told by key, version and digest, in the order of the keys",
    "GET /profiles; `after` is the last key, `next` null at the end.",
)
def what_is_held_is_told(kit: Kit) -> None:
    one, other = kit.person(), kit.person()
    kit.outcome([one, other])
    kit.outcome([one.again(phone="0987654321")])
    told = _all(kit, "/profiles")
    keys = [entry["key"] for entry in told]
    if keys != sorted(set(keys)):
        raise Failed(f"the entries do not come in the order of their keys: {keys[:10]}")
    versions = {entry["key"]: (entry["version"], entry["digest"]) for entry in told}
    wanted = {str(one.key): (2, one.again(phone="0987654321").digest), str(other.key): (1, other.digest)}
    expect({key: versions.get(key) for key in wanted}, wanted, "the entries of two people")
    if str(kit.office) not in {entry["key"] for entry in _all(kit, f"/org-units?unit={kit.root}")}:
        raise Failed("a unit below the agency's own was asked for and is not told")


@check("A record comes with the leaf, the proof and the manifest that its agency signed", "POST /held; keep evidence of every version that is held.")
def what_is_held_is_proved(kit: Kit) -> None:
    change = kit.person()
    kit.outcome([change, kit.person()])
    told = _held(kit, change.key)
    (record,) = told["records"]
    body = next((one for one in map(_manifest, told["manifests"]) if digest(one).hex() == record["manifest"]), None)
    if body is None:
        raise Failed("the manifest of the record did not come along")
    try:
        statement = read_manifest(body)
    except ManifestInvalid as error:
        raise Failed(f"the manifest is none: {error}") from error
    found = digest(canonical(record["document"]))
    expect((found.hex(), told["entries"][0]["digest"]), (change.digest, change.digest), "the digest of the document")
    leaf = merkle.leaf_hash(kind=PROFILE_KIND, key=change.key, op="create", base_version=record["base_version"], document_digest=found)
    path = [bytes.fromhex(node) for node in record["proof"]]
    if not merkle.verify(leaf=leaf, index=record["leaf_index"], count=statement.count, path=path, expected_root=statement.root_hash):
        raise Failed("the proof does not lead to the root that the agency signed")


@check("Of a record that the agency does not have nothing is told", "Leave it out; an unknown unit is 404 NOT_FOUND.")
def what_is_not_held_is_not_told(kit: Kit) -> None:
    told = _held(kit, uuid4())
    expect((told["entries"], told["records"]), ([], []), "the answer about an unknown record")
    refused(kit.call("GET", f"/profiles?unit={uuid4()}"), 404, "NOT_FOUND")


@check(
    "An agency that lost its numbers takes over what is held, and counts on from there",
    "Take what is held under another number when its manifest is no older than the one it is held by; the next version follows that number.",
)
def numbers_are_taken_over(kit: Kit) -> None:
    first = kit.person()
    newest = first.again(phone="0987654321").again(phone="0987654322")
    kit.outcome([first])
    kit.outcome([first.again(phone="0987654321")])
    kit.outcome([newest])
    anew = Change(first.kind, first.key, newest.document)
    expect(kit.outcome([anew]), ["accepted"], "version 1 with the document that is held as version 3")
    expect(_held(kit, first.key)["entries"][0]["version"], 1, "its number from now on")
    expect(kit.outcome([anew.again(phone="0987654323")]), ["accepted"], "version 2 after it")
    expect(kit.outcome([newest.again(phone="0987654324")]), ["VERSION_GAP"], "version 4 of before")


def _all(kit: Kit, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after = ""
    while True:
        answer = kit.call("GET", f"{path}{'&' if '?' in path else '?'}after={after}" if after else path)
        if answer.status != 200:
            raise Failed(f"GET {path} was answered with {answer}")
        found += answer.body["entries"]
        if answer.body["next"] is None:
            return found
        if answer.body["next"] <= after:
            raise Failed(f"the pages of {path} stand still at {after}")
        after = answer.body["next"]


def _held(kit: Kit, key: UUID) -> Any:
    answer = kit.call("POST", "/held", body={"kind": PROFILE_KIND, "keys": [str(key)]})
    if answer.status != 200:
        raise Failed(f"POST /held was answered with {answer}")
    return answer.body


def _manifest(told: dict[str, Any]) -> bytes:
    return base64.b64decode(told["manifest"])
