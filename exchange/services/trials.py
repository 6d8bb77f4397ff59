"""At the agency: trying the line with 1 to 10 people, by the code that sends in earnest, and a result that can be signed.

What is tried is what the line would carry next for each person: the oldest version that the other side has not got, or the newest
one it has; before it whatever units it needs and lacks.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from exchange.connectors import CallFailed, Connector, connect
from exchange.contract import MAX_TRIAL, PROFILE_KIND, TrialReport, encode
from exchange.models import Channel, Trial
from exchange.selectors.sight import operates_line
from exchange.services.envelopes import envelope_make
from orgtree import clock
from orgtree.models import OrgUnit, User
from registry.models import StaffProfile
from registry.services.reads import files_export
from workflows.cms import SignatureRefused, bind_to_agency, verify_detached
from workflows.documents import canonical, digest, parse
from workflows.errors import NotAllowed, WrongState
from workflows.models import OutboxMessage
from workflows.services.audit import audit
from workflows.services.marks import withheld
from workflows.services.signing import bind_to_account
from workflows.targets import target
from workflows.trust import TrustStore


@dataclass(frozen=True)
class Prepared:
    """A trial before it is sent: the messages it carries, in the order of sending, and the exact body."""

    messages: Sequence[OutboxMessage]
    body: bytes

    @property
    def people(self) -> list[OutboxMessage]:
        return [one for one in self.messages if one.kind == PROFILE_KIND]

    @property
    def units(self) -> list[OutboxMessage]:
        return [one for one in self.messages if one.kind != PROFILE_KIND]


def trial_prepare(*, actor: User, channel: Channel, keys: Sequence[UUID]) -> Prepared:
    """What a trial of these people would send. Raises NotAllowed, ValidationError, BatchUnsendable (a request nobody signed)."""
    if not operates_line(actor):
        raise NotAllowed
    wanted = list(dict.fromkeys(keys))
    if not 1 <= len(wanted) <= MAX_TRIAL:
        raise ValidationError(_("Choose 1 to %s people.") % MAX_TRIAL)
    people = _next_messages(channel, wanted)
    if len(people) < len(wanted):
        raise ValidationError(_("One of these people is not on file any more. Choose again."))
    messages = [*_units_needed(channel, people), *people]
    if any(withheld(kind=kind, keys=[one.key for one in messages if one.kind == kind]) for kind in {one.kind for one in messages}):
        raise ValidationError(_("One of these files is marked “does not leave”. Choose others."))
    return Prepared(messages, encode({"envelopes": [envelope_make(request, leaves) for request, leaves in _runs(messages)]}))


def trial_send(*, actor: User, channel: Channel, keys: Sequence[UUID], connector: Callable[[Channel], Connector] = connect) -> Trial:
    """Send the trial, read its report back, compare digests, keep the result. A call that failed is kept with its reason.

    Raises what `trial_prepare` raises. Each person's file is noted in the read log as sent out.
    """
    prepared = trial_prepare(actor=actor, channel=channel, keys=keys)
    trial = Trial(channel=channel, actor=actor, people=len(prepared.people), body_digest=digest(prepared.body))
    units = dict(StaffProfile.objects.filter(pk__in=[one.key for one in prepared.people]).values_list("pk", "using_unit"))
    with transaction.atomic():
        trial.save(force_insert=True)
        files_export(actor=actor, records=[(one.key, units.get(one.key)) for one in prepared.people], what=f"trial {trial.pk}")
        audit(actor=actor, action="trial.sent", channel=channel.code, trial=str(trial.pk), people=trial.people)
    sent_at = clock.now()
    try:
        with connector(channel) as line:
            answered = line.trial(body=prepared.body)
            read_back = line.trial_report(trial=answered.trial)
    except CallFailed as failure:
        trial.error = f"{failure.code}: {failure.detail}"[:600]
    else:
        statement = _statement(trial, prepared, answered, read_back, sent_at)
        trial.statement, trial.passed = canonical(statement), statement["passed"]
    trial.save(update_fields=["error", "statement", "passed"])
    return trial


def trial_sign(*, actor: User, trial: Trial, signature: bytes) -> Trial:
    """Keep a signature (CMS detached) over the result, by the operator who made the trial or by the agency's seal.

    Raises NotAllowed, WrongState when there is no result or it is signed already, SignatureRefused.
    """
    if not operates_line(actor):
        raise NotAllowed
    with transaction.atomic():
        trial = Trial.objects.select_for_update(of=("self",)).get(pk=trial.pk)
        if not trial.statement or trial.signature:
            raise WrongState
        now = clock.now()
        verified = verify_detached(content=bytes(trial.statement), signature=signature, moment=now, trust=TrustStore.load(settings.TRUST_DIRECTORY))
        try:
            bind_to_account(verified, actor)
        except SignatureRefused:
            bind_to_agency(verified, organization_identifier=settings.AUTHORITY)
        trial.signature, trial.signer, trial.signed_at = signature, verified.subject[:500], now
        trial.save(update_fields=["signature", "signer", "signed_at"])
        audit(actor=actor, action="trial.signed", trial=str(trial.pk), signer=trial.signer)
    return trial


def payload_texts(prepared: Prepared) -> list[tuple[OutboxMessage, str]]:
    """Every person's document as it goes out, indented for reading; values of class A are masked as everywhere."""
    return [(one, _readable(one)) for one in prepared.people]


