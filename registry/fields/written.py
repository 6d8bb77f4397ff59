"""In which columns of a workbook a field of the document is written: its own, or for rows of histories those that state the newest one."""

from __future__ import annotations

from registry.fields.kinds import POSTING_FROM, POSTING_TITLE, SALARY_DECISION

# In which fields of a workbook a column of the salary history is written, the nearest first.
_SALARY_COLUMNS = {
    **{name: (name, "step") for name in ("rank_code", "step", "coefficient", "percent")},
    "valid_from": ("step_date", "rank_date", "step"),
    **{name.partition(".")[2]: (name, "step") for name in SALARY_DECISION},
}


def columns_of(name: str) -> tuple[str, ...]:
    """The fields of a workbook in which a field of the document is written."""
    if name.startswith("salary_history"):
        return _SALARY_COLUMNS.get(name.rpartition(".")[2], _SALARY_COLUMNS["valid_from"])
    if name.startswith("allowances"):
        return "overframe_date", "overframe_percent"
    if name in ("postings", "postings.valid_from", "postings.valid_to"):
        return (POSTING_FROM, POSTING_TITLE) if name != "postings" else (POSTING_TITLE, POSTING_FROM)
    return {"postings.title": (POSTING_TITLE,), "postings.unit": ("using_unit",)}.get(name, (name,) if name else ())
