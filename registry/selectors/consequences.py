"""What follows from a new fact: the one that held before ends on the day before, and the present values follow the newest row.

Pure functions of documents. They serve the act of recording a change; a correction changes what was written and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from workflows.documents import Document

Row = dict[str, Any]
SALARY = ("rank_code", "step", "coefficient", "percent")
APPOINTED, REAPPOINTED = "BN", "BNL"
OVERFRAME = "07"  # in the list `allowance_type`
# Lists of which one row holds at a time; of allowances one of each kind.
_ONE_AT_A_TIME: Mapping[str, tuple[str, ...]] = {"postings": (), "salary_history": (), "secondments": (), "allowances": ("kind",)}


def follow(
    base: Document, after: Document, *, new: Mapping[str, Sequence[Row]], written: Collection[str] = (), within: Callable[[str, str], bool]
) -> Document:
    """`after` with what follows from its rows `new` (by list; the very objects that stand in `after`). Nothing in `written` is touched.

    `within(unit, other)` says whether the first unit is the other or stands below it.
    """
    document = dict(after)
    document["salary_history"] = [*_former_step(base, new.get("salary_history", ())), *document["salary_history"]]
    for rows, same in _ONE_AT_A_TIME.items():
        document[rows] = _closed(document[rows], new.get(rows, ()), same)
    values = {
        **_pay(base, new.get("salary_history", ())),
        **_share(new.get("allowances", ())),
        **_post(document, new.get("postings", ()), within),
    }
    return {**document, **{name: value for name, value in values.items() if name not in written}}


def _latest(rows: Sequence[Row]) -> Row | None:
    """The row that begins last and has no end: the one that is to hold from now on."""
    open_rows = [row for row in rows if row["valid_from"] and row["valid_to"] is None]
    return max(open_rows, key=lambda row: row["valid_from"], default=None)


def _closed(rows: Sequence[Row], new: Sequence[Row], same: Sequence[str]) -> list[Row]:
    """The rows, those that were open ended by the first new one that begins after them."""

    def ended(row: Row) -> Row:
        starts = sorted(
            one["valid_from"]
            for one in new
            if one is not row and one["valid_from"] and row["valid_from"] and one["valid_from"] > row["valid_from"] and _agree(one, row, same)
        )
        return {**row, "valid_to": starts[0]} if row["valid_to"] is None and starts else row

    return [ended(row) for row in rows]


def _agree(one: Row, other: Row, columns: Sequence[str]) -> bool:
    return all(one[column] == other[column] for column in columns)


def _former_step(base: Document, new: Sequence[Row]) -> list[Row]:
    """The step that stands in the file's present values and in no row yet, so that the history does not begin with its end."""
    latest = _latest(new)
    if latest is None or base["salary_history"] or base["step_date"] is None or base["step_date"] >= latest["valid_from"]:
        return []
    blank = dict.fromkeys(latest)
    return [{**blank, **{name: base[name] for name in SALARY}, "valid_from": base["step_date"], "valid_to": latest["valid_from"]}]


def _pay(base: Document, new: Sequence[Row]) -> dict[str, Any]:
    latest = _latest(new)
    if latest is None or latest["rank_code"] is None:
        return {}
    moved = latest["rank_code"] != base["rank_code"]
    values = {
        "rank_code": latest["rank_code"],
        "step": latest["step"],
        "coefficient": latest["coefficient"],
        "step_date": latest["valid_from"],
        "percent": latest["percent"] or base["percent"] or "100.00",
    }
    return {**values, "rank_date": latest["valid_from"]} if moved else values


def _share(new: Sequence[Row]) -> dict[str, Any]:
    """The over-frame share that is paid from now on, a whole percentage; another one is left for the rules to judge where it stands."""
    latest = _latest([row for row in new if row["kind"] == OVERFRAME])
    whole, _point, rest = (latest["percent"] or "").partition(".") if latest else ("", "", "")
    return {"overframe_percent": int(whole), "overframe_date": latest["valid_from"]} if latest and whole and not rest.strip("0") else {}


def _post(document: Document, new: Sequence[Row], within: Callable[[str, str], bool]) -> dict[str, Any]:
    latest = _latest(new)
    if latest is None:
        return {}
    values: dict[str, Any] = {}
    if latest["movement"] == APPOINTED:
        values |= {"appoint_date": latest["valid_from"], "reappoint_date": None}
    if latest["movement"] == REAPPOINTED:
        values["reappoint_date"] = latest["valid_from"]
    if latest["unit"] and not within(latest["unit"], document["using_unit"]):
        values |= {"using_unit": latest["unit"], "current_agency_date": latest["valid_from"]}
    return values