def _readable(message: OutboxMessage) -> str:
    one, document = target(message.kind), parse(bytes(message.document.body))
    shown = {name: _masked(one, name, value) for name, value in document.items()}
    return json.dumps(shown, ensure_ascii=False, indent=2)


def _masked(one: Any, name: str, value: Any) -> Any:
    if isinstance(value, list):
        return [{column: _masked(one, f"{name}.{column}", each) for column, each in row.items()} for row in value]
    return one.hidden(name, str(value)) if value is not None and one.hidden(name, str(value)) != str(value) else value


def _next_messages(channel: Channel, keys: Sequence[UUID]) -> list[OutboxMessage]:
    """For each person the oldest message that the other side has not got, or else the newest one; in the order of `keys`."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select distinct on (m.key) m.id from workflows_outboxmessage m "
            "left join exchange_delivery d on d.message_id = m.id and d.channel_id = %s "
            "where m.kind = %s and m.key = any(%s) order by m.key, "
            "coalesce(d.state in ('received', 'replaced'), false), "
            "case when d.state in ('received', 'replaced') then -m.version else m.version end",
            [channel.pk, PROFILE_KIND, list(keys)],
        )
        chosen = [pk for (pk,) in cursor.fetchall()]
    found = {one.key: one for one in OutboxMessage.objects.filter(pk__in=chosen).select_related("document")}
    return [found[key] for key in keys if key in found]


def _units_needed(channel: Channel, people: Sequence[OutboxMessage]) -> list[OutboxMessage]:
    """What the other side lacks of the units that these people name, and of the units above them, in the order of sending."""
    named = {unit for one in people for unit in target(one.kind).units_of(one.key, None, parse(bytes(one.document.body)))}
    below = OrgUnit.objects.filter(pk__in=named, tree_id=OuterRef("tree_id"), lft__gte=OuterRef("lft"), rght__lte=OuterRef("rght"))
    above = set(OrgUnit.objects.filter(Exists(below)).order_by().values_list("pk", flat=True))
    with connection.cursor() as cursor:
        cursor.execute(
            "select m.id from workflows_outboxmessage m left join exchange_delivery d on d.message_id = m.id and d.channel_id = %s "
            "where m.kind <> %s and m.key = any(%s) and coalesce(d.state, '') not in ('received', 'replaced') order by m.id",
            [channel.pk, PROFILE_KIND, list(above)],
        )
        return list(OutboxMessage.objects.filter(pk__in=[pk for (pk,) in cursor.fetchall()]).select_related("document").order_by("pk"))


def _runs(messages: Sequence[OutboxMessage]) -> list[tuple[UUID, list[int]]]:
    """Request and leaves of each envelope: neighbours of one request and kind share one, unless a record comes again."""
    runs: list[tuple[tuple[UUID, str], list[int], set[UUID]]] = []
    for one in messages:
        name = (one.request_id, one.kind)
        if not runs or runs[-1][0] != name or one.key in runs[-1][2]:
            runs.append((name, [], set()))
        runs[-1][1].append(one.leaf_index)
        runs[-1][2].add(one.key)
    return [(request, leaves) for (request, _kind), leaves, _keys in runs]


def _statement(trial: Trial, prepared: Prepared, answered: TrialReport, read_back: TrialReport, sent_at: datetime) -> dict[str, Any]:
    """`trial_result/1`: record by record what was sent, what came back and whether they are the same. No personal data."""
    told = {(one.kind, one.key, one.version): one for one in read_back.items}
    records = []
    for message in prepared.messages:
        one = told.get((message.kind, message.key, message.version))
        sent = bytes(message.document_id).hex()
        records.append(
            {
                "kind": message.kind,
                "key": str(message.key),
                "version": message.version,
                "sent": sent,
                "read_back": one.digest if one else None,
                "outcome": one.outcome if one else "missing",
                "code": one.code if one else "",
                "message": one.message if one else "",
                "same": one is not None and one.digest == sent,
            }
        )
    complete = answered == read_back and read_back.body_digest == bytes(trial.body_digest).hex() and len(told) == len(records)
    return {
        "schema": "trial_result/1",
        "trial": str(trial.pk),
        "agency": settings.AUTHORITY,
        "channel": trial.channel.code,
        "address": trial.channel.base_url,
        "hub": read_back.hub,
        "hub_trial": str(read_back.trial),
        "operator": trial.actor.display_name,
        "sent_at": _stamp(sent_at),
        "received_at": _stamp(read_back.received_at),
        "body": bytes(trial.body_digest).hex(),
        "people": trial.people,
        "records": records,
        "passed": complete and all(one["same"] and one["outcome"] == "accepted" for one in records),
    }


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
