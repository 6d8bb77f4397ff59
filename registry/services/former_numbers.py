"""Numbers of old identity cards: proposing one, and withdrawing one that is wrong. Both take the gate, like every change of a file."""

from __future__ import annotations

from datetime import date

from django.utils.translation import gettext as _

from orgtree.models import User
from registry.models import FormerNumber, StaffProfile
from registry.targets.former_numbers import FormerNumberTarget, former_key
from workflows.choices import Act
from workflows.services.staging import Proposal, Staged, request_stage


def former_number_propose(
    *, actor: User, profile: StaffProfile, number: str, issued_on: date | None = None, issued_by: str = "", source: str = ""
) -> Staged:
    """Propose that `profile`'s person once had this number; an entry that was withdrawn holds again. Findings are returned, never raised."""
    patch = {
        "staff": str(profile.pk),
        "unit": str(profile.using_unit_id),
        "number": number or None,
        "issued_on": issued_on.isoformat() if issued_on else None,
        "issued_by": issued_by or None,
        "source": source or None,
        "withdrawn": None,
    }
    proposal = Proposal(kind=FormerNumberTarget.kind, key=former_key(profile.pk, number), patch=patch, ref=1)
    title = _("Number of the old identity card of {name}").format(name=profile.birth_name)[:300]
    return request_stage(actor=actor, unit=profile.using_unit, title=title, proposals=[proposal])


def former_number_withdraw(*, actor: User, profile: StaffProfile, entry: FormerNumber, reason: str) -> Staged:
    """Propose that the entry is wrong: it stays in the ledger and is found no more. Raises ReasonMissing without a reason."""
    patch = {"withdrawn": reason.strip()[:300] or None, "unit": str(profile.using_unit_id)}
    proposal = Proposal(kind=FormerNumberTarget.kind, key=entry.pk, patch=patch, base_version=entry.version, ref=1)
    title = _("Wrong number of an old identity card of {name}").format(name=profile.birth_name)[:300]
    return request_stage(actor=actor, unit=profile.using_unit, title=title, proposals=[proposal], act=Act.CORRECT, reason=reason)
