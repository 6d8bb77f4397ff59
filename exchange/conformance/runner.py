"""Running the checks and writing down what came of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import httpx

from exchange.conformance.checks import CHECKS, Check
from exchange.conformance.kit import Failed, Kit


@dataclass(frozen=True)
class Result:
    """`seen` is empty when the check passed."""

    check: Check
    seen: str = ""

    @property
    def passed(self) -> bool:
        return not self.seen


def conformance_run(kit: Kit, *, tell: Callable[[Result], None] = lambda result: None) -> list[Result]:
    """Every check in order. One that breaks off for a reason of its own has failed with that reason."""
    results = []
    for one in CHECKS:
        result = _run(one, kit)
        tell(result)
        results.append(result)
    return results


def report(results: Sequence[Result]) -> str:
    """What did not pass, each with what was expected, what was seen, and how to mend it."""
    lines = []
    for result in results:
        if not result.passed:
            lines += [
                f"FAILED  {result.check.name}",
                f"  expected  {result.check.expected}",
                f"  seen      {result.seen}",
                f"  mend      {result.check.mend}",
            ]
    return "\n".join(lines)


def _run(one: Check, kit: Kit) -> Result:
    try:
        one.run(kit)
    except Failed as failed:
        return Result(one, str(failed))
    except (httpx.HTTPError, KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        return Result(one, f"the answer could not be used: {type(error).__name__}: {error}")
    return Result(one)
