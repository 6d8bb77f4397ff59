"""Beginning the file of somebody who has none: a draft over an empty document, written and sent like any other."""

from __future__ import annotations

from uuid import uuid4

from django.utils.translation import gettext as _

from orgtree import clock, scope
from orgtree.choices import Action
from orgtree.models import OrgUnit, User
from orgtree.text import normalise
from registry.models import Draft, StaffProfile
from registry.selectors.staff import citizen_number, staff_by_number
from workflows.choices import Act
from workflows.errors import NotAllowed


class BeginRefused(ValueError):
    """Why no file is begun, as a sentence. `file` is the one that the person has already, where the author may see it."""

    def __init__(self, text: str, file: StaffProfile | None = None) -> None:
        self.file = file
        super().__init__(text)


def file_begin(*, actor: User, unit: OrgUnit, name: str, number: str) -> Draft:
    """Begin a file in a unit: of whom, by name and personal identification number. Nothing is on record until the draft has gone its way.

    What the author began with this number and did not send comes back instead of a second one. Raises BeginRefused for a name or a number
    that is none, and for a person who has a file; NotAllowed in a unit where the author may not edit.
    """
    if not scope.can(actor, Action.EDIT, unit):
        raise NotAllowed
    name, digits = normalise(name), citizen_number(number)
    if not name:
        raise BeginRefused(_("Write the full name at birth, as on the identity card."))
    if digits is None:
        raise BeginRefused(
            _("“{value}” is not a personal identification number: it has 12 digits. Copy them from the identity card.").format(value=number)
        )
    if (known := staff_by_number(user=actor, number=digits)) is not None:
        raise BeginRefused(_("{name} has a file with this number already.").format(name=known.birth_name), known)
    begun = Draft.objects.filter(user=actor, unit=unit, request=None, cells__citizen_id=digits).first()
    cells = {"birth_name": name[:100], "citizen_id": digits}
    return begun or Draft.objects.create(user=actor, new_file=uuid4(), unit=unit, act=Act.RECORD, base_version=0, cells=cells, saved_at=clock.now())
