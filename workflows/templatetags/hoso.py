"""What templates need beyond Django's: chips for states, and whole numbers with their thousands."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import template
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

from orgtree.models import User
from workflows.choices import CertificateState, GrantState, ItemState, JobState, MailState, RequestState, Severity
from workflows.selectors.notices import unread_count

register = template.Library()

GOOD, WARN, BAD, BUSY, QUIET = "hs-chip-good", "hs-chip-warn", "hs-chip-bad", "hs-chip-busy", ""
LOOKS: dict[type, dict[str, str]] = {
    RequestState: {
        RequestState.READY: BUSY,
        RequestState.IN_REVIEW: WARN,
        RequestState.APPROVED: BUSY,
        RequestState.APPLYING: BUSY,
        RequestState.SCHEDULED: BUSY,
        RequestState.RECALLED: BAD,
        RequestState.CHECKING: BUSY,
        RequestState.APPLIED: GOOD,
        RequestState.RETURNED: BAD,
        RequestState.CONFLICT: BAD,
        RequestState.FAILED: BAD,
    },
    ItemState: {ItemState.APPLIED: GOOD, ItemState.EXCLUDED: BAD, ItemState.CONFLICT: BAD},
    Severity: {Severity.ERROR: BAD, Severity.WARNING: WARN},
    MailState: {MailState.QUEUED: WARN, MailState.SENT: GOOD, MailState.PARKED: BAD},
    GrantState: {GrantState.PROPOSED: WARN, GrantState.CONFIRMED: GOOD, GrantState.REFUSED: BAD},
    CertificateState: {CertificateState.ASKED: WARN, CertificateState.PROVED: WARN, CertificateState.IN_FORCE: GOOD, CertificateState.REFUSED: BAD},
    JobState: {JobState.RUNNING: BUSY, JobState.DONE: GOOD, JobState.FAILED: BAD},
}
KINDS = {
    "request": RequestState,
    "item": ItemState,
    "severity": Severity,
    "job": JobState,
    "grant": GrantState,
    "mail": MailState,
    "certificate": CertificateState,
}


@register.simple_tag
def unread_notices(user: User) -> int:
    """How many notices the bell counts."""
    return unread_count(user)


@register.simple_tag
def last_day(period: Any) -> str:
    """The last day of what is in force for [valid_from, valid_to): people name the last day, the program the first one after it."""
    return date_format(period.valid_to - timedelta(days=1), "SHORT_DATE_FORMAT")


@register.simple_tag
def state_chip(kind: str, value: str) -> SafeString:
    """The state of a request, item or job, or a severity, as a chip with its word."""
    choices = KINDS[kind]
    return chip(choices(value).label, LOOKS[choices].get(choices(value), QUIET))


@register.simple_tag
def chip(text: str, look: str = "") -> SafeString:
    """`look`: "hs-chip-good", "hs-chip-warn", "hs-chip-bad", "hs-chip-busy" or nothing."""
    return format_html('<span class="hs-chip {}">{}</span>', look, text)
