"""What a row records besides the cells that it states: a raise, a share beyond the last step and a post are facts of a day, with a row of
their own in the history, as by hand (`selectors.consequences`).

Pure functions of a file and a row's values. A fact is what differs from the file and holds since a later day that the row names: the row
that held before ends on that day. The same day with other values corrects the row that stands; without a day nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from orgtree.text import plain
from registry.cleaning import Problem
from registry.fields import POSTING_DECISION, POSTING_FROM, POSTING_TITLE, SALARY_DECISION
from registry.schema import POSTINGS, STAFF_PROFILE
from registry.selectors.acts import PAY
from registry.selectors.consequences import OVERFRAME, SALARY, Row, follow
from workflows.documents import Document

# What decides whether a file has to be opened for its histories.
PRESENT = (*sorted(PAY), "overframe_percent", "overframe_date")
_SALARY_ROW, _ALLOWANCE_ROW = (next(rows for rows in STAFF_PROFILE.rows if rows.name == name) for name in ("salary_history", "allowances"))
Within = Callable[[str, str], bool]
Values = Mapping[str, Any]


@dataclass(frozen=True)
class Recorded:
    """What of a file changes besides the row's own cells, and why some of it cannot."""

    patch: Document = field(default_factory=dict)
    problems: Sequence[Problem] = ()


def touches_pay(present: Mapping[str, Any], values: Values) -> bool:
    """Whether the row says of pay what the file does not, so that its histories are concerned."""
    given = (name for name in (*PRESENT, *SALARY_DECISION) if values.get(name) is not None)
    return any(name in SALARY_DECISION or values[name] != present[name] for name in given)


def pay_record(base: Document, values: Values) -> Recorded:
    """Rows of the salary history and of the allowances for what the row says of pay."""
    new: dict[str, list[Row]] = {}
    document, problems = dict(base), []
    decision = _fresh(_decision(values, SALARY_DECISION), _open(base["salary_history"]))
    if step := _new_step(base, values, decision):
        standing = next((row for row in base["salary_history"] if row["valid_from"] == step["valid_from"] and _same_pay(row, step)), None)
        if standing is None:
            document["salary_history"] = [*base["salary_history"], step]
            new["salary_history"] = [step]
    else:
        document["salary_history"], problem = _with_decision(_step_corrected(base, values), decision, SALARY_DECISION)
        problems += [problem] if problem else []
    if share := _new_share(base, values):
        document["allowances"] = [*base["allowances"], share]
        new["allowances"] = [share]
    if new:
        document = follow(base, document, new=new, written=values.keys(), within=lambda unit, other: True)
    names = ("salary_history", "allowances", *(PAY if "salary_history" in new else ()))
    return Recorded({name: document[name] for name in names if document[name] != base[name] and name not in values}, problems)


def _later(base: Document, values: Values, name: str) -> str | None:
    """The day that the row gives, if it is later than the one on file."""
    day = values.get(name)
    return day if day and (base[name] is None or day > base[name]) else None


def _new_step(base: Document, values: Values, decision: Mapping[str, Any]) -> Row | None:
    """The pay that the row says holds since a later day, or the one on file whose decision it names and that has no row yet.

    The first pay of a file is no fact of its own unless the row names its decision: then the history begins with it.
    """
    pay = {name: values.get(name) or base[name] for name in SALARY}
    if pay["rank_code"] is None or (base["rank_code"] is None and not decision):
        return None
    if all(pay[name] == base[name] for name in SALARY):
        since = base["step_date"] if decision and not base["salary_history"] and "step_date" not in _changed(base, values) else None
    else:
        moved = pay["rank_code"] != base["rank_code"]
        since = _later(base, values, "step_date") or (_later(base, values, "rank_date") if moved else None)
    return {**_SALARY_ROW.blank(), **pay, "valid_from": since, **decision} if since else None


def _changed(base: Document, values: Values) -> set[str]:
    return {name for name in PAY if values.get(name) is not None and values[name] != base[name]}


def _new_share(base: Document, values: Values) -> Row | None:
    percent, since = values.get("overframe_percent"), _later(base, values, "overframe_date")
    if percent is None or percent == base["overframe_percent"] or since is None:
        return None
    if any(row["kind"] == OVERFRAME and row["valid_from"] == since for row in base["allowances"]):
        return None
    return {**_ALLOWANCE_ROW.blank(), "kind": OVERFRAME, "percent": f"{percent}.00", "valid_from": since}


def _same_pay(row: Row, other: Mapping[str, Any]) -> bool:
    return all(row[name] == other[name] for name in ("rank_code", "step", "coefficient"))


