#!/usr/bin/env python3
"""Check the evidence of one record's version, offline and without Hồ Sơ. Needs only `cryptography` and `asn1crypto`.

    python verify_evidence.py evidence.zip --anchor root.pem [--at 2026-11-22T08:00:00Z]

What is checked: the document's bytes give the leaf's digest; leaf and proof lead to the root (RFC 9162); every stage's manifest names that root and
does not leave the leaf out; every signature (CMS, detached) is over its manifest's bytes, by a certificate whose chain ends in the anchor, valid and
not revoked (lists; OCSP, RFC 6960) at the time of its time-stamp (RFC 3161) or else of its receipt; that carries a personal number, or was registered
for the signer before by a signature of its own key, or, in what a hub holds for an agency, names the agency; the link of the chain (seal.json) names
root, manifests and signatures. A later revocation is checked in the same way. Exit status 0 when all of it holds, 2 when it held and was revoked
since; otherwise 1 and what does not.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from asn1crypto import cms, tsp
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509 import ocsp

DEEDS = {"approve": "signed", "seal": "sealed", "revoke": "revoked"}
HASHES = {"sha256": hashes.SHA256, "sha384": hashes.SHA384, "sha512": hashes.SHA512}


class Broken(Exception):
    """Something does not hold; the message says what."""


def must(condition: object, what: str) -> None:
    if not condition:
        raise Broken(what)


def utc(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def read_zip(path: Path) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(path) as archive:
            must(all(item.file_size <= 2**22 for item in archive.infolist()), "a part of the evidence is larger than 4 MB")  # no zip bomb
            must(len(archive.namelist()) == len(set(archive.namelist())), "a part of the evidence stands twice")
            return {name: archive.read(name) for name in archive.namelist()}
    except (zipfile.BadZipFile, OSError, NotImplementedError) as error:
        raise Broken(f"{path.name} is not a readable zip: {error}") from error


def read_json(files: dict[str, bytes], name: str) -> dict:
    """A JSON object of the evidence, whose bytes must be canonical: sorted keys, no spaces, UTF-8 (RFC 8785 for such values)."""
    must(name in files, f"{name} is missing")
    value = json.loads(files[name])
    made = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    must(isinstance(value, dict) and made == files[name], f"{name} is not an object in canonical form")
    return value


def hex_digest(value: object) -> bytes:
    must(isinstance(value, str) and re.fullmatch(r"[0-9a-f]{64}", value), "a digest is not 64 hexadecimal digits")
    return bytes.fromhex(str(value))


def check_leaf(files: dict[str, bytes]) -> tuple[bytes, str]:
    """The root to which document, leaf and proof lead, and which version of what it is."""
    leaf, proof, document = (read_json(files, f"{name}.json") for name in ("leaf", "proof", "document"))
    must(set(leaf) == {"kind", "key", "op", "base_version", "document_digest"}, "leaf.json has other keys than a leaf")
    must(hashlib.sha256(files["document.json"]).digest() == hex_digest(leaf["document_digest"]), "the document is not the one of the leaf")
    must(str(document.get("schema", "")).split("/")[0] == leaf["kind"], "the document is of another kind than the leaf")
    index, count = proof["leaf_index"], proof["count"]
    must(isinstance(index, int) and isinstance(count, int) and 0 <= index < count, "the proof names no leaf of the request")
    node, first, last = hashlib.sha256(b"\x00" + files["leaf.json"]).digest(), index, count - 1
    for sibling in map(hex_digest, proof["path"]):
        must(last, "the proof is longer than the tree is high")
        if first % 2 or first == last:
            node = hashlib.sha256(b"\x01" + sibling + node).digest()
            while first % 2 == 0 and first:
                first, last = first >> 1, last >> 1
        else:
            node = hashlib.sha256(b"\x01" + node + sibling).digest()
        first, last = first >> 1, last >> 1
    must(last == 0, "the proof is shorter than the tree is high")
    return node, f"{leaf['kind']} {leaf['key']} version {leaf['base_version'] + 1}, document {leaf['document_digest']}"


def check_manifest(files: dict[str, bytes], folder: str, root: bytes) -> dict:
    manifest, proof = read_json(files, f"{folder}/manifest.json"), read_json(files, "proof.json")
    must(manifest.get("schema") == "manifest/1", f"{folder}: the manifest's schema is unknown")
    must(hex_digest(manifest["root"]) == root, f"{folder}: the proof does not lead to the root that was signed")
    must(manifest["count"] == proof["count"], f"{folder}: the manifest counts other items than the proof")
    must(proof["leaf_index"] not in manifest["excluded"], f"{folder}: the signer left this record out")
    must(f"stage-{manifest['stage']}" == folder.split(".")[0], f"{folder}: the manifest is of another stage")
    return manifest


def verify_key(key: Any, signature: bytes, data: bytes, algorithm: hashes.HashAlgorithm) -> None:
    must(getattr(key, "key_size", 0) >= (2048 if isinstance(key, rsa.RSAPublicKey) else 256), "a key is weaker than RSA of 2048 or ECDSA of 256 bits")
    key.verify(signature, data, *([padding.PKCS1v15(), algorithm] if isinstance(key, rsa.RSAPublicKey) else [ec.ECDSA(algorithm)]))


def check_signature(files: dict[str, bytes], folder: str, name: str, trusted: tuple[list, list], moment: datetime) -> x509.Certificate:
    """The certificate that signed the file `name` of `folder`, after signature, chain, validity and revocation held at `moment`."""
    answers = [ocsp.load_der_ocsp_response(files[one]) for one in sorted(files) if one.startswith(f"{folder}/ocsp-")]
    signed = cms.ContentInfo.load(files[f"{folder}/signature.p7s"], strict=True)["content"]
    must(signed["encap_content_info"]["content"].native is None, "the signature is not detached")
    own = check_signer(signed, files[f"{folder}/{name}"], "data", trusted[0], [*trusted[1], *answers], moment)
    usage = extension(own, x509.KeyUsage)
    must(usage and (usage.digital_signature or usage.content_commitment), "the certificate is not meant for signing")
    return own


def check_signer(signed: cms.SignedData, content: bytes, kind: str, anchors: list, lists: list, moment: datetime) -> x509.Certificate:
    must(len(signed["signer_infos"]) == 1, "the signature is not of one signer")
    signer = signed["signer_infos"][0]
    certificates = [x509.load_der_x509_certificate(item.chosen.dump()) for item in signed["certificates"]]
    issuer, number = signer["sid"].chosen["issuer"].dump(), signer["sid"].chosen["serial_number"].native
    own = next((one for one in certificates if (one.issuer.public_bytes(), one.serial_number) == (issuer, number)), None)
    must(own is not None, "the signer's certificate is not in the signature")
    algorithm = HASHES.get(signer["digest_algorithm"]["algorithm"].native)
    must(algorithm, "the digest algorithm is weaker than SHA-256")
    attributes = {item["type"].native: item["values"] for item in signer["signed_attrs"]}
    said = (attributes["content_type"].native, attributes["message_digest"].native)
    must(said == ([kind], [hashlib.new(algorithm.name, content).digest()]), "the signature is over other bytes")
    must(signer["signature_algorithm"].signature_algo in ("rsassa_pkcs1v15", "ecdsa"), "the signature algorithm is not supported")
    made = holds(verify_key, own.public_key(), signer["signature"].native, signer["signed_attrs"].untag().dump(), algorithm())
    must(made, "the signature does not match the certificate")
    check_chain(own, certificates, anchors, lists, moment)
    return own


def check_timestamp(der: bytes, signature: bytes, anchors: list[x509.Certificate], lists: list) -> datetime:
    """The moment that an RFC 3161 token gives to the signature's value."""
    stamped = cms.ContentInfo.load(signature)["content"]["signer_infos"][0]["signature"].native
    signed = cms.ContentInfo.load(der, strict=True)["content"]
    info, content = signed["encap_content_info"]["content"].parsed, bytes(signed["encap_content_info"]["content"])
    must(isinstance(info, tsp.TSTInfo), "the time-stamp is not one")
    imprint = (info["message_imprint"]["hash_algorithm"]["algorithm"].native, info["message_imprint"]["hashed_message"].native)
    must(imprint == ("sha256", hashlib.sha256(stamped).digest()), "the time-stamp is over another signature, or another digest than SHA-256")
    own = check_signer(signed, content, "tst_info", anchors, lists, info["gen_time"].native)
    usage = own.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    must(usage.critical and list(usage.value) == [x509.oid.ExtendedKeyUsageOID.TIME_STAMPING], "the time-stamp is not of a time-stamping authority")
    return info["gen_time"].native


