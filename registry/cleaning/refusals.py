"""Why a cell gives no value, while it is being read and as it is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from registry.cleaning.causes import Cause

if TYPE_CHECKING:
    from registry.cleaning.repairs import Repair


class CellRefused(Exception):
    """The cell cannot be taken as it stands. `code` is one of messages.CELLS; `repair`, where there is one, would make it fit."""

    def __init__(self, code: str, value: str | None = None, *, cause: Cause = Cause.NONE, repair: Repair | None = None, **params: Any) -> None:
        self.code, self.value, self.cause, self.repair, self.params = code, value, cause, repair, params
        super().__init__(code)


@dataclass(frozen=True)
class Problem:
    """What is said of one cell. A problem refuses the value; among `Cleaned.notices` it only shows how the value was or may be read.

    `params` holds what the message needs, `suggestion` being the value after the repair as a clerk would write it.
    """

    field: str
    code: str
    value: str
    params: Mapping[str, Any] = field(default_factory=dict)
    cause: Cause = Cause.NONE
    repair: Repair | None = None


def refuse(code: str, cause: Cause, repair: Repair, after: Any) -> CellRefused:
    """A refusal with its repair, and what the cell would then say."""
    return CellRefused(code, cause=cause, repair=repair, suggestion=f"{after:%d/%m/%Y}" if isinstance(after, date) else str(after))
