"""Why a workbook cannot be read at all."""

from __future__ import annotations

from typing import Any

from registry import messages


class WorkbookRefused(Exception):
    """The workbook is refused as a whole. `code` is one of `messages.WORKBOOK`; `str()` says what is wrong and what to do."""

    def __init__(self, code: str, value: object = "", **params: Any) -> None:
        self.code, self.value, self.params = code, str(value), params
        super().__init__(code)

    def __str__(self) -> str:
        field = str(self.params.get("field", ""))
        said = (part(self.code, value=self.value, field=field, params=self.params) for part in (messages.message_of, messages.repair_of))
        return " ".join(said)