def check_chain(current: x509.Certificate, others: list, anchors: list, lists: list, moment: datetime) -> None:
    subject = current.subject.rfc4514_string()
    must(current.not_valid_before_utc <= moment <= current.not_valid_after_utc, f"{subject} was not valid at {moment:%Y-%m-%d %H:%M}Z")
    must(getattr(current.signature_hash_algorithm, "name", "") in HASHES, f"{subject} is signed with a weak digest")
    anchor = next((one for one in anchors if holds(current.verify_directly_issued_by, one)), None)
    authorities = [one for one in others if getattr(extension(one, x509.BasicConstraints), "ca", False)]
    may_issue = [one for one in authorities if getattr(extension(one, x509.KeyUsage), "key_cert_sign", False)]
    issuer = anchor or next((one for one in may_issue if holds(current.verify_directly_issued_by, one)), None)
    must(issuer is not None, f"the chain of {subject} does not end in the anchor")
    check_revocation(current, issuer, lists, moment)
    if anchor is None:
        return check_chain(issuer, [one for one in others if one is not issuer], anchors, lists, moment)
    return must(anchor.not_valid_before_utc <= moment <= anchor.not_valid_after_utc, "the anchor was not valid then")


def holds(check: Any, *what: object) -> bool:
    try:
        check(*what)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def extension(certificate: x509.Certificate, kind: type) -> Any:
    return next((one.value for one in certificate.extensions if isinstance(one.value, kind)), None)


