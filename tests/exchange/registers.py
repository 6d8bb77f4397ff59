"""Registers made of a dictionary, and time that passes at once: what the tests of matching and of the Party database drive."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from django.db import connection

from exchange.choices import ChannelKind
from exchange.connectors import CallFailed
from exchange.contract import ErrorKind
from exchange.models import Channel
from exchange.services.lanes import lanes_review, register_drive
from exchange.services.registers import PURPOSES
from orgtree.models import OrgUnit
from registry.models import StaffProfile
from tests.pages import Office
from workflows.services.applying import request_apply
from workflows.services.approval import request_approve_by_system
from workflows.services.staging import Proposal, request_stage
from workflows.services.submission import request_submit

Says = Callable[[Mapping[str, Any]], dict[str, Any] | None]


def matched(person: Mapping[str, Any]) -> dict[str, Any]:
    return {"code": "MATCHED", **{name: person[name] for name in ("citizen_id", "birth_name", "birth_date", "gender")}}


def holds(code: str = "MATCHED", **held: Any) -> Says:
    """A database that holds these values of everybody."""
    return lambda person: {**matched(person), "code": code, **held}


@dataclass
class PaperRegister:
    """A `RegisterConnector` that keeps what it is sent. `script` holds what happens to the next calls, `says` answers for each person."""

    says: Says = matched
    script: list[CallFailed | None] = field(default_factory=list)
    arrived: bool = True  # whether what a failing call carried had arrived all the same
    spoil: Callable[[list[dict[str, Any]]], list[dict[str, Any]]] = lambda answers: answers
    kept: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, channel: Channel) -> PaperRegister:
        return self

    def __enter__(self) -> PaperRegister:
        return self

    def __exit__(self, *details: object) -> None:
        pass

    def settle(self) -> None:
        """Nothing of it is kept."""

    def put(self, *, idempotency_key: str, body: bytes) -> list[dict[str, Any]]:
        self.calls.append("put")
        failure = self.script.pop(0) if self.script else None
        if (failure is None or self.arrived) and idempotency_key not in self.kept:
            self.kept[idempotency_key] = self._answer(json.loads(body))
        if failure is not None:
            raise failure
        return self.spoil(list(self.kept[idempotency_key]))

    def answers(self, *, idempotency_key: str) -> list[dict[str, Any]] | None:
        self.calls.append("ask")
        if self.script and (failure := self.script.pop(0)) is not None:
            raise failure
        kept = self.kept.get(idempotency_key)
        return self.spoil(list(kept)) if kept is not None else None

    def _answer(self, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        people = body.get("people") or body["members"]
        self.asked += people
        said = [(person["ref"], self.says(person)) for person in people]
        return [{"ref": ref, **answer} for ref, answer in said if answer is not None]


def no_answer() -> CallFailed:
    return CallFailed(ErrorKind.AMBIGUOUS, "NO_ANSWER", "as the test wants it")


def register_make(kind: ChannelKind = ChannelKind.POPULATION, batch_size: int = 50) -> Channel:
    """A register of the test's own; those of other tests are switched off."""
    Channel.objects.filter(kind=kind).update(active=False)
    name = f"{kind}-{uuid4().hex[:8]}"
    return Channel.objects.create(code=name, name=name, kind=kind, base_url="http://register.invalid", client_id="x", batch_size=batch_size)


def round_(channel: Channel, register: PaperRegister, *, wait: bool = True) -> int:
    """Everybody looked at, and what is due put; the waiting before it skipped."""
    if wait:
        pass_time(86_400)
    purpose = PURPOSES[channel.kind]
    lanes_review(channel=channel, purpose=purpose)
    return register_drive(channel_id=channel.pk, purpose=purpose, connector=register)


DUE = (
    *(("exchange_registerbatch", "not_before"), ("exchange_registerlane", "due_at"), ("exchange_registerlane", "again_at")),
    *(("exchange_channel", "paused_until"), ("exchange_partycursor", "not_before")),
)


def pass_time(seconds: float) -> None:
    """Everything that waits is due `seconds` earlier."""
    with connection.cursor() as cursor:
        for table, column in DUE:
            cursor.execute(f"update {table} set {column} = {column} - interval '1 second' * %s", [seconds])


def change(office: Office, person: StaffProfile, **patch: Any) -> None:
    """A change of the file that came through the gate."""
    person.refresh_from_db()
    staged = request_stage(
        actor=None,
        system="test",
        allowed=OrgUnit.objects.all(),
        unit=office.units["agency"],
        title="Cập nhật",
        proposals=[Proposal(kind="staff_profile", key=person.pk, patch=patch, base_version=person.version)],
    )
    assert staged.request is not None, staged.returned
    request_submit(actor=None, request_id=staged.request.pk, system_stage="test")
    request_approve_by_system(request_id=staged.request.pk)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    request_apply(request_id=staged.request.pk)
    person.refresh_from_db()
