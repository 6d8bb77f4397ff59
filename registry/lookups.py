"""What names and codes in cells mean: lists, ranks, units and areas, each loaded once for a whole workbook and then asked in memory."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from uuid import UUID

from django.db.models import Q

from orgtree import scope
from orgtree.choices import Action
from orgtree.models import Area, AreaSuccession, OrgUnit, User
from orgtree.text import AgencyCodeInvalid, parse_agency_code, plain
from registry.choices import CodeList
from registry.former_areas import FormerCommunes
from registry.models import CodeItem, RankCode

_NOT_WORD = re.compile(r"[^a-z0-9/]+")
_EXAMPLES = 8
# Other ways of writing a value that offices use. A name that could mean two values is left out on purpose ("HĐ").
ALIASES: Mapping[str, Mapping[str, str]] = {
    CodeList.GENDER: {"nam gioi": "1", "nu gioi": "2"},
    CodeList.RELIGION: {
        "khong": "99",
        "khong co": "99",
        "khong ton giao": "99",
        "khong theo ton giao": "99",
        "thien chua giao": "02",
        "dao phat": "01",
    },
    CodeList.ETHNICITY: {
        "viet": "01",
        "kinh (viet)": "01",
        "hmong": "08",
        "mong": "08",
        "jrai": "10",
        "gia rai": "10",
        "rhade": "11",
        "bahnar": "12",
        "m'nong": "20",
    },
    CodeList.PERSONNEL_TYPE: {
        "hop dong 111": "HD111",
        "hop dong theo nghi dinh 111": "HD111",
        "hop dong nd 111": "HD111",
        "hop dong lao dong": "HDLD",
        "khong chuyen trach": "KCT",
        "nguoi hoat dong khong chuyen trach": "KCT",
    },
}


class Unknown(Exception):
    """Nothing is called so. `code` says more where more is known."""

    def __init__(self, code: str = "") -> None:
        self.code = code
        super().__init__(code)


class Ambiguous(Exception):
    """Several things are called so."""

    def __init__(self, candidates: Iterable[str]) -> None:
        self.candidates = sorted(candidates)
        super().__init__(", ".join(self.candidates))


def _key(text: str) -> str:
    """How names are compared: no accents, case, spaces or signs; "Ê đê", "Ê-đê" and "ÊĐÊ" are one. The stroke of "12/12" stays."""
    return _NOT_WORD.sub("", plain(text))


@dataclass(frozen=True)
class Codes:
    """One code list: names by code, codes by every way of writing the name."""

    names: Mapping[str, str]
    by_text: Mapping[str, frozenset[str]]

    @property
    def width(self) -> int:
        """Digits of the numeric codes of the list, 0 where they differ."""
        widths = {len(code) for code in self.names if code.isdigit()}
        return widths.pop() if len(widths) == 1 else 0

    @property
    def examples(self) -> str:
        return ", ".join(list(self.names.values())[:_EXAMPLES]) + (" …" if len(self.names) > _EXAMPLES else "")

    def find(self, text: str) -> str:
        """The code that `text` is or names. Raises Unknown, Ambiguous."""
        if text in self.names:
            return text
        found = self.by_text.get(_key(text), frozenset())
        if len(found) == 1:
            return next(iter(found))
        raise Ambiguous(self.names[code] for code in found) if found else Unknown


def _codes(day: date) -> dict[str, Codes]:
    names: dict[str, dict[str, str]] = defaultdict(dict)
    texts: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for item in CodeItem.objects.on(day).order_by("list", "sort"):
        names[item.list][item.code] = item.name
        for text in (item.code, item.name_vi, item.name_en, *item.aliases):
            if text:
                texts[item.list][_key(text)].add(item.code)
    for code_list, aliases in ALIASES.items():
        for text, code in aliases.items():
            if code in names[code_list]:
                texts[code_list].setdefault(_key(text), {code})
    # What has ended is understood where nothing of today is called so: an old fact keeps its code, and a rule judges the day.
    for item in CodeItem.objects.filter(valid_to__lte=day):
        for text in (item.code, item.name_vi, item.name_en, *item.aliases):
            if text:
                texts[item.list].setdefault(_key(text), {item.code})
    return {one: Codes(names[one], {text: frozenset(codes) for text, codes in texts[one].items()}) for one in texts}


class Units:
    """The units a workbook may name: those below (or equal to) the unit for which it was sent; for the managing agency its superiors too."""

    def __init__(self, *, unit: OrgUnit, actor: User, day: date) -> None:
        self.unit, self._actor, self._day = unit, actor, day
        below = OrgUnit.objects.on(day).filter(tree_id=unit.tree_id, lft__gte=unit.lft, rght__lte=unit.rght)
        above = OrgUnit.objects.on(day).filter(tree_id=unit.tree_id, lft__lt=unit.lft, rght__gt=unit.rght)
        self._below, self._above = _UnitNames(below), _UnitNames(above)
        self._elsewhere: dict[str, str] = {}

    def find(self, text: str, *, with_superiors: bool = False) -> UUID:
        """The unit with this code (either form) or name. Raises Ambiguous, or Unknown with the reason as code."""
        for names in (self._below, self._above) if with_superiors else (self._below,):
            if found := names.find(text):
                return found
        raise Unknown(self._why(text))

    @property
    def names(self) -> Iterable[str]:
        """How the units below the sender's are called: what a misspelt name may have been."""
        return self._below.names

    def _why(self, text: str) -> str:
        """Whether the unit exists elsewhere, within or outside the sender's scope; asked once for each text."""
        if text not in self._elsewhere:
            named = OrgUnit.objects.on(self._day).filter(Q(code=_agency_code(text) or "") | Q(name_search=plain(text)))
            found = set(named.values_list("pk", flat=True)[:100])
            outside = scope.outside(self._actor, Action.EDIT, found)
            self._elsewhere[text] = "UNIT_NAME_UNKNOWN" if not found else "UNIT_ELSEWHERE" if found - outside else "UNIT_OUT_OF_SCOPE"
        return self._elsewhere[text]


