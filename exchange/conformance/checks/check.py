"""What a check is, and the list of all of them in the order in which they run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from exchange.conformance.kit import Kit


@dataclass(frozen=True)
class Check:
    name: str
    expected: str
    mend: str
    run: Callable[[Kit], None]


CHECKS: list[Check] = []


def check(expected: str, mend: str) -> Callable[[Callable[[Kit], None]], Callable[[Kit], None]]:
    """Register a function as a check under its own name."""

    def registered(function: Callable[[Kit], None]) -> Callable[[Kit], None]:
        CHECKS.append(Check(function.__name__, expected, mend, function))
        return function

    return registered


def each(name: str, cases: dict[str, Any], expected: str, mend: str, run: Callable[..., None]) -> None:
    """Register one check for every case: its value is given to `run` after the kit."""
    CHECKS.extend(Check(f"{name}: {case}", expected, mend, partial(_with, run, value)) for case, value in cases.items())


def _with(run: Callable[..., None], value: Any, kit: Kit) -> None:
    run(kit, *value) if isinstance(value, tuple) else run(kit, value)
