"""Numbers of old identity cards: whose they are, and what is recorded of one person's."""

from __future__ import annotations

import re
from collections.abc import Sequence

from registry.models import FormerNumber, StaffProfile

_GAPS = re.compile(r"[\s.\-]")
_FORM = re.compile(r"[0-9]{9}")


def old_card_number(text: str) -> str | None:
    """The number of an old identity card that `text` is: 9 digits, however they are grouped. None for anything else."""
    digits = _GAPS.sub("", text)
    return digits if _FORM.fullmatch(digits) else None


def former_numbers(profile: StaffProfile) -> Sequence[FormerNumber]:
    """All that was recorded of the person, what holds first, then what was withdrawn."""
    return sorted(FormerNumber.objects.filter(staff=profile).order_by("issued_on", "number"), key=lambda one: bool(one.withdrawn))
