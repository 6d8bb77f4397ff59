"""Which cell formats of an .xlsx workbook show a number as a day or as a time of day."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

_QUOTED = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]')
_DATE_FORMATS = frozenset({14, 15, 16, 17, 22, *range(27, 32), 34, 35, 36, *range(50, 59)})
_TIME_FORMATS = frozenset({18, 19, 20, 21, 32, 33, 45, 46, 47})


@dataclass(frozen=True)
class Styles:
    """Which cell formats show numbers as days, which as times of day; and the day from which days are counted."""

    days: frozenset[int]
    times: frozenset[int]
    epoch_1904: bool = False


def styles_of(root: Any | None, epoch_1904: bool) -> Styles:
    """From the parsed entry of styles; a workbook without one shows every number as such."""
    if root is None:
        return Styles(frozenset(), frozenset(), epoch_1904)
    custom = {int(one.get("numFmtId", 0)): one.get("formatCode", "") for one in root.iter() if local_name(one) == "numFmt"}
    formats = [int(one.get("numFmtId", 0)) for block in root.iter() if local_name(block) == "cellXfs" for one in block]
    kinds = [_format_kind(one, custom.get(one, "")) for one in formats]
    days, times = (frozenset(place for place, kind in enumerate(kinds) if kind == wanted) for wanted in ("day", "time"))
    return Styles(days, times, epoch_1904)


def _format_kind(number: int, code: str) -> str:
    """day, time or "": by the letters of a format that are no literal text ("[Red]", "đồng", \\d)."""
    if not code:
        return "day" if number in _DATE_FORMATS else "time" if number in _TIME_FORMATS else ""
    elapsed = re.search(r"\[(h+|m+|s+)\]", code, re.IGNORECASE) is not None
    letters = set(_QUOTED.sub("", code.split(";")[0]).lower().replace("general", "").replace("am/pm", "h")) & set("ymdhs")
    if letters & set("yd") or letters == {"m"}:
        return "day"
    return "time" if letters & set("hs") or elapsed else ""


def local_name(element: Any) -> str:
    """The name of an element without its namespace."""
    return str(element.tag).rpartition("}")[2]
