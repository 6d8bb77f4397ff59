"""Writes docs/schema/manifest.v1.json: the JSON Schema of what approvers sign, made from `workflows.manifest` itself.

    .venv/bin/python tools/manifest_schema.py            write it
    .venv/bin/python tools/manifest_schema.py --check    change nothing; status 1 unless the file is what would be written

What JSON Schema cannot say stands in the description: canonical form (RFC 8785), and how the counts fit together.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import msgspec

ROOT = Path(__file__).resolve().parent.parent
PATH = ROOT / "docs/schema/manifest.v1.json"
DESCRIPTION = (
    "The statement that an approver of Hồ Sơ signs (CMS detached, over exactly these bytes). Canonical form is RFC 8785. `root` is the"
    " RFC 9162 Merkle root of all `count` items; the signature covers those whose leaf index is not in `excluded`, which is sorted."
    " `kinds` adds up to `count`. `effective_on` stands there only when the changes take effect on a day of their own."
    " `revokes` stands in a revocation (purpose revoke) and in the seal on one: the applied request whose signed `manifests` (SHA-256) no longer"
    " count. `over` stands in a seal alone: the SHA-256 of the signatures (DER) of the stages before it."
)


def schema() -> dict[str, Any]:
    """The schema as a value: self-contained, Draft 2020-12, with regular expressions that ECMA-262 understands."""
    from workflows.manifest import Statement

    made = json.loads(json.dumps(msgspec.json.schema(Statement)).replace("\\\\Z", "$"))
    statement = made["$defs"].pop("Statement")
    statement["properties"]["prepared_at"]["pattern"] = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$"
    statement["properties"]["excluded"]["uniqueItems"] = True
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **statement,
        "title": "manifest/1",
        "description": DESCRIPTION,
        "$defs": made["$defs"],
    }


def text() -> str:
    return json.dumps(schema(), ensure_ascii=False, indent=2) + "\n"


def main() -> int:
    if "--check" in sys.argv[1:]:
        return int(not PATH.exists() or PATH.read_text() != text())
    PATH.parent.mkdir(exist_ok=True)
    PATH.write_text(text())
    return 0


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main())
