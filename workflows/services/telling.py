"""One thing to tell several people: what the makers of notices hand to `services.noticing`, which writes it down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from orgtree.models import OrgUnit
from workflows.choices import NoticeKind
from workflows.models import ChangeRequest


@dataclass(frozen=True)
class Telling:
    """`key` names the thing, so that nobody is told it twice; nobody is told of their own deed (`by`)."""

    kind: NoticeKind
    key: str
    to: Iterable[int | None]
    request: ChangeRequest | None = None
    unit: OrgUnit | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    by: int | None = None
