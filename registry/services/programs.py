"""Programs that workbooks come from: named by whoever keeps the pairs of codes, remembered for a unit's files with the same headings."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from orgtree.models import OrgUnit, User
from orgtree.text import normalise, plain
from registry.models import SenderProgram, SourceProgram
from registry.program_codes import pair_keeper
from workflows.errors import GateError, NotAllowed
from workflows.services.audit import audit

LONGEST_NAME, LONGEST_CODE = 100, 40


class ProgramNameWrong(GateError):
    code = "PROGRAM_NAME_WRONG"
    text = _("Give the program a name with a letter or a digit, of at most 100 characters, that no other program has.")


def program_add(*, actor: User, name: str) -> SourceProgram:
    """Name a program, or offer one of that name again. Raises NotAllowed, ProgramNameWrong."""
    if not pair_keeper().may_pair(actor):
        raise NotAllowed
    named = normalise(name)
    code = slugify(plain(named))[:LONGEST_CODE].strip("-")
    if not code or len(named) > LONGEST_NAME:
        raise ProgramNameWrong
    if (former := SourceProgram.objects.filter(name=named, active=False).first()) is not None:
        return program_offer(actor=actor, program=former, active=True)
    try:
        with transaction.atomic():
            program = SourceProgram.objects.create(code=code, name=named, added_by=actor)
            audit(actor=actor, action="source_program.added", program=code, name=named)
    except IntegrityError as error:
        raise ProgramNameWrong from error
    return program


def program_offer(*, actor: User, program: SourceProgram, active: bool) -> SourceProgram:
    """Offer a program for new workbooks, or no longer; its pairs stay. Raises NotAllowed."""
    if not pair_keeper().may_pair(actor):
        raise NotAllowed
    with transaction.atomic():
        if SourceProgram.objects.filter(pk=program.pk, active=not active).update(active=active):
            audit(actor=actor, action="source_program.offered" if active else "source_program.withdrawn", program=program.code)
    program.active = active
    return program


def program_remembered(*, unit: OrgUnit, signature: str) -> SourceProgram | None:
    """The program that the unit's last workbook with these headings came from; None for national codes, and for one that is given up."""
    found = SenderProgram.objects.select_related("program").filter(unit=unit, signature=signature, program__active=True).first()
    return found.program if found else None


def program_remember(*, actor: User, unit: OrgUnit, signature: str, program: SourceProgram | None) -> None:
    """Remember it for the next workbook with these headings; None forgets."""
    if program is None:
        SenderProgram.objects.filter(unit=unit, signature=signature).delete()
    else:
        SenderProgram.objects.update_or_create(unit=unit, signature=signature, defaults={"program": program, "actor": actor})