class _UnitNames:
    def __init__(self, units: Iterable[OrgUnit]) -> None:
        self._by_code: dict[str, UUID] = {}
        self._by_name: dict[str, dict[UUID, str]] = defaultdict(dict)
        self.names: list[str] = []
        for unit in units:
            self.names.append(unit.name)
            self._by_code[unit.code] = unit.pk
            for name in {unit.name, unit.short_name or unit.name}:
                self._by_name[_key(name)][unit.pk] = unit.code

    def find(self, text: str) -> UUID | None:
        code = _agency_code(text) or _agency_code(text.split()[0])
        if code in self._by_code:
            return self._by_code[code]
        named = self._by_name.get(_key(text), {})
        if len(named) > 1:
            raise Ambiguous(named.values())
        return next(iter(named), None)


def _agency_code(text: str) -> str | None:
    try:
        return parse_agency_code(text)
    except AgencyCodeInvalid:
        return None


class Areas:
    """Five-digit codes, which mean one place up to 1 July 2025 and perhaps another since; keys (2025-24133) are taken as they are."""

    def __init__(self, *, day: date) -> None:
        self._day = day
        self._by_code: dict[str, list[Area]] = {}
        self._successors: dict[str, list[tuple[str, str]] | None] = {}

    def load(self, codes: Iterable[str]) -> None:
        """Fetch what these codes mean, in one query; codes met before are not asked again."""
        wanted = {code.rpartition("-")[2] for code in codes} - self._by_code.keys()
        if wanted:
            self._by_code |= {code: [] for code in wanted}
            for area in Area.objects.filter(code__in=wanted).order_by("key"):
                self._by_code[area.code].append(area)

    def find(self, text: str, *, place: str, today: bool) -> str:
        """The key of the area. `place` (the address in words) decides between two meanings; `today` prefers the present one."""
        _year, dash, code = text.rpartition("-")
        if code not in self._by_code:
            self.load([code])
        areas = self._by_code[code]
        if dash:
            areas = [area for area in areas if area.key == text]
        elif today:
            present = [area for area in areas if area.valid_from <= self._day and (area.valid_to is None or area.valid_to > self._day)]
            areas = present or areas  # that the area is a former one is for the rules to say
        if len(areas) > 1:
            named = [area for area in areas if plain(area.name) in plain(place)]
            areas = named if len(named) == 1 else self._former_if_same(areas)
        if len(areas) > 1:
            raise Ambiguous(f"{area.key} ({area.full_name})" for area in areas)
        if not areas:
            raise Unknown
        return areas[0].key

    def successors(self, key: str) -> list[tuple[str, str]] | None:
        """(key, full name) of what took over a former area, whole or in part; None for an area of today."""
        if key not in self._successors:
            area = next((one for one in self._by_code.get(key.rpartition("-")[2], ()) if one.key == key), None)
            if area is None or area.valid_to is None or area.valid_to > self._day:
                self._successors[key] = None
            else:
                found = AreaSuccession.objects.filter(old_id=key).select_related("new").order_by("new_id")
                self._successors[key] = [(one.new_id, one.new.full_name) for one in found]
        return self._successors[key]

    def address_today(self, address: str) -> str:
        """The address with today's commune and province, where it names a former commune that went whole into one; "" otherwise."""
        return self._former_communes.today(address)

    @cached_property
    def _former_communes(self) -> FormerCommunes:
        return FormerCommunes(day=self._day)

    @staticmethod
    def _former_if_same(areas: list[Area]) -> list[Area]:
        """A commune that kept code and name is the same place: an old fact keeps the old key."""
        return areas[:1] if len({plain(area.name) for area in areas}) == 1 else areas


class Lookups:
    """All that cleaning asks, for one workbook."""

    def __init__(self, *, unit: OrgUnit, actor: User, day: date) -> None:
        self._unit, self._actor, self._day = unit, actor, day
        self.codes = _codes(day)
        self.areas = Areas(day=day)
        self._ranks: dict[str, str] = {}
        self._titles: dict[str, set[str]] = defaultdict(set)
        for rank in RankCode.objects.all():
            self._ranks[rank.code.upper()] = rank.code
            self._titles[_key(rank.title)].add(rank.code)

    @cached_property
    def units(self) -> Units:
        """Asked only where a unit is named: an agency may have thousands."""
        return Units(unit=self._unit, actor=self._actor, day=self._day)

    def says_in_words(self, code_list: str, text: str, code: str) -> bool:
        """Whether `text` says in words what `code` of a list (or of a rank) means, and is no code itself."""
        if code_list == "rank":
            return code in self._titles.get(_key(text), ())
        return _key(self.codes[code_list].names.get(code, "")) == _key(text) or ALIASES.get(code_list, {}).get(plain(text)) == code

    def rank(self, text: str) -> str:
        """The code of a rank from "01.003", "01.003 - Chuyên viên" or a title. Raises Unknown, Ambiguous."""
        for candidate in (text.upper(), re.split(r"[\s\-:;,(]", text, maxsplit=1)[0].upper()):
            if candidate in self._ranks:
                return self._ranks[candidate]
        found = self._titles.get(_key(text), set())
        if len(found) > 1:
            raise Ambiguous(found)
        if not found:
            raise Unknown
        return next(iter(found))
