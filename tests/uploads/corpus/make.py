"""Writes the files of the corpus and the table of its README: `python -m tests.uploads.corpus.make`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
FILES = HERE / "files"
HEAD = """# Workbooks as offices send them

Each has one kind of mess. `cases.py` says how it is made and what has to come of it, `make.py` writes the files and this table, and
`tests/uploads/test_corpus.py` reads every file. Written anew by `python -m tests.uploads.corpus.make`.

| file | what is wrong with it | what comes of it |
|---|---|---|
"""


def readme() -> str:
    from tests.uploads.corpus.cases import CASES

    return HEAD + "".join(f"| `{one.file}` | {one.story} | {outcome_words(one.expected)} |\n" for one in CASES)


def outcome_words(expected: Any) -> str:
    """The expectation as a reader of the table wants it."""
    if "refused" in expected:
        return f"refused: {expected['refused']}"
    people = "1 person" if expected["rows"] == 1 else f"{expected['rows']} people"
    parts = [people]
    if "heading_rows" in expected:
        first, last = expected["heading_rows"]
        parts.append(f"headings in row {first}" if first == last else f"headings in rows {first} and {last}")
    for name, said in (("causes", "returned for"), ("notices", "shown"), ("remarks", "remarked")):
        if expected.get(name):
            parts.append(f"{said}: {', '.join(f'{key} ({times})' for key, times in expected[name].items())}")
    if not expected.get("causes"):
        parts.append("nothing is asked")
    elif "repaired" in expected:
        parts.append("the repair makes it fit" if set(_names(expected)) <= set(expected["repaired"]) else "no repair: the value has to be found out")
    if expected.get("ignored"):
        parts.append(f"ignored: {', '.join(expected['ignored'])}")
    return "; ".join(parts)


def _names(expected: Any) -> list[str]:
    return [key.split()[0] for key in expected["causes"]]


def main() -> None:
    # Settings for a program that looks at the code and not at the data: servers that nobody asks.
    nobody = {"DATABASE_URL": "postgresql://127.0.0.1:1/none", "REDIS_URL": "redis://127.0.0.1:1/0", "SECRET_KEY": "x" * 50, "INSECURE_HTTP": "1"}
    os.environ |= {"DJANGO_SETTINGS_MODULE": "config.settings", **nobody}
    import django

    django.setup()
    from tests.uploads.corpus.cases import CASES

    FILES.mkdir(exist_ok=True)
    for old in FILES.iterdir():
        old.unlink()
    for one in CASES:
        (FILES / one.file).write_bytes(one.body)
    (HERE / "README.md").write_text(readme(), encoding="utf-8")


if __name__ == "__main__":
    main()
