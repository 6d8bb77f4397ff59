"""The progress board as of a day: computed from what each day brought, so that any day's board is the same whenever it is made again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Count, Max, Q, Sum
from django.utils.translation import gettext as _

from exchange.choices import BodyKind, TransferState
from exchange.models import Agency, AgencyDay, Expectation, ExpectedBody, TransferCase
from orgtree import clock

QUALITY_DAYS = 30


@dataclass(frozen=True)
class Row:
    """One body on the board; `code` is empty while its identifier is not known, None figures are not known either."""

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
    last_contact: datetime | None = None
    body: int | None = None

    @property
    def share(self) -> float | None:
        """How much of what was reported is here, in percent."""
        return round(100 * self.received / self.reported, 1) if self.reported else None


@dataclass(frozen=True)
class Board:
    """All rows, and the sums over the provinces, the central bodies and everybody."""

    day: date
    rows: Sequence[Row]

    def of(self, kind: str) -> Sequence[Row]:
        return [row for row in self.rows if row.kind == kind]

    @property
    def sums(self) -> list[dict[str, Any]]:
        groups = [(BodyKind.PROVINCE.label, self.of(BodyKind.PROVINCE)), (BodyKind.CENTRAL.label, self.of(BodyKind.CENTRAL)), (_("All"), self.rows)]
        return [{"name": name, **_sum(rows)} for name, rows in groups]


def board(*, day: date) -> Board:
    """Every expected body, then whoever else sends, as known at the end of `day`. Seven queries, whatever the number of records."""
    agencies = {one.code: one for one in Agency.objects.only("code", "name", "last_contact")}
    totals = _totals(day)
    reported = _reported(day)
    bodies = list(ExpectedBody.objects.all())
    rows = [
        replace(_row(body.code or "", body.name, body.kind, reported.get(body.pk), agencies.get(body.code or ""), totals), body=body.pk)
        for body in bodies
    ]
    known = {body.code for body in bodies}
    others = [_row(one.code, one.name, "other", None, one, totals) for one in agencies.values() if one.code not in known]
    return Board(day, [*rows, *sorted(others, key=lambda row: row.code)])


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
        last_contact=agency.last_contact if agency is not None else None,
    )


def _totals(day: date) -> dict[int, dict[str, Any]]:
    """What each agency brought up to and with `day`."""
    until = AgencyDay.objects.filter(day__lte=day).order_by()
    recent = Q(day__gt=day - timedelta(days=QUALITY_DAYS))
    sums = until.values("agency").annotate(
        files=Sum("files"),
        units=Sum("units"),
        late=Sum("late"),
        passed=Sum("trials_passed"),
        recent_accepted=Sum("accepted", filter=recent, default=0),
        recent_refused=Sum("refused", filter=recent, default=0),
        last_day=Max("day"),
    )
    totals: dict[int, dict[str, Any]] = {one["agency"]: dict(one) for one in sums}
    for agency, moved in moved_until(day).items():
        if agency in totals:
            totals[agency]["files"] += moved
    latest = until.filter(matched__isnull=False).order_by("agency", "-day").distinct("agency")
    for agency, matched in latest.values_list("agency", "matched"):
        totals[agency]["matched"] = matched
    return totals


def moved_until(day: date) -> dict[int, int]:
    """By agency, how many people came to it by transfer up to and with `day`, less those who left it: a file counts where its person is."""
    passed = TransferCase.objects.filter(
        state=TransferState.COMPLETED, ended_at__lt=datetime.combine(day + timedelta(days=1), time.min, clock.ZONE)
    ).order_by()
    moved: dict[int, int] = {}
    for side, sign in (("to_agency", 1), ("from_agency", -1)):
        for agency, count in passed.values_list(side).annotate(count=Count("pk")):
            moved[agency] = moved.get(agency, 0) + sign * count
    return moved


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
    }
