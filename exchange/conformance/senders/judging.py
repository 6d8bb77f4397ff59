"""What a check of a sender is, and what came of all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from exchange.conformance.senders.watching import Log
from workflows.trust import TrustStore


class Unseen(Exception):
    """Nothing was called by which this could be judged; the text says what to let happen."""


@dataclass(frozen=True)
class Examined:
    """What is judged: the calls, whose they are, and whom the examiner trusts (None: signatures are not judged)."""

    log: Log
    authority: str
    trust: TrustStore | None = None


@dataclass(frozen=True)
class SenderCheck:
    name: str
    expected: str
    mend: str
    judge: Callable[[Examined], str]


@dataclass(frozen=True)
class SenderResult:
    """`unseen` says what to let happen for the check to be judged at all; `seen` is an example of what was wrong."""

    check: SenderCheck
    seen: str = ""
    unseen: str = ""

    @property
    def passed(self) -> bool:
        return not (self.seen or self.unseen)


CHECKS: list[SenderCheck] = []


def check(expected: str, mend: str) -> Callable[[Callable[[Examined], str]], Callable[[Examined], str]]:
    """Register a function as a check under its own name."""

    def registered(function: Callable[[Examined], str]) -> Callable[[Examined], str]:
        CHECKS.append(SenderCheck(function.__name__, expected, mend, function))
        return function

    return registered


def judged(examined: Examined) -> list[SenderResult]:
    return [_judged(one, examined) for one in CHECKS]


def sender_report(results: list[SenderResult]) -> str:
    """What did not pass and what was not seen, each with how to mend it, or how to let it be seen."""
    lines = []
    for one in results:
        if one.seen:
            lines += [f"FAILED  {one.check.name}", f"  expected  {one.check.expected}", f"  seen      {one.seen}", f"  mend      {one.check.mend}"]
        elif one.unseen:
            lines += [f"UNSEEN  {one.check.name}", f"  expected  {one.check.expected}", f"  let       {one.unseen}"]
    return "\n".join(lines)


def _judged(one: SenderCheck, examined: Examined) -> SenderResult:
    try:
        return SenderResult(one, seen=one.judge(examined))
    except Unseen as unseen:
        return SenderResult(one, unseen=str(unseen))
