"""What follows from a file and is never typed: current post, next salary step, seniority, retirement, ends of term and discipline.

Pure functions of a document's values and of the tables of law given as data; none of them reads the database.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from registry.choices import DISCIPLINE_MONTHS, FAILED_GRADES, FAILED_MONTHS, PARTY_SIDE, STEP_DELAY
from workflows.documents import Document

MALE, FEMALE = "1", "2"
# Decree 135/2020/NĐ-CP art. 4: the age, in months, in 2021; how many months it grows a year; where it ends, and from which year.
_AGES: Mapping[str, tuple[int, int, int]] = {MALE: (60 * 12 + 3, 3, 62 * 12), FEMALE: (55 * 12 + 4, 4, 60 * 12)}
_FIRST_YEAR = 2021
NOTICE_MONTHS, DECISION_MONTHS = 6, 3  # Decree 170/2025/NĐ-CP art. 62 and 63
TERM_MONTHS = 60  # Decree 170/2025/NĐ-CP art. 28
SECONDMENT_MONTHS = 36  # Decree 170/2025/NĐ-CP art. 26
# From the highest down; the codes of list `degree`. A code that is not here ranks below all.
DEGREE_ORDER = ("01", "02", "12", "14", "16", "03", "11", "13", "15", "05", "04", "10", "06", "07", "08", "9999", "09")


@dataclass(frozen=True)
class Retirement:
    """`leaves` is the first day out of service; the notice and the decision are due on or before their days."""

    leaves: date
    notice: date
    decision: date


def add_months(day: date, months: int) -> date:
    """The same day of another month, or that month's last day."""
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def retirement_age(gender: str, year: int) -> int:
    """Age of retirement in months for those who reach it in `year` (Decree 135/2020/NĐ-CP art. 4); raises KeyError for another gender."""
    first, growth, most = _AGES[gender]
    return min(first + growth * max(year - _FIRST_YEAR, 0), most)


def retirement(birth_date: date, gender: str) -> Retirement:
    """The first day of the month after the one in which the age is reached (Decree 135/2020/NĐ-CP art. 3)."""
    year = birth_date.year + 55
    # The age depends on the year in which it is reached: take the first year whose age is reached in it.
    while (reached := add_months(birth_date, retirement_age(gender, year))).year > year:
        year += 1
    leaves = add_months(reached.replace(day=1), 1)
    return Retirement(leaves, add_months(leaves, -NOTICE_MONTHS), add_months(leaves, -DECISION_MONTHS))


def next_step(*, step: int, max_step: int, months: int, since: date, disciplines: Sequence[Document] = (), failed_years: int = 0) -> date | None:
    """The day of the next step; None on the last step, where `next_overframe` speaks.

    A discipline within the step and a year "not completed" (six months each) put it off (Circular 08/2013/TT-BNV art. 3).
    """
    if step >= max_step:
        return None
    return add_months(since, months + _delay(disciplines, since) + FAILED_MONTHS * failed_years)


def next_overframe(
    *,
    step: int,
    max_step: int,
    months: int,
    since: date,
    percent: int | None,
    percent_since: date | None,
    disciplines: Sequence[Document] = (),
    failed_years: int = 0,
) -> tuple[int, date] | None:
    """The next over-frame share and its day: 5 % when the last step has lasted its months, then 1 % a year (Decree 204/2004/NĐ-CP).

    What puts a step off puts the share off as well (Circular 04/2005/TT-BNV as amended by Circular 03/2021/TT-BNV); `failed_years` are
    those since the share, or the step without one, began.
    """
    if step < max_step:
        return None
    share, begun, lasts = (5, since, months) if percent is None or percent_since is None else (percent + 1, percent_since, 12)
    return share, add_months(begun, lasts + _delay(disciplines, begun) + FAILED_MONTHS * failed_years)


def _delay(disciplines: Sequence[Document], since: date) -> int:
    counting = (row for row in disciplines if row["side"] != PARTY_SIDE and date.fromisoformat(row["valid_from"]) >= since)
    return sum(STEP_DELAY.get(row["form"], 0) for row in counting)


def failed_years(document: Document, *, since: date) -> int:
    """How many years since the step began were graded "not completed"."""
    return sum(row["grade"] in FAILED_GRADES and row["year"] >= since.year for row in document["annual_results"])


def highest_degree(document: Document) -> Document | None:
    """The row of item 32.1 with the highest degree, of equals the latest (form item 20)."""
    rank = {code: place for place, code in enumerate(reversed(DEGREE_ORDER), start=1)}
    return max(document["degrees"], key=lambda row: (rank.get(row["degree"], 0), row["valid_to"] or ""), default=None)


def current_post(document: Document, *, on: date) -> Document | None:
    """The posting that holds on the day (form item 23)."""
    return next((row for row in document["postings"] if holds(row, on=on)), None)


def holds(row: Mapping[str, Any], *, on: date) -> bool:
    """Whether a row with a half-open period holds on the day."""
    day = on.isoformat()
    return (row["valid_from"] or "") <= day and (row["valid_to"] is None or day < row["valid_to"])


def seniority_months(document: Document, *, on: date) -> int:
    """Whole months of service since first recruited."""
    begun = date.fromisoformat(document["first_recruit_date"])
    months = (on.year - begun.year) * 12 + on.month - begun.month
    return max(months - (add_months(begun, months) > on), 0)


def term_end(document: Document) -> date | None:
    """The end of the five-year term that runs from the latest (re)appointment; None for who was not appointed."""
    latest = document["reappoint_date"] or document["appoint_date"]
    return add_months(date.fromisoformat(latest), TERM_MONTHS) if latest else None


def secondment_end(row: Mapping[str, Any]) -> date:
    """When a secondment ends: on its own day, and no later than 36 months after it began."""
    latest = add_months(date.fromisoformat(row["valid_from"]), SECONDMENT_MONTHS)
    return min(latest, date.fromisoformat(row["valid_to"])) if row["valid_to"] else latest


def discipline_end(row: Mapping[str, Any]) -> date:
    """When a discipline no longer counts."""
    return add_months(date.fromisoformat(row["valid_from"]), DISCIPLINE_MONTHS)


def disciplined(document: Document, *, on: date) -> bool:
    """Whether a discipline has effect: no appointment, transfer, secondment or training then (Law 80/2025/QH15 art. 38.2)."""
    return any(date.fromisoformat(row["valid_from"]) <= on < discipline_end(row) for row in document["disciplines"])
