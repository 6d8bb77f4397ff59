"""On the hub: how many files a body reported to have."""

from __future__ import annotations

from datetime import date

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from exchange.models import Expectation, ExpectedBody
from exchange.selectors.sight import operates_line
from orgtree import clock
from orgtree.models import User
from workflows.errors import NotAllowed
from workflows.services.audit import audit

MOST_FILES = 5_000_000


def expectation_record(*, actor: User | None, body: ExpectedBody, day: date, files: int, source: str) -> Expectation:
    """Write down a report (actor None: from a shell on the server). Raises NotAllowed, ValidationError naming the field."""
    if actor is not None and not operates_line(actor):
        raise NotAllowed
    problems = {}
    if not 0 <= files <= MOST_FILES:
        problems["files"] = _("Name a number of files from 0 to %s.") % MOST_FILES
    if day > clock.today():
        problems["day"] = _("The day lies in the future.")
    if not source.strip():
        problems["source"] = _("Say where the number comes from, for example the number of the report.")
    if problems:
        raise ValidationError(problems)
    with transaction.atomic():
        made = Expectation.objects.create(body=body, day=day, files=files, source=source.strip()[:200], actor=actor)
        audit(actor=actor, action="expectation.recorded", body=body.name, files=files, day=day.isoformat())
    return made
