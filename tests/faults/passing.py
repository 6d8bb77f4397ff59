"""What two agencies do when a person passes from one to the other, each in a process of its own in its own environment:

python -m tests.faults.passing FOLDER release KEY TO | take KEY | accept KEY
"""

from __future__ import annotations

import sys
from pathlib import Path
from uuid import UUID

import django

from tests.faults.filling import office_open


def release(folder: Path, key: UUID, to: str) -> None:
    from exchange.services.releases import release_propose
    from orgtree import clock
    from registry.models import StaffProfile

    office, day = office_open(folder), clock.today()
    staged = release_propose(
        actor=office.author,
        profile=StaffProfile.objects.get(pk=key),
        to_agency=to,
        to_agency_name=f"Tỉnh {to}",
        effective_on=day,
        decision_number="12/QĐ-UBND",
        decision_date=day,
    )
    assert staged.request is not None, staged.returned
    office.carry(staged.request)


def take(folder: Path, key: UUID) -> None:
    from exchange.models import IncomingTransfer
    from exchange.services.arrivals import arrival_wish

    arrival_wish(actor=office_open(folder).author, arrival=IncomingTransfer.objects.get(person=key), wish="take")


def accept(folder: Path, key: UUID) -> None:
    from exchange.models import IncomingTransfer
    from exchange.services.acceptance import Place
    from exchange.services.arrivals import arrival_propose
    from orgtree.models import OrgUnit

    office = office_open(folder)
    root = OrgUnit.objects.get(parent=None)
    place = Place(root, OrgUnit.objects.get(parent=root), "Chuyên viên")
    staged = arrival_propose(actor=office.author, arrival=IncomingTransfer.objects.get(person=key), place=place)
    assert staged.request is not None, staged.returned
    office.carry(staged.request)


if __name__ == "__main__":
    django.setup()
    folder, act, key, *more = sys.argv[1:]
    {"release": release, "take": take, "accept": accept}[act](Path(folder), UUID(key), *more)