def check_revocation(certificate: x509.Certificate, issuer: x509.Certificate, lists: list, moment: datetime) -> None:
    subject = certificate.subject.rfc4514_string()
    answered = [one for one in lists if isinstance(one, ocsp.OCSPResponse) and says_good(one, certificate, issuer, lists, moment)]
    crls = (one for one in lists if isinstance(one, x509.CertificateRevocationList) and one.issuer == issuer.subject)
    own = [one for one in crls if one.is_signature_valid(issuer.public_key())]
    must(own or answered, f"no revocation list of the issuer of {subject} is in the evidence")
    for one in own:
        entry = one.get_revoked_certificate_by_serial_number(certificate.serial_number)
        must(entry is None or entry.revocation_date_utc > moment, f"{subject} was revoked before it signed")


def says_good(answer: ocsp.OCSPResponse, certificate: x509.Certificate, issuer: x509.Certificate, lists: list, moment: datetime) -> bool:
    """Whether an authority's answer (RFC 6960) is about the certificate and says that it was good then; broken if it says otherwise."""
    subject, name = certificate.subject.rfc4514_string(), hashlib.new(answer.hash_algorithm.name, issuer.subject.public_bytes()).digest()
    if answer.serial_number != certificate.serial_number or answer.issuer_name_hash != name:
        return False
    must(answer.signature_hash_algorithm.name in HASHES, f"the answer about {subject} has a weak digest")
    said = (answer.signature, answer.tbs_response_bytes, answer.signature_hash_algorithm)
    signer = next((one for one in (issuer, *answer.certificates) if holds(verify_key, one.public_key(), *said)), None)
    task = x509.oid.ExtendedKeyUsageOID.OCSP_SIGNING  # what an issuer gives to a responder that is not itself
    delegated = signer and holds(signer.verify_directly_issued_by, issuer) and task in (extension(signer, x509.ExtendedKeyUsage) or ())
    must(signer is issuer or delegated, f"the answer about {subject} was not signed by its authority")
    if signer is not issuer and extension(signer, x509.OCSPNoCheck) is None:
        check_revocation(signer, issuer, [one for one in lists if not isinstance(one, ocsp.OCSPResponse)], moment)
    ends = min(answer.next_update_utc or answer.this_update_utc + timedelta(minutes=30), answer.this_update_utc + timedelta(days=7))
    must(moment <= ends, f"the answer about {subject} is older than the signature")
    must(answer.certificate_status != ocsp.OCSPCertStatus.UNKNOWN, f"the authority of {subject} does not know it")
    must(answer.revocation_time_utc is None or answer.revocation_time_utc > moment, f"{subject} was revoked before it signed")
    return True