def _step_corrected(base: Document, values: Values) -> list[Row]:
    """The salary history, its open row corrected as the present values are, if it said the same as they did."""
    history = base["salary_history"]
    current = _open(history)
    if current is None or current["valid_from"] != base["step_date"] or not _same_pay(current, base):
        return list(history)
    said = {name: values[name] for name in SALARY if values.get(name) is not None and values[name] != base[name]}
    since = values.get("step_date") or current["valid_from"]
    corrected = {**current, **said, "valid_from": since}
    # The one before ended on the day that is corrected.
    return [
        corrected if row is current else {**row, "valid_to": since} if row["valid_to"] == current["valid_from"] and row["valid_from"] < since else row
        for row in history
    ]


def _open(rows: Sequence[Row]) -> Row | None:
    return next((row for row in rows if row["valid_to"] is None), None)


def _fresh(decision: dict[str, Any], current: Row | None) -> dict[str, Any]:
    """Nothing where it is the decision that the open row names: a list that was exported brings it back with whatever is new in it."""
    known = current and decision.get("decision_number") is not None and decision["decision_number"] == current["decision_number"]
    return {} if known else decision


def _decision(values: Values, names: Sequence[str]) -> dict[str, Any]:
    """Number and date of a decision, as columns of a row of history."""
    return {name.partition(".")[2]: values[name] for name in names if values.get(name) is not None}


def _with_decision(rows: Sequence[Row], decision: Mapping[str, Any], names: Sequence[str]) -> tuple[list[Row], Problem | None]:
    """The rows, the open one with the decision where it names none. Another decision without another fact is nothing to guess about."""
    current = _open(rows)
    if not decision:
        return list(rows), None
    if current is None:
        return list(rows), Problem(names[0], "DECISION_OF_NOTHING", str(decision.get("decision_number", "")))
    for name in names:
        column = name.partition(".")[2]
        if column in decision and current[column] not in (None, decision[column]):
            return list(rows), Problem(name, "DECISION_DIFFERS", f"{current[column]} → {decision[column]}")
    return [{**row, **decision} if row is current else row for row in rows], None


def post_record(postings: Sequence[Document], unit_on_file: str, values: Values, within: Within) -> Recorded:
    """The posts of a file with the one that the row says is held; a move to another agency dates the time in it, as by hand."""
    unit = values.get("using_unit", unit_on_file)
    current = _open(postings)
    title = values.get(POSTING_TITLE) or (current or {}).get("title")
    since, decision = values.get(POSTING_FROM), _fresh(_decision(values, POSTING_DECISION), current)
    same = current is not None and title is not None and plain(current["title"]) == plain(title) and current["unit"] == unit
    if title is None or (same and since in (None, current["valid_from"])):  # type: ignore[index]  # same says that there is one
        rows, problem = _with_decision(postings, decision, POSTING_DECISION)
        return Recorded({} if rows == list(postings) else {"postings": rows}, [problem] if problem else [])
    if since is None:
        return Recorded(problems=[Problem(POSTING_FROM, "POST_DATE_MISSING", "")])
    if current and not same and since <= current["valid_from"]:
        return Recorded(problems=[Problem(POSTING_FROM, "POST_DATE_EARLY", f"{since[8:]}/{since[5:7]}/{since[:4]}")])
    new = {**POSTINGS.blank(), "title": title, "unit": unit, "valid_from": since, **decision}
    patch: Document = {"postings": _postings_after(postings, current, new, same=same)}
    if not same and "current_agency_date" not in values and not within(unit, unit_on_file):
        patch["current_agency_date"] = since
    return Recorded(patch)


def _postings_after(postings: Sequence[Document], current: Document | None, new: Document, *, same: bool) -> list[Document]:
    """The same post with another beginning is a correction; another post ends the one on file on the day on which it begins."""
    rest = [row for row in postings if row is not current]
    if current is None:
        return [*rest, new]
    if same:
        return [*rest, {**current, **{name: value for name, value in new.items() if value is not None and name != "title"}}]
    return [*rest, {**current, "valid_to": new["valid_from"]}, new]


def first_pay(values: Values) -> Document:
    """The salary history of a new file: a row where its pay names a decision. Without one it begins with the first raise."""
    decision = _decision(values, SALARY_DECISION)
    if not decision or values.get("rank_code") is None or values.get("step_date") is None:
        return {}
    pay = {name: values.get(name) for name in SALARY}
    return {"salary_history": [{**_SALARY_ROW.blank(), **pay, "valid_from": values["step_date"], **decision}]}


def first_post(values: Values, unit: Any) -> Document:
    """The post with which a new file begins."""
    if POSTING_TITLE not in values and POSTING_FROM not in values:
        return {}
    row = {"title": values.get(POSTING_TITLE), "unit": unit, "valid_from": values.get(POSTING_FROM), **_decision(values, POSTING_DECISION)}
    return {"postings": [{**POSTINGS.blank(), **row}]}
