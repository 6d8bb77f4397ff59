"""The walls between the packages stand, and a violation would be seen: each is planted in a copy of the tree and reported."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("config", "accounts", "orgtree", "workflows", "registry", "planning", "exchange", "signing_agent")
OTHER_FOLDERS = {"tests", "tools", "bench", "docs", "demo", "templates", "static", "locale", "var"}

PLANTED = {
    "a lower package imports a higher one": ("orgtree/services/grants.py", "import registry.models", "config -> {exchange | planning}"),
    "planning and exchange meet": ("planning/rules.py", "import exchange.contract", "config -> {exchange | planning}"),
    "a model imports a service": ("registry/models/codes.py", "import registry.services.codes", "inside registry"),
    "a module without a rung": ("workflows/helpers.py", "", "inside workflows"),
    "mptt outside orgtree": ("registry/services/codes.py", "import mptt.models", "mptt and guardian are orgtree's alone"),
    "guardian outside orgtree": ("workflows/services/audit.py", "import guardian.shortcuts", "mptt and guardian are orgtree's alone"),
    "import_export outside registry": ("exchange/services/delivery.py", "import import_export", "import_export and tablib are registry's alone"),
    "celery in a service": ("workflows/services/applying.py", "from celery import shared_task", "celery is known to tasks"),
    "httpx outside exchange": ("workflows/trust.py", "import httpx", "httpx is exchange's alone"),
    "pyhanko elsewhere": ("exchange/services/intake.py", "import pyhanko.sign", "pyhanko makes signatures"),
    "a service writes live tables": ("registry/services/codes.py", "import registry.projection", "live tables are written by an app's projection"),
    "the server signs": ("workflows/services/approval.py", "import signing_agent.sign", "the server never signs"),
    "the agent needs Django": ("signing_agent/sign.py", "import django.conf", "the signing agent is a program of its own"),
}


def lint(tree: Path) -> subprocess.CompletedProcess[str]:
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    return subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tree = tmp_path_factory.mktemp("tree")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tree / package, ignore=shutil.ignore_patterns("__pycache__", "data"))
    shutil.copy(ROOT / "pyproject.toml", tree)
    return tree


def test_every_wall_stands() -> None:
    done = lint(ROOT)

    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("case", PLANTED)
def test_a_planted_violation_is_reported(case: str, copy: Path) -> None:
    path, line, contract = PLANTED[case]
    file = copy / path
    before = file.read_text() if file.exists() else None
    file.write_text((before or "") + f"\n{line}\n")
    try:
        done = lint(copy)
    finally:
        file.unlink() if before is None else file.write_text(before)

    assert done.returncode == 1
    broken = [found for found in re.findall(r"^(.*) BROKEN$", done.stdout, re.M) if found.startswith(contract)]
    assert broken, done.stdout


def test_every_package_stands_behind_the_walls() -> None:
    folders = {one.name for one in ROOT.iterdir() if one.is_dir() and not one.name.startswith(".") and any(one.glob("*.py"))}

    assert folders - OTHER_FOLDERS == set(PACKAGES)


def modules() -> Iterator[tuple[str, ast.Module]]:
    for package in PACKAGES:
        for file in sorted((ROOT / package).rglob("*.py")):
            yield str(file.relative_to(ROOT)), ast.parse(file.read_text())


def test_no_import_hides_in_a_string() -> None:
    """The contracts cannot see `importlib` and its like."""
    hidden = [
        f"{path}:{node.lineno}"
        for path, tree in modules()
        for node in ast.walk(tree)
        if (isinstance(node, ast.Name) and node.id == "__import__")
        or (isinstance(node, ast.Attribute | ast.alias) and getattr(node, "attr", getattr(node, "name", "")) in ("import_module", "import_string"))
    ]

    assert hidden == []


LEDGER = {"RecordVersion", "Seal", "StoredDocument"}
WRITES = {"create", "bulk_create", "get_or_create", "update_or_create", "update", "bulk_update", "delete", "save"}
LEDGER_SQL = re.compile(r"(insert\s+into|update|delete\s+from|copy)\s+\"?workflows_(recordversion|seal|storeddocument)", re.I)


def ledger_writes(tree: ast.Module) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in WRITES:
            named = {one.id for one in ast.walk(node.func) if isinstance(one, ast.Name)}
            if named & LEDGER:
                yield node.lineno
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in LEDGER:
            yield node.lineno
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and LEDGER_SQL.search(node.value):
            yield node.lineno


def test_the_ledger_is_written_by_workflows_alone() -> None:
    elsewhere = [f"{path}:{line}" for path, tree in modules() if not path.startswith("workflows/") for line in ledger_writes(tree)]

    assert elsewhere == []


@pytest.mark.parametrize(
    "source",
    [
        "RecordVersion.objects.bulk_create([])",
        "Seal.objects.filter(pk=1).update(number=2)",
        "StoredDocument(digest=b'').save()",
        "cursor.execute('INSERT INTO workflows_recordversion SELECT 1')",
    ],
)
def test_a_planted_write_to_the_ledger_is_seen(source: str) -> None:
    assert list(ledger_writes(ast.parse(source)))
