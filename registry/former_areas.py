"""Addresses that still name communes and districts of before 1 July 2025: what they are called today, where that is beyond doubt.

Only an address that names commune *and* district is taken for a former one (there are no districts any more), and only a commune
that went whole into one new commune is renamed; of a divided one nobody can tell the half without asking.
"""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import date
from functools import cached_property

from orgtree.choices import AreaLevel, SuccessionKind
from orgtree.models import AreaSuccession
from orgtree.text import plain

_PARTS = re.compile(r"\s*,\s*|\s+[-–]\s+")
_SHORT = (
    (re.compile(r"^(phuong|p\.|p(?=[\s\d]))\s*"), "phuong "),
    (re.compile(r"^(xa|x\.)\s*"), "xa "),
    (re.compile(r"^(thi tran|tt\.|tt(?=\s))\s*"), "thi tran "),
    (re.compile(r"^(quan|q\.|q(?=[\s\d]))\s*"), "quan "),
    (re.compile(r"^(huyen|h\.)\s*"), "huyen "),
    (re.compile(r"^(thi xa|tx\.|tx(?=\s))\s*"), "thi xa "),
    (re.compile(r"^(thanh pho|tp\.|tp(?=\s))\s*"), "thanh pho "),
    (re.compile(r"^(tinh|t\.)\s*"), "tinh "),
)
_COMMUNE = ("xa ", "phuong ", "thi tran ")
_DISTRICT = ("huyen ", "quan ", "thi xa ", "thanh pho ")
_Names = tuple[str, str]  # of commune and province, as they are called today


class FormerCommunes:
    """The communes that went whole into one, by their former names; loaded when the first address asks."""

    def __init__(self, *, day: date) -> None:
        self._day = day

    def today(self, address: str) -> str:
        """The address as it is written today; "" where it names no former commune, or several, or one that was divided."""
        parts = _PARTS.split(address)
        keys = [_key(part) for part in parts]
        for place in range(len(parts) - 2, -1, -1):
            if keys[place].startswith(_COMMUNE) and keys[place + 1].startswith(_DISTRICT):
                return self._renamed(parts[:place], parts[place], keys[place : place + 3])
        return ""

    def _renamed(self, before: list[str], written: str, keys: list[str]) -> str:
        found = self._by_names.get((keys[0], keys[1]), {})
        names = {new for province, new in found.items() if len(keys) < 3 or _same_place(province, keys[2])}
        if len(names) != 1:
            return ""
        commune, province = names.pop()
        if written[:1].islower():
            commune = commune[:1].lower() + commune[1:]
        return ", ".join([*before, commune, province[:1].lower() + province[1:]])

    @cached_property
    def _by_names(self) -> dict[tuple[str, str], dict[str, _Names]]:
        """(commune, district) to what it is today, by former province."""
        rows = AreaSuccession.objects.filter(kind=SuccessionKind.WHOLE, old__level=AreaLevel.COMMUNE, old__valid_to__lte=self._day)
        found: dict[tuple[str, str], dict[str, _Names]] = defaultdict(dict)
        names = ("old__full_name", "old__parent__full_name", "old__parent__parent__full_name", "new__full_name", "new__parent__full_name")
        for commune, district, province, new, new_province in rows.values_list(*names):
            if district and province and new_province:
                found[plain(commune), plain(district)][plain(province)] = (new, new_province)
        return found


def _key(part: str) -> str:
    text = plain(part)
    for pattern, word in _SHORT:
        if pattern.match(text):
            return pattern.sub(word, text)
    return text


def _same_place(province: str, written: str) -> bool:
    return province == written or province.removeprefix("tinh ").removeprefix("thanh pho ") == written.removeprefix("tinh ").removeprefix(
        "thanh pho "
    )
