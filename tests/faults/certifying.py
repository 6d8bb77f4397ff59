"""What both sides do with a certificate of equality, each in a process of its own: `python -m tests.faults.certifying FOLDER agency|hub|fetch`."""

from __future__ import annotations

import sys
from pathlib import Path

import django

from tests.faults.filling import office_open


def agency(folder: Path) -> None:
    """The agency signs what its last comparison stated."""
    from exchange.models import Reconciliation
    from exchange.services.reconciling import reconciliation_sign
    from orgtree import clock
    from tests.workflows.certificates import sign_freely

    office, run = office_open(folder), Reconciliation.objects.filter(state="equal").latest("started_at")
    reconciliation_sign(actor=office.approver, run=run, signature=sign_freely(office.p12, bytes(run.statement), signed_at=clock.now()))


def hub(folder: Path) -> None:
    """The hub signs every certificate that it was sent."""
    from exchange.models import EqualityCertificate
    from exchange.services.inbound_digests import certificate_sign
    from orgtree import clock
    from tests.workflows.certificates import sign_freely

    office = office_open(folder)
    for one in EqualityCertificate.objects.filter(hub_signature=b""):
        signature = sign_freely(office.p12, bytes(one.statement), signed_at=clock.now())
        certificate_sign(actor=office.approver, certificate=one, signature=signature)


def fetch(folder: Path) -> None:
    from exchange.models import Reconciliation
    from exchange.services.reconciling import signatures_exchange

    run = signatures_exchange(run=Reconciliation.objects.filter(state="equal").latest("started_at"))
    assert run.agency_signature, "our own signature is lost"
    assert run.hub_signature, "the hub's signature did not come back"


if __name__ == "__main__":
    django.setup()
    {"agency": agency, "hub": hub, "fetch": fetch}[sys.argv[2]](Path(sys.argv[1]))
