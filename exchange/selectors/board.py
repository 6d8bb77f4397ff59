"""The progress board as of a day: computed from what each day brought, so that any day's board is the same whenever it is made again.

What the figures of a day mean: *reported* is the newest report of that day or before, *received* the files that the hub held for the body at the
day's end (those that came with a first version, and by transfer, less those that left by transfer), *late* the records that came after their
term until then, *matched* what the newest statement of equality covers. What the day itself brought stands beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Count, Max, Q, Sum
from django.db.models.functions import TruncDate
from django.utils.translation import gettext as _

from exchange.choices import BodyKind, Standing, TransferState
from exchange.models import Agency, AgencyDay, BodyStanding, Expectation, TransferCase
from exchange.selectors.bodies import bodies_on
from orgtree import clock

QUALITY_DAYS = 30
SIDES = (("to_agency", 1, "came"), ("from_agency", -1, "left"))  # of a passing: whose file count it changes, and by what name


@dataclass(frozen=True)
class Row:
    """One body on the board; `code` is empty while its identifier is not known, None figures are not known either.

    One that is not counted has no part in any sum; `why` says why.
    `new`, `came` and `left` are the files that the day brought, that came and that left by transfer on it; `late_new` what came late on it.
    """

    code: str
    name: str
    kind: str
    reported: int | None
    connected: bool
    trial_passed: bool
    received: int
    units: int
    matched: int | None
    late: int
    quality: float | None
    last_day: date | None
    new: int = 0
    came: int = 0
    left: int = 0
    late_new: int = 0
    last_contact: datetime | None = None
    body: int | None = None
    counted: bool = True
    why: str = ""

    @property
    def share(self) -> float | None:
        """How much of what was reported is here, in percent."""
        return round(100 * self.received / self.reported, 1) if self.reported else None

    @property
    def change(self) -> str:
        """By how many files the day made it more or fewer, with its sign; "" where it did not."""
        files = self.new + self.came - self.left
        return f"{'+' if files > 0 else '−'}{abs(files)}" if files else ""


@dataclass(frozen=True)
class DayLine:
    """One day of a body: what it brought, and how things stood at its end (`held`, `reported`, `matched`). None is not known."""

    day: date
    new: int
    came: int
    left: int
    held: int
    reported: int | None
    matched: int | None
    units: int
    accepted: int
    refused: int
    late: int


@dataclass(frozen=True)
class Board:
    """All rows, those that are not counted last; and the sums over the provinces, the central bodies and everybody who is counted."""

    day: date
    rows: Sequence[Row]

    @property
    def counted(self) -> Sequence[Row]:
        return [row for row in self.rows if row.counted]

    def of(self, kind: str) -> Sequence[Row]:
        return [row for row in self.counted if row.kind == kind]

    @property
    def sums(self) -> list[dict[str, Any]]:
        groups = [
            (BodyKind.PROVINCE.label, self.of(BodyKind.PROVINCE)),
            (BodyKind.CENTRAL.label, self.of(BodyKind.CENTRAL)),
            (_("All"), self.counted),
        ]
        return [{"name": name, **_sum(rows)} for name, rows in groups]


def board(*, day: date) -> Board:
    """The bodies as they stood on the list at the end of `day`, and whoever else sends. Six queries, whatever the number of records."""
    agencies = {one.code: one for one in Agency.objects.only("code", "name", "last_contact")}
    totals = _totals(day)
    reported = _reported(day)
    bodies = bodies_on(day)
    rows = [_listed(one, reported.get(one.body_id), agencies.get(one.code), totals) for one in bodies]
    known = {one.code for one in bodies}
    others = [_row(one.code, one.name, "other", None, one, totals) for one in agencies.values() if one.code not in known]
    counted = [row for row in rows if row.counted]
    return Board(day, [*counted, *sorted(others, key=lambda row: row.code), *(row for row in rows if not row.counted)])


def _listed(one: BodyStanding, reported: int | None, agency: Agency | None, totals: dict[int, dict[str, Any]]) -> Row:
    row = _row(one.code, one.name, one.body.kind, reported, agency, totals)
    counted = one.standing == Standing.COUNTED
    return replace(row, body=one.body_id, counted=counted, why="" if counted else one.reason)


def _row(code: str, name: str, kind: str, reported: int | None, agency: Agency | None, totals: dict[int, dict[str, Any]]) -> Row:
    counted = totals.get(agency.pk, {}) if agency is not None else {}
    answered = counted.get("recent_accepted", 0) + counted.get("recent_refused", 0)
    return Row(
        code=code,
        name=name,
        kind=kind,
        reported=reported,
        connected=bool(counted),
        trial_passed=bool(counted.get("passed")),
        received=counted.get("files", 0),
        units=counted.get("units", 0),
        matched=counted.get("matched"),
        late=counted.get("late", 0),
        quality=round(100 * counted["recent_accepted"] / answered, 1) if answered else None,
        last_day=counted.get("last_day"),
        new=counted.get("new") or 0,
        came=counted.get("came", 0),
        left=counted.get("left", 0),
        late_new=counted.get("late_new") or 0,
        last_contact=agency.last_contact if agency is not None else None,
    )


def _totals(day: date) -> dict[int, dict[str, Any]]:
    """What each agency brought up to and with `day`."""
    until = AgencyDay.objects.filter(day__lte=day).order_by()
    recent = Q(day__gt=day - timedelta(days=QUALITY_DAYS))
    sums = until.values("agency").annotate(
        new=Sum("files", filter=Q(day=day), default=0),  # before the sums that take the columns' names
        late_new=Sum("late", filter=Q(day=day), default=0),
        files=Sum("files"),
        units=Sum("units"),
        late=Sum("late"),
        passed=Sum("trials_passed"),
        recent_accepted=Sum("accepted", filter=recent, default=0),
        recent_refused=Sum("refused", filter=recent, default=0),
        last_day=Max("day"),
    )
    totals: dict[int, dict[str, Any]] = {one["agency"]: dict(one) for one in sums}
    for moved in _moves(day):
        for side, sign, name in SIDES:
            if (one := totals.get(moved[side])) is not None:
                one["files"] += sign * moved["count"]
                one[name] = one.get(name, 0) + moved["on_day"]
    latest = until.filter(matched__isnull=False).order_by("agency", "-day").distinct("agency")
    for agency, matched in latest.values_list("agency", "matched"):
        totals[agency]["matched"] = matched
    return totals


def moved_until(day: date) -> dict[int, int]:
    """By agency, how many people came to it by transfer up to and with `day`, less those who left it: a file counts where its person is."""
    moved: dict[int, int] = {}
    for pair in _moves(day):
        for side, sign, _name in SIDES:
            moved[pair[side]] = moved.get(pair[side], 0) + sign * pair["count"]
    return moved


def _moves(day: date) -> list[dict[str, Any]]:
    """From which agency to which how many people (`count`) passed up to and with `day`, and how many of them (`on_day`) on it. One query.

    A passing counts by its moment, as everything on the board does (`clock.counted_on`).
    """
    passed = TransferCase.objects.filter(state=TransferState.COMPLETED).order_by()
    if day < clock.today():
        passed = passed.filter(ended_at__lt=_start(day + timedelta(days=1)))
    pairs = passed.values("from_agency", "to_agency")
    return [dict(pair) for pair in pairs.annotate(count=Count("pk"), on_day=Count("pk", filter=Q(ended_at__gte=_start(day))))]


def _start(day: date) -> datetime:
    return datetime.combine(day, time.min, clock.ZONE)


def _moved_by_day(agency: Agency) -> dict[date, tuple[int, int]]:
    """How many people came to the agency and how many left it on each day. One query."""
    passed = TransferCase.objects.filter(Q(from_agency=agency) | Q(to_agency=agency), state=TransferState.COMPLETED).order_by()
    by_day = passed.annotate(day=TruncDate("ended_at", tzinfo=clock.ZONE)).values("day")
    counted = by_day.annotate(came=Count("pk", filter=Q(to_agency=agency)), left=Count("pk", filter=Q(from_agency=agency)))
    moved: dict[date, tuple[int, int]] = {}
    for day, came, left in counted.values_list("day", "came", "left"):
        before = moved.get(min(day, clock.today()), (0, 0))
        moved[min(day, clock.today())] = (before[0] + came, before[1] + left)
    return moved


def day_lines(*, agency: Agency, reports: Sequence[Expectation], limit: int) -> list[DayLine]:
    """The newest days on which anything came of an agency, or somebody passed to or from it. Two queries.

    `reports` are all those of its body. The newest line says what the board of that day says.
    """
    days = {one.day: one for one in agency.days.all()}
    moves = _moved_by_day(agency)
    reported = sorted((one.day, one.pk, one.files) for one in reports)
    lines: list[DayLine] = []
    held, matched = 0, None
    for day in sorted(days.keys() | moves.keys()):
        one = days.get(day) or AgencyDay(agency=agency, day=day)
        came, left = moves.get(day, (0, 0))
        held += one.files + came - left
        matched = matched if one.matched is None else one.matched
        line = DayLine(
            day=day,
            new=one.files,
            came=came,
            left=left,
            held=held,
            reported=next((files for on, _pk, files in reversed(reported) if on <= day), None),
            matched=matched,
            units=one.units,
            accepted=one.accepted,
            refused=one.refused,
            late=one.late,
        )
        lines.append(line)
    return lines[::-1][:limit]


def _reported(day: date) -> dict[int, int]:
    """The latest number of files that each body reported."""
    latest = Expectation.objects.filter(day__lte=day).order_by("body", "-day", "-pk").distinct("body")
    return dict(latest.values_list("body", "files"))


def _sum(rows: Iterable[Row]) -> dict[str, Any]:
    members = list(rows)
    return {
        "bodies": len(members),
        "reported": sum(row.reported is not None for row in members),
        "connected": sum(row.connected for row in members),
        "trial_passed": sum(row.trial_passed for row in members),
        "expected": sum(row.reported or 0 for row in members),
        "received": sum(row.received for row in members),
        "matched": sum(row.matched or 0 for row in members),
        "late": sum(row.late for row in members),
        "new": sum(row.new for row in members),
        "late_new": sum(row.late_new for row in members),
    }
