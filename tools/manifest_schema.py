"""Writes docs/schema/manifest.v1.json and registration.v1.json: the JSON Schemas of what people sign, made from `workflows.manifest` and
`workflows.registration` themselves.

    .venv/bin/python tools/manifest_schema.py            write them
    .venv/bin/python tools/manifest_schema.py --check    change nothing; status 1 unless the files are what would be written

What JSON Schema cannot say stands in the descriptions: canonical form (RFC 8785), and how the parts fit together.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import msgspec

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs/schema"
PATH, REGISTRATION_PATH = FOLDER / "manifest.v1.json", FOLDER / "registration.v1.json"
MOMENT = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$"
DESCRIPTION = (
    "The statement that an approver of Hồ Sơ signs (CMS detached, over exactly these bytes). Canonical form is RFC 8785. `root` is the"
    " RFC 9162 Merkle root of all `count` items; the signature covers those whose leaf index is not in `excluded`, which is sorted."
    " `kinds` adds up to `count`. `effective_on` stands there only when the changes take effect on a day of their own."
    " `revokes` stands in a revocation (purpose revoke) and in the seal on one: the applied request whose signed `manifests` (SHA-256) no longer"
    " count. `over` stands in a seal alone: the SHA-256 of the signatures (DER) of the stages before it."
)
REGISTRATION_DESCRIPTION = (
    "The statement by which somebody proves to hold the key of a certificate that does not carry their number (CMS detached, over exactly these"
    " bytes, by that very key). Canonical form is RFC 8785; at most 8192 bytes. `certificate` is the SHA-256 of the certificate's DER, `account`"
    " whose it is to count for, `origin` the site that asked (scheme://host[:port]), `nonce` 32 random bytes. It ends at `expires_at`, after"
    " `issued_at`. It approves nothing."
)


def schema() -> dict[str, Any]:
    """The schema of manifest/1 as a value."""
    from workflows.manifest import Statement

    made = _schema(Statement, "manifest/1", DESCRIPTION, moments=("prepared_at",))
    made["properties"]["excluded"]["uniqueItems"] = True
    return made


def registration_schema() -> dict[str, Any]:
    """The schema of registration/1 as a value."""
    from workflows.registration import Registration

    return _schema(Registration, "registration/1", REGISTRATION_DESCRIPTION, moments=("issued_at", "expires_at"))


def _schema(struct: type, title: str, description: str, *, moments: tuple[str, ...]) -> dict[str, Any]:
    """Self-contained, Draft 2020-12, with regular expressions that ECMA-262 understands."""
    made = json.loads(json.dumps(msgspec.json.schema(struct)).replace("\\\\Z", "$"))
    own = made["$defs"].pop(struct.__name__)
    for name in moments:
        own["properties"][name]["pattern"] = MOMENT
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **own, "title": title, "description": description, "$defs": made["$defs"]}


def texts() -> dict[Path, str]:
    """What the files hold."""
    made = {PATH: schema(), REGISTRATION_PATH: registration_schema()}
    return {path: json.dumps(value, ensure_ascii=False, indent=2) + "\n" for path, value in made.items()}


def main() -> int:
    made = texts()
    if "--check" in sys.argv[1:]:
        return int(any(not path.exists() or path.read_text() != text for path, text in made.items()))
    FOLDER.mkdir(exist_ok=True)
    for path, text in made.items():
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main())
