"""What happens at an agency beside its operator, in a process of its own: `python -m tests.journeys.letters FOLDER hire|correct NAME`.

Somebody is hired, or their file is corrected, through the agency's gate and signed; delivering it is the workers' business.
"""

from __future__ import annotations

import sys
from pathlib import Path

import django

from tests.faults.filling import office_open


def hire(folder: Path, name: str) -> None:
    from django.conf import settings

    from orgtree.models import OrgUnit
    from registry.models import StaffProfile
    from tests.exchange.sender import Sender

    top = OrgUnit.objects.get(code=settings.AUTHORITY, parent=None)
    sender = Sender(settings.AUTHORITY, b"", root=top.pk, office=OrgUnit.objects.get(parent=top).pk, people_made=StaffProfile.objects.count())
    office_open(folder).apply(sender.person(birth_name=name))


def correct(folder: Path, name: str) -> None:
    from registry.models import StaffProfile
    from workflows.services.staging import Proposal, request_stage

    office, profile = office_open(folder), StaffProfile.objects.get(birth_name=name)
    proposal = Proposal(kind="staff_profile", key=profile.pk, patch={"phone": "0911222333"})
    staged = request_stage(actor=office.author, unit=None, title="Đính chính", proposals=[proposal])
    assert staged.request is not None, staged.returned
    office.carry(staged.request)


if __name__ == "__main__":
    django.setup()
    {"hire": hire, "correct": correct}[sys.argv[2]](Path(sys.argv[1]), sys.argv[3])