def check_holder(files: dict[str, bytes], folder: str, manifest: dict, own: x509.Certificate, trusted: tuple[list, list], moment: datetime) -> str:
    """How the certificate is the signer's: its subject carries their number ("" then), or it was registered for them by a proof of its key.

    What a hub holds for an agency (seal.json is held/1) it took because the certificate is the agency's; whose it is there, the agency knows.
    """
    if (held := read_json(files, "seal.json")).get("schema") == "held/1":
        return check_agency(files, folder, manifest, own, held)
    named = [str(part.value).strip() for part in own.subject if part.oid in (x509.NameOID.USER_ID, x509.NameOID.SERIAL_NUMBER)]
    if manifest["purpose"] == "seal" or any(re.fullmatch(r"(CCCD: ?|PNOVN-|IDCVN-)[0-9]{12}", one) for one in named):
        return ""
    said, at = read_json(files, f"{folder}/holder/registration.json"), utc(read_json(files, f"{folder}/holder/receipt.json")["received_at"])
    whose = (said["schema"], said["account"]["user"], said["authority"], said["certificate"])
    mine = ("registration/1", manifest["decider"]["user"], manifest["authority"], own.fingerprint(hashes.SHA256()).hex())
    must(whose == mine, f"{folder}: the registration is of another account or certificate")
    must(utc(said["issued_at"]) <= at <= min(utc(said["expires_at"]), moment), f"{folder}: the registration was not proved in time")
    must(
        check_signature(files, f"{folder}/holder", "registration.json", trusted, at) == own, f"{folder}: another certificate proved the registration"
    )
    return f", its certificate registered for {said['account']['name']} {at:%Y-%m-%dT%H:%M:%SZ}"


def check_agency(files: dict[str, bytes], folder: str, manifest: dict, own: x509.Certificate, held: dict) -> str:
    """That the certificate is the agency's whose manifest it signed, and for which the hub holds the evidence: it names the agency, or where it
    names none, two people of the hub said so."""
    must(held["agency"] == manifest["authority"], f"{folder}: the manifest is of another agency than the one for which it is held")
    named = [str(part.value) for part in own.subject.get_attributes_for_oid(x509.NameOID.ORGANIZATION_IDENTIFIER)]
    if not named and f"{folder}/agency.json" in files:
        said, mine = read_json(files, f"{folder}/agency.json"), own.fingerprint(hashes.SHA256()).hex()
        must((said["schema"], said["agency"], said["certificate"]) == ("named/1", held["agency"], mine), f"{folder}: agency.json is of another one")
        must(said["said_by"] and said["confirmed_by"], f"{folder}: nobody said of which agency the certificate is")
        return f", for the agency {held['agency']} by the word of {said['said_by']} and {said['confirmed_by']} ({said['source']})"
    must(named == [held["agency"]], f"{folder}: the certificate does not name the agency {held['agency']}")
    return f", for the agency {held['agency']}"


def check_seal(files: dict[str, bytes], root: bytes, folders: list[str]) -> None:
    seal = read_json(files, "seal.json")
    manifests = [hashlib.sha256(files[f"{folder}/manifest.json"]).hexdigest() for folder in folders]
    signatures = [hashlib.sha256(files[f"{folder}/signature.p7s"]).hexdigest() for folder in folders if f"{folder}/signature.p7s" in files]
    sealed = (hex_digest(seal["root"]), seal["manifests"], seal["signatures"])
    must(sealed == (root, manifests, signatures), "the seal names another root, or other manifests or signatures")
    must(read_json(files, "proof.json")["leaf_index"] not in seal["skipped"], "the seal says that this record was not applied")


