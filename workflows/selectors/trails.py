"""The read log and the audit trail as auditors look at them: filtered, newest first, a page at a time by keyset, never beyond their units.

What carries no unit (an account locked, a channel set) concerns the whole installation and is shown to administrators of all of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TypeVar
from uuid import UUID

from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Concat
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from orgtree import clock, scope
from orgtree.choices import Action
from orgtree.models import OrgUnit, User
from workflows.models import AuditEvent, ReadEvent

PAGE = 100
EXPORT_LIMIT = 100_000
PEOPLE = 50  # accounts that a part of a name may stand for
Line = TypeVar("Line", AuditEvent, ReadEvent)

DEEDS: Mapping[str, str | Promise] = {
    "profile.confirmed": _("The person confirmed that nothing has changed"),
    "request.staged": _("Request prepared"),
    "request.submitted": _("Request submitted"),
    "request.checked": _("Request checked"),
    "request.withdrawn": _("Request withdrawn"),
    "request.recalled": _("Request recalled"),
    "request.expired": _("Request expired"),
    "request.returned": _("Request returned"),
    "request.approved": _("Request approved and signed"),
    "request.sealed": _("Request signed with the organisation’s certificate"),
    "request.revoked": _("Signatures on a request revoked"),
    "request.applied": _("Changes recorded"),
    "request.conflict": _("Changes met a conflict"),
    "request.failed": _("Changes could not be recorded"),
    "signature.refused": _("Signature refused"),
    "delegation.given": _("Delegation given"),
    "delegation.revoked": _("Delegation revoked"),
    "absence.recorded": _("Absence recorded"),
    "absence.ended": _("Absence ended"),
    "deputy.appointed": _("Deputy of an office appointed"),
    "deputy.removed": _("Deputy of an office removed"),
    "grant.proposed": _("Change of rights proposed"),
    "grant.given": _("Right given"),
    "grant.ended": _("Right ended"),
    "grant.refused": _("Change of rights refused"),
    "grant.withdrawn": _("Change of rights withdrawn"),
    "grant.lapsed": _("Change of rights lapsed"),
    "route.drafted": _("Route drafted"),
    "route.changed": _("Route changed"),
    "route.in_force": _("Route put in force"),
    "route.ended": _("Route ended"),
    "upload.received": _("Workbook received"),
    "upload.refused": _("Workbook refused"),
    "attachment.added": _("Evidence attached"),
    "attachment.removed": _("Evidence taken away"),
    "profiles.exported": _("List of people exported"),
    "trail.exported": _("Log exported"),
    "reads.month_closed": _("Month of the read log closed"),
    "reads.month_dropped": _("Month of the read log dropped"),
    "package.made": _("Package to carry made"),
    "package.signed": _("Package to carry signed"),
    "package.written": _("Package to carry written to a stick"),
    "package.answered": _("Receipts of a carried package taken"),
    "package.taken": _("Carried package taken"),
    "package.receipts_made": _("Receipts of a carried package made"),
    "package.receipts_signed": _("Receipts of a carried package signed"),
    "archive.month_dropped": _("Month of the exchange archive dropped"),
    "match.corrected": _("Correction after the population database proposed"),
    "match.disputed": _("Match with the population database disputed"),
    "match.dispute_dropped": _("Dispute about a match given up"),
    "match.asked": _("People compared with the population database again"),
    "matches.exported": _("Work queue of population matching exported"),
    "outcome_code.set": _("Code of the population database explained"),
    "register.put_again": _("People put to a register once more"),
    "mark.proposed": _("Mark “does not leave” proposed"),
    "mark.confirmed": _("Mark “does not leave” confirmed"),
    "mark.refused": _("Mark “does not leave” refused"),
    "mark.lift_proposed": _("Lifting of the mark “does not leave” proposed"),
    "mark.kept": _("Mark “does not leave” kept"),
    "mark.lifted": _("Mark “does not leave” lifted"),
    "delivery.retried": _("Deliveries sent again"),
    "inbound.resumed": _("Received batch resumed"),
    "channel.set": _("Channel set up"),
    "agency.set": _("Agency set up"),
    "account.logged_in": _("Logged in"),
    "account.logged_out": _("Device logged out"),
    "account.refused": _("Login refused: wrong password"),
    "account.code_refused": _("Login refused: wrong code"),
    "account.locked": _("Account locked for 15 minutes"),
    "account.proved": _("Confirmed anew who they are"),
    "account.password_changed": _("Password changed"),
    "account.password_set": _("Password set by an administrator"),
    "account.factor_added": _("Second factor set up"),
    "account.factor_removed": _("Second factor removed"),
    "account.factors_taken_back": _("Second factor taken back"),
    "account.codes_renewed": _("Recovery codes renewed"),
    "account.linked": _("Tied to the single sign-on"),
    "account.made": _("Account opened"),
    "account.changed": _("Account changed"),
}


@dataclass(frozen=True, kw_only=True)
class TrailFilter:
    """What is asked for. `keys` are records (None: any), `who` part of the name or the login of an account, `unit` covers its subtree.

    `since` and `until` are days in Viet Nam, both included.
    """

    keys: Collection[UUID] | None = None
    who: str = ""
    action: str = ""
    unit: OrgUnit | None = None
    since: date | None = None
    until: date | None = None


def read_events(*, user: User, wanted: TrailFilter) -> QuerySet[ReadEvent]:
    """Lines of the read log in the units where `user` may audit, newest first, with actor and unit."""
    return _wanted(scope.scoped(ReadEvent.objects.all(), user, Action.AUDIT), wanted)


def audit_events(*, user: User, wanted: TrailFilter) -> QuerySet[AuditEvent]:
    """Lines of the audit trail, the same way; with the request that they are about."""
    return _wanted(scope.scoped(AuditEvent.objects.select_related("request"), user, Action.AUDIT), wanted)


def reads_of(*, kind: str, key: UUID) -> QuerySet[ReadEvent]:
    """Who read one record, newest first: for the person whose file it is. Whether the caller is that person is the caller's question."""
    return ReadEvent.objects.filter(kind=kind, key=key).select_related("actor", "unit").order_by("-id")


