"""The only writer of the live tables of people, called by the target inside the applying transaction."""

from __future__ import annotations

from workflows.sqlwrite import write_records, write_rows
from workflows.targets import Target


def write_staff(one: Target) -> None:
    """Bring staff profiles and their rows to what was opened. Raises workflows.sqlwrite.ProjectionMismatch."""
    write_records(one)
    write_rows(one)