def check_version(files: dict[str, bytes], anchors: list, lists: list, at: datetime | None) -> tuple[list[str], list[dict], bool]:
    """Lines that say what was proved of one version, its signed manifests, and whether their signatures were revoked since."""
    root, named = check_leaf(files)
    folders = sorted({name.split("/")[0] for name in files if name.startswith("stage-")}, key=lambda name: [int(n) for n in name[6:].split(".")])
    must(any(f"{folder}/signature.p7s" in files for folder in folders), "no signature is in the evidence")
    lines, manifests, signed = [named], [], []
    for folder in folders:
        manifest = check_manifest(files, folder, root)
        if f"{folder}/signature.p7s" not in files:  # a stage that asks for none; the seal says which signatures there must be
            lines.append(f"stage {manifest['stage']}: checked by {manifest['decider']['name']}, without a signature")
            continue
        must(manifest["purpose"] != "seal" or manifest["over"] == signed, f"{folder}: the seal was put on other signatures")
        moment, how = utc(read_json(files, f"{folder}/receipt.json")["received_at"]), "received"
        if f"{folder}/timestamp.tst" in files:
            moment, how = check_timestamp(files[f"{folder}/timestamp.tst"], files[f"{folder}/signature.p7s"], anchors, lists), "time-stamped"
        own = check_signature(files, folder, "manifest.json", (anchors, lists), at or moment)
        held = check_holder(files, folder, manifest, own, (anchors, lists), moment)
        lines.append(
            f"stage {manifest['stage']}: {DEEDS[manifest['purpose']]} by {own.subject.rfc4514_string()}, {how} {moment:%Y-%m-%dT%H:%M:%SZ}{held}"
        )
        signed.append(hashlib.sha256(files[f"{folder}/signature.p7s"]).hexdigest())
        manifests.append({**manifest, "digest": hashlib.sha256(files[f"{folder}/manifest.json"]).hexdigest()})
    check_seal(files, root, folders)
    later = {name.removeprefix("revocation/"): body for name, body in files.items() if name.startswith("revocation/")}
    if not later:
        return lines, manifests, False
    told, revoking, undone = check_version(later, anchors, lists, at)
    leaves = [json.loads(one["leaf.json"]) for one in (files, later)]
    must(len({(one["kind"], one["key"]) for one in leaves}) == 1, "the revocation is of another record")
    for manifest in revoking:
        said = manifest.get("revokes", {})
        must(said.get("request") == manifests[0]["request"] and hex_digest(said.get("root")) == root, "the revocation is of another request")
        must(said["manifests"] == [one["digest"] for one in manifests], "the revocation names other manifests")
    return [*lines, f"revoked on the ground '{said['ground']}': {said['reason']}", *(f"    {line}" for line in told)], manifests, not undone


def verify(path: Path, anchor: Path, at: datetime | None = None) -> list[str]:
    """Lines that say what was proved; the last is the verdict, GOOD or REVOKED. Raises Broken."""
    files = read_zip(path)
    anchors = x509.load_pem_x509_certificates(anchor.read_bytes())
    try:
        crls = (body for name, body in files.items() if re.fullmatch(r"trust/.*\.crl", name))
        lists = [(x509.load_pem_x509_crl if body.startswith(b"-----") else x509.load_der_x509_crl)(body) for body in crls]
        lines, _manifests, is_revoked = check_version(files, anchors, lists, at)
    except Exception as error:  # whatever a forged file makes a parser do, the answer is "broken"
        raise error if isinstance(error, Broken) else Broken(f"the evidence cannot be read: {type(error).__name__}: {error}") from error
    return [*lines, "REVOKED: what was signed then holds no longer" if is_revoked else "GOOD"]


def main() -> int:
    parser = argparse.ArgumentParser(description="Check the evidence of one version of a record, offline.")
    parser.add_argument("path", metavar="evidence", type=Path)
    parser.add_argument("--anchor", type=Path, required=True, help="PEM file of the root certificate that you trust")
    parser.add_argument("--at", type=utc, help="judge the certificates at this UTC time instead of the recorded time of receipt")
    try:
        lines = verify(**vars(parser.parse_args()))
    except Broken as error:
        sys.exit(f"BROKEN: {error}")  # status 1
    print(*lines, sep="\n")
    return 0 if lines[-1] == "GOOD" else 2


if __name__ == "__main__":
    sys.exit(main())
