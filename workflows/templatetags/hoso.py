"""What templates need beyond Django's: chips for states, and whole numbers with their thousands."""

from __future__ import annotations

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from workflows.choices import ItemState, JobState, RequestState, Severity

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
    JobState: {JobState.RUNNING: BUSY, JobState.DONE: GOOD, JobState.FAILED: BAD},
}
KINDS = {"request": RequestState, "item": ItemState, "severity": Severity, "job": JobState}


@register.simple_tag
def state_chip(kind: str, value: str) -> SafeString:
    """The state of a request, item or job, or a severity, as a chip with its word."""
    choices = KINDS[kind]
    return chip(choices(value).label, LOOKS[choices].get(choices(value), QUIET))


@register.simple_tag
def chip(text: str, look: str = "") -> SafeString:
    """`look`: "hs-chip-good", "hs-chip-warn", "hs-chip-bad", "hs-chip-busy" or nothing."""
    return format_html('<span class="hs-chip {}">{}</span>', look, text)
