"""What follows from a file on a day, in words, each with the rule it stands on: nothing of it is ever typed.

The law itself is in `selectors.derived`; here stand labels, texts and sources.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from django.core.cache import cache
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from registry.fields import ProfileList
from registry.models import RankCode, SalaryStep
from registry.selectors import derived
from registry.selectors.texts import DocumentTexts, in_time
from registry.targets import show
from workflows.documents import Document

Tone = Literal["", "warn", "bad"]
SOON_MONTHS = 3
SCALE_SECONDS = 60


@dataclass(frozen=True)
class Derived:
    """One derived value; `source` names the rule. `tone` warns of a day that is near or over."""

    label: str | Promise
    text: str
    source: str | Promise
    tone: Tone = ""


def profile_standing(document: Document, *, on: date, degrees: Mapping[Any, str] | None = None, in_the_clear: bool = False) -> list[Derived]:
    """The derived values of a file, those that say something. `degrees` are names of its degrees by code, where somebody has them already.

    Two queries at most, one with `degrees`. What follows from class-A rows is there only `in_the_clear`.
    """
    return [
        *_post(document, on),
        *_degree(document, degrees),
        *_service(document, on),
        *_pay(document, on),
        *_terms(document, on),
        *_retirement(document, on),
        *(_disciplines(document, on) if in_the_clear else ()),
    ]


def rows_table(one: ProfileList, document: Document, texts: DocumentTexts) -> tuple[list[str], list[list[str]]]:
    """Headings and lines of a list in the clear, the latest row first: the columns that hold anything, and what follows from each row."""
    rows, told = sorted(document[one.name], key=in_time), texts.rows[one.name]
    filled = [column for column in one.columns if any(row[column.name] for row in told)]
    headings, lines = [str(column.label) for column in filled], [[row[column.name] for column in filled] for row in told]
    if one.name == "disciplines" and rows:
        headings.append(str(_("Without effect from")))
        lines = [[*line, _day(derived.discipline_end(row))] for line, row in zip(lines, rows, strict=True)]
    return headings, lines[::-1]


def _post(document: Document, on: date) -> Iterator[Derived]:
    post = derived.current_post(document, on=on)
    if post is not None:
        since = _day(date.fromisoformat(post["valid_from"]))
        yield Derived(_("Current post"), _since(post["title"], since), _("Work history; Circular 06/2023/TT-BNV, item 23"))


def _degree(document: Document, names: Mapping[Any, str] | None) -> Iterator[Derived]:
    row = derived.highest_degree(document)
    if row is not None:
        name = (names or show("degrees.degree", [row["degree"]]))[row["degree"]]
        yield Derived(_("Highest degree"), ", ".join(part for part in (name, row["major"]) if part), _("Circular 06/2023/TT-BNV, item 20"))


def _service(document: Document, on: date) -> Iterator[Derived]:
    years, months = divmod(derived.seniority_months(document, on=on), 12)
    parts = [
        ngettext("{count} year", "{count} years", years).format(count=years) if years else "",
        ngettext("{count} month", "{count} months", months).format(count=months) if months or not years else "",
    ]
    yield Derived(_("Service"), " ".join(part for part in parts if part), _("Since first recruited; Circular 06/2023/TT-BNV, item 13"))


def _pay(document: Document, on: date) -> Iterator[Derived]:
    if document["rank_code"] is None:
        return
    known = {"rank": document["rank_code"], "step": document["step"], "coefficient": str(document["coefficient"] or "").replace(".", ",")}
    yield Derived(_("Rank, step, coefficient"), _("{rank}, step {step}, {coefficient}").format(**known), _("Circular 06/2023/TT-BNV, item 30.1"))
    scale = _scale(document["rank_code"], document["step"])
    if scale is None or document["step_date"] is None:
        return
    since = date.fromisoformat(document["step_date"])
    due = derived.next_step(
        step=scale.step,
        max_step=scale.max_step,
        months=scale.months,
        since=since,
        disciplines=document["disciplines"],
        failed_years=derived.failed_years(document, since=since),
    )
    if due is not None:
        yield Derived(_("Next salary step"), _day(due), _("Circular 08/2013/TT-BNV, art. 2 and 3"), _tone(due, on))
        return
    has_share = document["overframe_percent"] is not None and document["overframe_date"] is not None
    begun = date.fromisoformat(document["overframe_date"]) if has_share else since
    over = derived.next_overframe(
        step=scale.step,
        max_step=scale.max_step,
        months=scale.months,
        since=since,
        percent=document["overframe_percent"],
        percent_since=begun if has_share else None,
        disciplines=document["disciplines"],
        failed_years=derived.failed_years(document, since=begun),
    )
    if over is not None:
        percent, day = over
        yield Derived(
            _("Next over-frame share"),
            f"{percent} %, {_day(day)}",
            _("Decree 204/2004/NĐ-CP; Circulars 04/2005/TT-BNV and 03/2021/TT-BNV"),
            _tone(day, on),
        )


def _scale(rank: str, step: int) -> SalaryStep | None:
    """The step in the scale of the rank's class. Remembered for a minute: the law changes more seldom than a page is opened."""

    def look_up() -> list[SalaryStep]:
        classes = RankCode.objects.filter(code=rank).values("salary_class")
        return list(SalaryStep.objects.filter(salary_class__in=classes, step=step)[:1])

    found = cache.get_or_set(f"scale:{rank}:{step}", look_up, SCALE_SECONDS)
    return next(iter(found or ()), None)


def _terms(document: Document, on: date) -> Iterator[Derived]:
    end = derived.term_end(document)
    if end is not None:
        yield Derived(_("End of the five-year term"), _day(end), _("Decree 170/2025/NĐ-CP, art. 28"), _tone(end, on))
    for row in document["secondments"]:
        if derived.holds(row, on=on):
            last = derived.secondment_end(row)
            yield Derived(
                _("End of the secondment at the latest"), f"{row['host']}, {_day(last)}", _("Decree 170/2025/NĐ-CP, art. 26"), _tone(last, on)
            )


def _retirement(document: Document, on: date) -> Iterator[Derived]:
    if document["gender"] not in (derived.MALE, derived.FEMALE):
        return
    found = derived.retirement(date.fromisoformat(document["birth_date"]), document["gender"])
    law = _("Decree 135/2020/NĐ-CP, art. 3 and 4")
    yield Derived(_("Retires on"), _day(found.leaves), law, _tone(found.leaves, on, months=12))
    notice = _("Decree 170/2025/NĐ-CP, art. 62 and 63")
    if derived.add_months(found.notice, -12) <= on < found.leaves:
        yield Derived(_("Notice of retirement by"), _day(found.notice), notice, _tone(found.notice, on))
        yield Derived(_("Decision on retirement by"), _day(found.decision), notice, _tone(found.decision, on))


def _disciplines(document: Document, on: date) -> Iterator[Derived]:
    for row in document["disciplines"]:
        end = derived.discipline_end(row)
        if date.fromisoformat(row["valid_from"]) <= on < end:
            yield Derived(_("Discipline without effect from"), _day(end), _("Decree 172/2025/NĐ-CP, art. 2.9"))


def _tone(day: date, on: date, months: int = SOON_MONTHS) -> Tone:
    if day <= on:
        return "bad"
    return "warn" if day <= derived.add_months(on, months) else ""


def _day(day: date) -> str:
    return f"{day:%d/%m/%Y}"


def _since(text: str, day: str) -> str:
    return _("{what}, since {day}").format(what=text, day=day)
