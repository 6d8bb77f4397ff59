"""A document as it held on a day: which of its facts were valid then. Pure; what was *known* then is a matter of the ledger.

A value without a date (a name, an address, a relative) is taken to have held ever since it was recorded. Rank, step and coefficient come
from the salary history where the present step began later, the using unit from the posting of that day.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from registry.schema import STAFF_PROFILE
from registry.schema.learning import LEARNING
from registry.selectors.derived import holds
from workflows.documents import Document

# What is not yet true before its date: the date's field and those that come with it.
SINCE: Mapping[str, tuple[str, ...]] = {
    "citizen_id_date": (),
    "first_recruit_date": ("recruiting_agency", "recruit_form"),
    "current_agency_date": (),
    "party_join_date": (),
    "party_official_date": (),
    "first_org_date": (),
    "enlist_date": ("military_rank",),
    "discharge_date": (),
    "appoint_date": (),
    "reappoint_date": (),
}
STEP = ("rank_code", "step", "coefficient", "percent")
PAY = (*STEP, "rank_date", "step_date", "overframe_percent", "overframe_date")
PAST = ("old_regime", "foreign_orgs", "foreign_trips")  # what somebody did stays true afterwards
LEARNED = tuple(rows.name for rows in LEARNING)


def document_on(document: Document, day: date) -> Document:
    """The facts of `document` that held on the day, as a document of the same shape."""
    held = {**document, **{rows.name: [row for row in document[rows.name] if _row_holds(rows.name, row, day)] for rows in STAFF_PROFILE.rows}}
    for dated, others in SINCE.items():
        if _later(document[dated], day):
            held |= dict.fromkeys((dated, *others))
    if document["academic_title_year"] is not None and document["academic_title_year"] > day.year:
        held |= {"academic_title": None, "academic_title_year": None}
    return held | _pay(document, held, day) | _unit(held)


def _row_holds(name: str, row: Mapping[str, Any], day: date) -> bool:
    if "year" in row:
        return row["year"] <= day.year
    if name in LEARNED:
        return not _later(row["valid_to"] or row["valid_from"], day)
    if name in PAST:
        return not _later(row["valid_from"], day)
    return holds(row, on=day) if "valid_from" in row else True


def _pay(document: Document, held: Document, day: date) -> Document:
    """The pay of the day: as on file while the present step lasts, before it from the row of the salary history."""
    if not _later(document["step_date"], day):
        return dict.fromkeys(("overframe_percent", "overframe_date")) if _later(document["overframe_date"], day) else {}
    row = next(iter(held["salary_history"]), None)
    if row is None or row["rank_code"] is None:
        return dict.fromkeys(PAY)
    same_rank = row["rank_code"] == document["rank_code"] and not _later(document["rank_date"], day)
    begun = {"step_date": row["valid_from"], "rank_date": document["rank_date"] if same_rank else None}
    return {**dict.fromkeys(PAY), **{name: row[name] for name in STEP}, **begun}


def _unit(held: Document) -> Document:
    """The using unit of the day, where the posting of that day names one that is kept here."""
    posting = next(iter(held["postings"]), None)
    return {"using_unit": posting["unit"] if posting else None}


def _later(text: str | None, day: date) -> bool:
    return text is not None and date.fromisoformat(text) > day