def trail_page(lines: QuerySet[Line], *, before: int | None = None) -> tuple[Sequence[Line], int | None]:
    """100 lines below the number `before`, and the number to ask the next page with, or None."""
    found = list((lines if before is None else lines.filter(id__lt=before))[: PAGE + 1])
    return found[:PAGE], found[PAGE - 1].pk if len(found) > PAGE else None


def trail_rows(lines: QuerySet[Line]) -> Iterator[Line]:
    """Up to 100,000 lines for an export, by keyset, so that no cursor stays open while the other side is slow."""
    before: int | None = None
    for _turn in range(EXPORT_LIMIT // PAGE):
        found, before = trail_page(lines, before=before)
        yield from found
        if before is None:
            return


def actions_seen() -> list[tuple[str, str | Promise]]:
    """The deeds to choose from."""
    return sorted(DEEDS.items(), key=lambda one: str(one[1]))


def _wanted(lines: QuerySet[Line], wanted: TrailFilter) -> QuerySet[Line]:
    lines = lines.select_related("actor", "unit").order_by("-id")
    if wanted.keys is not None:
        lines = lines.filter(key__in=wanted.keys)
    if wanted.who:
        lines = lines.filter(actor__in=_accounts(wanted.who))
    if wanted.action:
        lines = lines.filter(action=wanted.action)
    if wanted.unit is not None:
        lines = lines.filter(unit__tree_id=wanted.unit.tree_id, unit__lft__range=(wanted.unit.lft, wanted.unit.rght))
    if wanted.since:
        lines = lines.filter(at__gte=_begin(wanted.since))
    if wanted.until:
        lines = lines.filter(at__lt=_begin(wanted.until + timedelta(days=1)))
    return lines


def _begin(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=clock.ZONE)


def _accounts(text: str) -> list[int]:
    named = Q(username__iexact=text) | Q(whole__icontains=text)
    accounts = User.objects.annotate(whole=Concat("last_name", Value(" "), "first_name")).filter(named)
    return list(accounts.values_list("pk", flat=True)[:PEOPLE])
