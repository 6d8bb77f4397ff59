#!/usr/bin/env python3
"""Check the evidence of a published code list, offline and without Hồ Sơ: every code of it, and that none is missing.

    python verify_list.py list.zip --anchor root.pem [--at 2026-11-22T08:00:00Z]

Stands beside verify_evidence.py, which it uses for each code. The digest in list.json is what the hub named for the whole list: SHA-256 over a zero
byte and, for every code in the order of the keys, key (16 bytes), version (4, big-endian) and document digest (32). Exit status 0 when all of it
holds, otherwise 1 and what does not.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import sys
import zipfile
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

sys.path.insert(0, str(Path(__file__).resolve().parent))

from verify_evidence import Broken, must, read_zip, utc, verify


def verify_list(path: Path, anchor: Path, at: datetime | None = None) -> list[str]:
    """Lines that say what was proved; the last is GOOD. Raises Broken."""
    files = read_zip(path)
    must("list.json" in files, "list.json is missing: this is no evidence of a list")
    said = json.loads(files["list.json"])
    names = sorted(name for name in files if name.startswith("codes/"))
    must(said.get("schema") == "list_evidence/1", "list.json has another schema")
    must(len(names) == said["codes"] and len(files) == len(names) + 1, f"the list has {said['codes']} codes, the file {len(names)}")
    hashed, lines = hashlib.sha256(b"\x00"), []
    for key, name in sorted((UUID(name[6:-4]).bytes, name) for name in names):
        lines.append(f"{_code(files[name], anchor, at, key, said, hashed)}: GOOD")
    must(hashed.hexdigest() == said["digest"], "the codes do not come to the digest that was named for the list: one is missing, or another version")
    return [*lines, f"list {said['name']} of {said['authority']}, version {said['version']}: {len(names)} codes", "GOOD"]


def _code(body: bytes, anchor: Path, at: datetime | None, key: bytes, said: dict, hashed: hashlib._Hash) -> str:
    """Check one code and add it to the list's digest; what it is called."""
    with zipfile.ZipFile(io.BytesIO(body)) as archive, TemporaryDirectory() as folder:
        leaf, document, seal = (json.loads(archive.read(name)) for name in ("leaf.json", "document.json", "seal.json"))
        label = f"{document.get('list') or leaf['kind']} {document.get('code') or leaf['key']}"
        one = Path(folder) / "code.zip"
        one.write_bytes(body)
        try:
            told = verify(one, anchor, at)
        except Broken as broken:
            raise Broken(f"{label}: {broken}") from broken
    must(told[-1] == "GOOD", f"{label}: {told[-1]}")
    must(UUID(leaf["key"]).bytes == key, f"{label} stands under another key")
    must(seal["agency"] == said["authority"], f"{label} was signed by {seal['agency']}, the list is of {said['authority']}")
    hashed.update(key + (leaf["base_version"] + 1).to_bytes(4, "big") + bytes.fromhex(leaf["document_digest"]))
    return label


def main() -> int:
    parser = argparse.ArgumentParser(description="Check the evidence of a published code list.")
    parser.add_argument("evidence", type=Path)
    parser.add_argument("--anchor", type=Path, required=True, help="the root certificate that you trust, PEM")
    parser.add_argument("--at", type=utc, help="check certificates at this moment instead of that of the receipt")
    options = parser.parse_args()
    try:
        print("\n".join(verify_list(options.evidence, options.anchor, options.at)))
    except (Broken, KeyError, ValueError, zipfile.BadZipFile) as broken:
        print(f"BROKEN: {broken}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
