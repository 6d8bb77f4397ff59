"""Class-A values as they are shown to whoever may look but not work on them."""

from __future__ import annotations

from registry.choices import Sensitivity
from registry.fields import BY_NAME, LISTS

CLASS_A = frozenset(one.name for one in (*BY_NAME.values(), *LISTS) if one.sensitivity == Sensitivity.A)


_DOT = "•"


def masked(number: str) -> str:
    """A class-A number as a list may show it: the last three digits."""
    return _DOT * max(len(number) - 3, 0) + number[-3:]


def hidden(text: str) -> str:
    """Any class-A value as a page may show it: of a number the last three digits, of other text nothing, not even its length."""
    return masked(text) if len(text) >= 9 and text[-9:].isdigit() else "••••" if text else ""


def is_hidden(text: str) -> bool:
    """Whether a cell holds what `hidden` made of a value: it was exported so, and says nothing."""
    return text.startswith(_DOT) and text.strip().rstrip("0123456789").strip(_DOT) == ""
