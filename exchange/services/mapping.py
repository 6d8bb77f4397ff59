"""Keeping pairs of codes: set, ended, imported, each change in the audit trail.

A change of the table touches no file and no signed document: it changes how a side is told of them, so everybody at that side is looked at again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from exchange.mapping import BOTH, IN, OUT
from exchange.models import CodePair, RegisterLane
from exchange.models.mapping import MapWay
from exchange.selectors.mapping import FROM_WORKBOOKS, list_names, meanings, sides
from exchange.selectors.sight import operates_line
from exchange.services.matching import MATCH_TASK
from orgtree.models import User
from orgtree.text import plain
from registry.code_pairs import pairs_read
from registry.program_codes import TITLE
from workflows.dispatch import send_on_commit
from workflows.errors import GateError, NotAllowed
from workflows.services.audit import audit, audit_each

MAX_CODE = 60
MAX_OURS = 100  # of a post, which is a text here
DAYS = ("valid_from", "valid_to")
WAYS = {OUT: (OUT, BOTH), IN: (IN, BOTH)}


@dataclass(frozen=True)
class Wanted:
    """A pair as somebody wants it; `ref` is the row of their spreadsheet, 0 for the form."""

    list: str
    code: str
    theirs: str
    way: str = BOTH
    valid_from: date | None = None
    valid_to: date | None = None
    ref: int = 0


@dataclass(frozen=True)
class Wrong:
    """What is wrong with one row: the place, the cause and the remedy in `message`."""

    ref: int
    column: str
    message: str


class PairsWrong(GateError):
    """Some pairs cannot stand; nothing was changed. `wrong` names every one."""

    code = "PAIRS_WRONG"

    def __init__(self, wrong: Sequence[Wrong]) -> None:
        self.wrong = wrong
        super().__init__(_("Nothing was changed. Correct what is named and try again."))


def pairs_set(*, actor: User, side: str, wanted: Sequence[Wanted], found: Sequence[Wrong] = ()) -> int:
    """Let these pairs stand; one that says otherwise of the same code, direction and days ends. Returns how many are new.

    All or nothing; `found` is what was wrong with their cells already. Raises NotAllowed, PairsWrong.
    """
    _allowed(actor, side)
    if side.startswith(FROM_WORKBOOKS):  # nothing is told to a program that workbooks come from
        wanted = [replace(one, way=IN) for one in wanted]
    if wrong := [*found, *(one for each in wanted for one in _form_problems(each)), *_unknown_codes(wanted, side)]:
        raise PairsWrong(sorted(wrong, key=lambda one: one.ref))
    try:
        with transaction.atomic():
            present = list(
                CodePair.objects.select_for_update().filter(side=side, list__in={one.list for one in wanted}, ended_at=None).order_by("pk")
            )
            said = {tuple(_columns(pair).values()) for pair in present}
            fresh = [one for one in dict.fromkeys(wanted) if tuple(_columns(one).values()) not in said]
            of_code = defaultdict(list)
            for one in fresh:
                of_code[one.list, one.code].append(one)
            gone = {pair.pk for pair in present if any(_replaces(one, pair) for one in of_code[pair.list, pair.code])}
            left = [pair for pair in present if pair.pk not in gone]
            if wrong := _contradictions(fresh, left):
                raise PairsWrong(wrong)
            CodePair.objects.filter(pk__in=gone).update(ended_at=Now(), ended_by=actor)
            made = [CodePair(side=side, added_by=actor, **_columns(one)) for one in fresh]
            CodePair.objects.bulk_create(made)
            told = [{"side": side, "list": pair.list, "code": pair.code, "theirs": pair.theirs, "way": pair.way} for pair in made]
            audit_each(actor=actor, action="code_pair.set", details=told)
            if made:
                _look_again(side)
    except IntegrityError as error:  # somebody else was faster by a moment
        raise PairsWrong([Wrong(0, "", _("Somebody else changed the same pairs just now. Look again, and repeat what is still wanted."))]) from error
    return len(made)


def pair_end(*, actor: User, pair: CodePair) -> None:
    """A pair no longer stands, also one of a side that is no longer connected. Raises NotAllowed."""
    if not operates_line(actor):
        raise NotAllowed
    with transaction.atomic():
        if CodePair.objects.filter(pk=pair.pk, ended_at=None).update(ended_at=Now(), ended_by=actor):
            audit(actor=actor, action="code_pair.end", side=pair.side, list=pair.list, code=pair.code, theirs=pair.theirs)
            _look_again(pair.side)


def rest_kept(*, actor: User, side: str, code_list: str) -> int:
    """Every code of a list that has no pair yet stands for itself, both ways. Returns how many. Raises NotAllowed, PairsWrong."""
    present = CodePair.objects.filter(side=side, list=code_list, ended_at=None)
    done, taken = set(present.values_list("code", flat=True)), set(present.values_list("theirs", flat=True))
    return pairs_set(actor=actor, side=side, wanted=[Wanted(code_list, one, one) for one in meanings(code_list) if one not in done | taken])


def pairs_import(*, actor: User, side: str, content: bytes, name: str) -> int:
    """The pairs of a spreadsheet; rows without a code of theirs are left out.

    Raises NotAllowed, WorkbookRefused, PairsUnreadable, PairsWrong with every row.
    """
    _allowed(actor, side)
    rows = [(number, cells) for number, cells in pairs_read(content, name=name) if cells.get("theirs") and cells.get("code")]
    lists = {plain(title): name for name, title in list_names(side)}  # a list by its name or its title
    wanted, wrong = [], []
    for number, cells in rows:
        begins, ends = (_day(cells.get(column, "")) for column in DAYS)
        no_day = [column for column, day in zip(DAYS, (begins, ends), strict=True) if day is None and cells.get(column)]
        wrong += [Wrong(number, column, _("“%s” is no day. Write it as 31/12/2026.") % cells[column]) for column in no_day]
        way = _way(cells.get("way", ""))
        if way is None:
            wrong.append(Wrong(number, "way", _("“%s” is no direction. Write both, out or in.") % cells["way"]))
        wanted.append(Wanted(lists.get(plain(cells["list"]), cells["list"]), cells["code"], cells["theirs"], way or BOTH, begins, ends, number))
    return pairs_set(actor=actor, side=side, wanted=wanted, found=wrong)


def _look_again(side: str) -> None:
    """Whoever is known at that side is looked at once more; a lane whose question comes out the same settles without a call."""
    kind, _dot, code = side.partition(".")
    if kind == "channel":
        RegisterLane.objects.filter(channel__code=code, entry=None, withheld=False).update(due_at=Now())
        send_on_commit(MATCH_TASK)


def _allowed(actor: User, side: str) -> None:
    if not operates_line(actor) or side not in {one.name for one in sides()}:
        raise NotAllowed


def _form_problems(one: Wanted) -> list[Wrong]:
    wrong = []
    if not one.theirs or len(one.theirs) > MAX_CODE or not one.theirs.isprintable():
        wrong.append(Wrong(one.ref, "theirs", _("The code of the other side is empty or longer than %d characters.") % MAX_CODE))
    if not one.code or len(one.code) > MAX_OURS or not one.code.isprintable():
        wrong.append(Wrong(one.ref, "code", _("Our code is empty or longer than %d characters.") % MAX_OURS))
    if one.way not in MapWay.values:
        wrong.append(Wrong(one.ref, "way", _("Choose a direction.")))
    if one.valid_from and one.valid_to and one.valid_to <= one.valid_from:
        wrong.append(Wrong(one.ref, "valid_to", _("The last day lies before the first. Compare both.")))
    return wrong


def _unknown_codes(wanted: Sequence[Wanted], side: str) -> list[Wrong]:
    """Codes and lists of ours that do not exist; one question a list."""
    lists = {name for name, _title in list_names(side)}
    known = {name: meanings(name) for name in {one.list for one in wanted} & lists - {TITLE}}
    wrong = [
        Wrong(one.ref, "list", _("There is no list “%s”. Copy its name from an exported file.") % one.list) for one in wanted if one.list not in lists
    ]
    return wrong + [
        Wrong(one.ref, "code", _("The list has no code “%s”. Look it up under “Code lists”.") % one.code)
        for one in wanted
        if one.list in known and one.code not in known[one.list]
    ]


def _contradictions(fresh: Sequence[Wanted], left: Sequence[CodePair]) -> list[Wrong]:
    """What would make a code ambiguous in a direction in which it is used; of each code the first that it contradicts."""
    wrong = []
    standing: defaultdict[tuple[str, str, str], list[Wanted | CodePair]] = defaultdict(list)
    for pair in left:
        for claim in _claims(pair):
            standing[claim].append(pair)
    for one in fresh:
        for claim in _claims(one):
            if other := next((other for other in standing[claim] if _overlap(one, other)), None):
                wrong.append(Wrong(one.ref, "theirs", _ambiguous(claim[0], one, other)))
            standing[claim].append(one)
    return wrong


def _claims(one: Wanted | CodePair) -> list[tuple[str, str, str]]:
    """What a pair says something of: (direction, list, the code that is looked up in it)."""
    return [(way, one.list, one.code if way == OUT else one.theirs) for way, both in WAYS.items() if one.way in both]


def _ambiguous(way: str, one: Wanted, other: Wanted | CodePair) -> str:
    if way == OUT:
        text = _("Our code %(code)s would be both %(one)s and %(other)s at the other side. Keep one of the two, or give them different days.")
        return text % {"code": one.code, "one": one.theirs, "other": other.theirs}
    text = _("Their code %(theirs)s would mean both %(one)s and %(other)s. Let one of the two be used outwards only.")
    return text % {"theirs": one.theirs, "one": one.code, "other": other.code}


def _columns(one: Wanted | CodePair) -> dict[str, object]:
    return {name: getattr(one, name) for name in ("list", "code", "theirs", "way", "valid_from", "valid_to")}


def _replaces(one: Wanted, pair: CodePair) -> bool:
    """Two pairs of one code that would both be told outwards on the same days. Inwards several of theirs may mean one of ours."""
    return one.way in WAYS[OUT] and pair.way in WAYS[OUT] and _overlap(one, pair)


def _overlap(one: Wanted | CodePair, other: Wanted | CodePair) -> bool:
    begins = [day for day in (one.valid_from, other.valid_from) if day]
    ends = [day for day in (one.valid_to, other.valid_to) if day]
    return not begins or not ends or max(begins) < min(ends)


def _way(text: str) -> str | None:
    if not text:
        return BOTH
    return {plain(word): one.value for one in MapWay for word in (one.value, str(one.label))}.get(plain(text))


def _day(text: str) -> date | None:
    """A day of a cell; None for an empty one and for what is none."""
    parts = text.split("/")
    try:
        return date(int(parts[2]), int(parts[1]), int(parts[0])) if len(parts) == 3 else date.fromisoformat(text[:10])
    except ValueError:
        return None
