"""Signatures older than 90 days: the hub's operator may allow them to one agency for a time, and has to say why.

A first delivery of everything sends requests in the order in which they were applied, and the oldest may have been signed years
ago. What is judged stays the same: was the certificate valid, and not revoked, when the agency's server received the signature?
"""

from __future__ import annotations

from datetime import date, timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from exchange.contract import RECEIVED_AT_PAST
from exchange.models import Agency
from orgtree import clock, scope
from orgtree.choices import Action
from orgtree.models import User
from workflows.errors import NotAllowed
from workflows.services.audit import audit

MOST_DAYS = 3_660  # a certificate and its revocation lists are kept ten years
LONGEST = timedelta(days=366)
REASON_LENGTH = 10


def lateness_grant(*, actor: User | None, agency: Agency, days: int, until: date, reason: str) -> Agency:
    """Let `agency` send signatures up to `days` old, until and with the day `until` (actor None: from a shell on the server).

    Raises NotAllowed for all but superusers, ValidationError naming the field.
    """
    if actor is not None and not scope.can(actor, Action.OPERATE, None):
        raise NotAllowed
    problems = {}
    if not RECEIVED_AT_PAST.days <= days <= MOST_DAYS:
        problems["days"] = _("Name a number of days from %(least)s to %(most)s.") % {"least": RECEIVED_AT_PAST.days, "most": MOST_DAYS}
    if not clock.today() <= until <= clock.today() + LONGEST:
        problems["until"] = _("Name a day from today on, at most a year ahead.")
    if len(reason.strip()) < REASON_LENGTH:
        problems["reason"] = _("Say in a sentence why; it is kept.")
    if problems:
        raise ValidationError(problems)
    with transaction.atomic():
        agency = Agency.objects.select_for_update(no_key=True, of=("self",)).get(pk=agency.pk)
        agency.late_days, agency.late_until, agency.late_reason = days, until, reason.strip()[:300]
        agency.save(update_fields=["late_days", "late_until", "late_reason"])
        audit(actor=actor, action="agency.lateness_granted", agency=agency.code, days=days, until=until.isoformat(), reason=agency.late_reason)
    return agency
