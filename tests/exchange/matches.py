"""People as they stand beside the population database when its name of them is another: rows for tests of pages."""

from __future__ import annotations

from collections.abc import Sequence

from exchange.archive import Said, entry_made, exchanges_keep
from exchange.choices import Way
from exchange.models import ArchivedExchange, Channel, OutgoingPackage, PopulationMatch, Pull, PullRecord, RegisterBatch, RegisterEntry
from exchange.services.lanes import Question
from orgtree import clock
from orgtree.models import OrgUnit
from registry.models import StaffProfile
from workflows.documents import canonical


def match_made(people: Sequence[StaffProfile]) -> list[PopulationMatch]:
    """Each was asked about once, and answered with the name "Trần Thị Khác"."""
    channel, _made = Channel.objects.get_or_create(
        code="population", defaults={"name": "Dân cư", "kind": "population", "base_url": "http://register.invalid", "client_id": "x"}
    )
    batch = RegisterBatch.objects.create(channel=channel, size=len(people), state="done", answered=len(people))
    found = []
    for position, one in enumerate(people):
        fields = {name: str(getattr(one, name)) for name in ("citizen_id", "birth_name", "birth_date", "gender")}
        question = Question(one.pk, one.version, fields)
        asked = {"version": one.version, "payload": canonical(fields), "fingerprint": question.fingerprint}
        said = {"code": "NAME_DIFF", "answered_at": clock.now()}
        entry = RegisterEntry(batch=batch, position=position, staff=one, **asked, **said)
        entry.answer = [{"ref": str(entry.pk), "code": "NAME_DIFF", "birth_name": "Trần Thị Khác"}]
        entry.save(force_insert=True)
        outcome = {"outcome": "name_diff", "owner": "agency", "differs": ["birth_name"], "checked_at": clock.now()}
        found.append(PopulationMatch.objects.create(staff=one, entry=entry, **outcome))
    return found


def archived(channel: Channel) -> ArchivedExchange:
    """One question that was asked over `channel` and answered."""
    values = {"method": "GET", "address": "http://hub.invalid/api/v1/receipts", "status": 200, "outcome": "ok"}
    exchanges_keep([entry_made(request=Said(), answer=Said(), at=clock.now(), way=Way.OUT, channel=channel, **values)])
    return ArchivedExchange.objects.filter(channel=channel).latest("id")


def packed() -> OutgoingPackage:
    """A package of a channel that is carried by hand, to be signed."""
    values = {"name": "Mang tay", "base_url": "http://hub.invalid", "client_id": "x", "transport": "carried", "transport_options": {"hub": "G09"}}
    channel, _made = Channel.objects.get_or_create(code="carried", defaults=values)
    package, _made = OutgoingPackage.objects.get_or_create(channel=channel, sequence=1, defaults={"statement": b"{}", "digest": b"p" * 32})
    return package


def pulled(people: Sequence[StaffProfile], *, unit: OrgUnit) -> Pull:
    """A run over a line, of which each other one can be taken, is in the way of the gate, or waits nowhere."""
    values = {"name": "Nền tảng quốc gia", "base_url": "http://hub.invalid", "client_id": "x"}
    channel, _made = Channel.objects.get_or_create(code="national-hub", defaults=values)
    pull = Pull.objects.create(channel=channel, kind="staff_profile", unit=unit, state="ready", stage="done", equal=3)
    for number, one in enumerate(people):
        values = {"version_here": one.version, "version_there": one.version + 1, "digest": b"d" * 32, "document": b"{}", "name": one.birth_name}
        cause = "" if number % 2 else "UNKNOWN_UNIT"
        PullRecord.objects.create(pull=pull, key=one.pk, what="differs", changed=["phone"], checked=True, cause=cause, **values)
    return pull
