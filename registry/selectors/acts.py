"""What each act may touch: a correction what stands, a new fact what comes, a person's declaration what is theirs.

Who may perform which act on whose file is asked elsewhere (`registry.services.drafts`); here it is only said what the act can change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from registry.choices import Editor
from registry.fields import BY_NAME, LISTS, ProfileList
from workflows.choices import Act
from workflows.documents import Document

# What was so at birth or on entering the service does not change: another value can only be the right one instead of a wrong one.
STANDS = frozenset(
    [
        *("birth_name", "gender", "birth_date", "birth_place", "birth_place_area", "home_town", "home_town_area", "ethnicity", "citizen_id"),
        *("other_names", "family_class", "previous_job", "first_recruit_date", "recruiting_agency", "recruit_form", "first_org_date"),
        *("enlist_date", "arrest_statement"),
    ]
)
# Follows from the row that records the change (`selectors.consequences`), and is not typed a second time.
PAY = frozenset(["rank_code", "rank_date", "step", "coefficient", "step_date", "percent"])
_FOLLOWS = PAY | {"appoint_date", "reappoint_date"}
# How a fact that still holds is ended: its last day, and for a post the movement and the decision by which it ended.
_ENDING = frozenset(["valid_to"])
_ENDING_POST = frozenset(["valid_to", "movement", "decision_number", "decision_date"])


@dataclass(frozen=True)
class RowRights:
    """What an act may do with the rows of a list: add some, change or remove those that stand, end those that are open."""

    add: bool
    change: bool
    ends: frozenset[str] = frozenset()


def field_is_open(name: str, *, act: Act, base: Document) -> bool:
    """Whether the act may give the field another value than that of `base`."""
    described = BY_NAME[name]
    if described.kind == "picture" or described.is_beside:
        return False
    if act == Act.OWN:
        return described.editor == Editor.PERSON
    if act == Act.RECORD and not is_new(base):
        return name not in _FOLLOWS and (name not in STANDS or base[name] is None)
    return True


def is_new(base: Document) -> bool:
    """Whether nothing is on record yet: a file without a name exists only while it is being written."""
    return base["birth_name"] is None


def row_rights(one: ProfileList, *, act: Act) -> RowRights:
    if act == Act.OWN:
        mine = one.editor == Editor.PERSON
        return RowRights(add=mine, change=mine)
    if act == Act.RECORD:
        dated = any(column.name == "valid_to" and column.kind == "date" for column in one.columns)
        return RowRights(add=True, change=False, ends=_ENDING_POST if one.name == "postings" else _ENDING if dated else frozenset())
    return RowRights(add=True, change=True)


def cell_is_open(rows: str, row: str, column: str, *, act: Act, base: Document) -> bool:
    """Whether the act may write `column` of the row: "3" is the row in that place of `base`, "n1" a new one. "gone" removes the row."""
    rights = _RIGHTS[act][rows]
    if row.startswith("n"):
        return rights.add
    if not row.isdecimal() or int(row) >= len(base[rows]):
        return False
    return rights.change or (column in rights.ends and base[rows][int(row)]["valid_to"] is None)


_RIGHTS: Mapping[Act, Mapping[str, RowRights]] = {act: {one.name: row_rights(one, act=act) for one in LISTS} for act in Act}
