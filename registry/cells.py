"""A cell as it is kept in a row of an upload: JSON that gives back the value that was read, with what makes it doubtful.

Text, numbers and booleans are themselves; a date is {"date": "1985-08-15"}, a moment {"datetime": ...}, a time {"text": ...}; a cell whose
value cannot be trusted is {"doubt": "CELL_FORMULA", "value": ...}. Not here: what a cell means (cleaning).
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

Raw = int | float | str | bool | date | datetime | time | timedelta
LONGEST = 4_000


def kept(raw: Raw | None, doubt: str = "") -> Any:
    """What is stored for a cell as read."""
    if doubt:
        return {"doubt": doubt, **({} if raw is None else {"value": kept(raw)})}
    if raw.__class__ is str:
        return raw if len(raw) <= LONGEST and "\x00" not in raw else raw.replace("\x00", "")[:LONGEST]
    if raw.__class__ is int:
        return raw
    if isinstance(raw, datetime):
        return {"datetime": raw.isoformat()}
    if isinstance(raw, date):
        return {"date": raw.isoformat()}
    if isinstance(raw, time | timedelta):
        return {"text": str(raw)}
    return raw


def raw_of(stored: Any) -> Raw | None:
    """The value as it was read; of a doubtful cell what it last held, or None."""
    if not isinstance(stored, dict):
        return stored
    if "date" in stored:
        return date.fromisoformat(stored["date"])
    if "datetime" in stored:
        return datetime.fromisoformat(stored["datetime"])
    return stored["text"] if "text" in stored else raw_of(stored.get("value"))


def doubt_of(stored: Any) -> str:
    """Why the cell cannot be trusted (a code of messages.CELLS), or ""."""
    return stored.get("doubt", "") if isinstance(stored, dict) else ""


def text_of(stored: Any) -> str:
    """The cell as its sender would write it."""
    raw = raw_of(stored)
    if raw is None:
        return ""
    if isinstance(raw, datetime):
        return raw.strftime("%d/%m/%Y") if raw.time() == time() else raw.strftime("%d/%m/%Y %H:%M")
    if isinstance(raw, date):
        return raw.strftime("%d/%m/%Y")
    if isinstance(raw, float):
        return str(int(raw)) if raw.is_integer() else repr(raw)
    return str(raw)
