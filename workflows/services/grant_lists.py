"""A list of grants at once, pasted from a spreadsheet or sent as CSV: all lines are read and judged before any is recorded.

What comes of it is proposals like any other, in one batch, that somebody else confirms.
"""

from __future__ import annotations

import csv
import io
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from orgtree.choices import Role
from orgtree.models import OrgUnit, User
from orgtree.services.grants import GrantError
from orgtree.text import AgencyCodeInvalid, normalise, parse_agency_code, plain
from workflows.errors import GateError, GrantListInvalid
from workflows.models import GrantChange
from workflows.services.grants import grant_propose

MAX_LINES = 500
COLUMNS: tuple[tuple[str, str | Promise, tuple[str, ...]], ...] = (
    ("user", _("User name"), ("ten dang nhap", "user name", "username", "login")),
    ("role", _("Role"), ("vai tro", "role")),
    ("unit", _("Code of the unit"), ("ma don vi", "unit", "unit code", "code of the unit")),
    ("first_day", _("From"), ("tu ngay", "from", "first day")),
    ("last_day", _("To"), ("den ngay", "het ngay", "to", "until", "last day")),
)


@dataclass(frozen=True)
class Problem:
    """What is wrong with one line: `column` is its heading, "" for the line as a whole; `remedy` says what to do."""

    line: int
    column: str
    value: str
    remedy: str


@dataclass(frozen=True)
class _Line:
    number: int
    user: User
    role: Role
    unit: OrgUnit
    first_day: date
    last_day: date


def grants_import(*, actor: User, text: str, reason: str) -> list[GrantChange]:
    """Propose all grants of the list, or none. `text` has a line a grant, cells apart by tab, semicolon or comma, headings or not.

    Raises GrantListInvalid, whose `detail["problems"]` holds every problem of every line, and GrantReasonMissing.
    """
    problems: list[Problem] = []
    lines = _read(text, problems)
    made: list[GrantChange] = []
    batch = uuid.uuid4()
    with transaction.atomic():
        for line in lines:
            try:
                with transaction.atomic():
                    made.append(
                        grant_propose(
                            actor=actor,
                            user=line.user,
                            role=line.role,
                            unit=line.unit,
                            valid_from=line.first_day,
                            valid_to=line.last_day + timedelta(days=1),
                            reason=reason,
                            batch=batch,
                        )
                    )
            except (GrantError, GateError) as refused:
                problems.append(Problem(line.number, "", f"{line.user.username}, {line.unit.code}", str(refused)))
        if problems:
            raise GrantListInvalid(problems=sorted(problems, key=lambda one: one.line))
    return made


def _read(text: str, problems: list[Problem]) -> list[_Line]:
    rows = list(_rows(text))
    if not rows or len(rows) > MAX_LINES:
        remedy = _("Send between 1 and %(most)d lines.") % {"most": MAX_LINES}
        problems.append(Problem(0, "", str(len(rows)), str(remedy)))
        return []
    order, rows = _headings(rows)
    users = {one.username: one for one in User.objects.filter(username__in={row[order["user"]] for _number, row in rows if len(row) == len(COLUMNS)})}
    codes = {code for _number, row in rows if len(row) == len(COLUMNS) and (code := _code(row[order["unit"]]))}
    units = {one.code: one for one in OrgUnit.objects.filter(code__in=codes)}
    found = (_line(number, row, order, users, units, problems) for number, row in rows)
    return [one for one in found if one is not None]


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Lines that hold anything, numbered from 1, with trimmed cells."""
    body = text.removeprefix("\ufeff")
    first = body.lstrip().partition("\n")[0]
    delimiter = next((mark for mark in ("\t", ";", ",") if mark in first), ",")
    for number, row in enumerate(csv.reader(io.StringIO(body), delimiter=delimiter), start=1):
        if any(cell.strip() for cell in row):
            yield number, [normalise(cell) for cell in row]


def _headings(rows: list[tuple[int, list[str]]]) -> tuple[dict[str, int], list[tuple[int, list[str]]]]:
    """Where each column stands; a first line of headings may order them anew."""
    first = [plain(cell) for cell in rows[0][1]]
    named = {name: first.index(one) for name, _label, called in COLUMNS for one in called if one in first}
    if len(named) == len(COLUMNS):
        return named, rows[1:]
    return {name: place for place, (name, _label, _called) in enumerate(COLUMNS)}, rows


def _line(
    number: int, row: Sequence[str], order: dict[str, int], users: dict[str, User], units: dict[str, OrgUnit], problems: list[Problem]
) -> _Line | None:
    if len(row) != len(COLUMNS):
        remedy = _("The line has %(found)d cells instead of %(wanted)d: user name, role, code of the unit, first day, last day.")
        problems.append(Problem(number, "", " | ".join(row)[:80], str(remedy % {"found": len(row), "wanted": len(COLUMNS)})))
        return None
    values = {name: row[place] for name, place in order.items()}
    role = _role(values["role"])
    user, unit = users.get(values["user"]), units.get(_code(values["unit"]) or "")
    days = {name: _day(values[name]) for name in ("first_day", "last_day")}
    remedies = {
        "user": (user is None or not user.is_active, _("No active account has this user name. Copy it from the list of accounts.")),
        "role": (role is None, _("Write one of: %(roles)s.") % {"roles": ", ".join(str(one.label) for one in Role)}),
        "unit": (unit is None, _("No unit has this code. Copy it from the organisation tree.")),
        "first_day": (days["first_day"] is None, _("Write the day in full, as 31/12/2026.")),
        "last_day": (days["last_day"] is None, _("Write the day in full, as 31/12/2026.")),
    }
    labels = {name: str(label) for name, label, _called in COLUMNS}
    wrong = [Problem(number, labels[name], values[name], str(remedy)) for name, (is_wrong, remedy) in remedies.items() if is_wrong]
    problems += wrong
    if wrong or user is None or unit is None or role is None:
        return None
    first_day, last_day = days["first_day"], days["last_day"]
    assert first_day is not None
    assert last_day is not None
    return _Line(number, user, role, unit, first_day, last_day)


def _role(text: str) -> Role | None:
    """By its word in either language, or by its code."""
    asked = plain(text)
    return next((one for one in Role if asked in (one.value, *_words(one))), None)


def _words(role: Role) -> Iterator[str]:
    for language in ("vi", "en"):
        with translation.override(language):
            yield plain(str(role.label))


def _code(text: str) -> str | None:
    try:
        return parse_agency_code(text)
    except AgencyCodeInvalid:
        return None


def _day(text: str) -> date | None:
    for form in ("%d/%m/%Y", "%Y-%m-%d"):
        try:
            day = datetime.strptime(text, form).date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
        return day if day < date.max else None
    return None
