"""Fills an agency in a process of its own: `python -m tests.faults.filling PEOPLE FOLDER HUB_URL CLIENT`, in the agency's environment.

Applies the agency's tree and then people through its gate, signed, in requests of 40, with second versions of every fifth
person, so that versions have to follow one another; then sets the channel to the hub. Prints nothing; fails loudly.
"""

from __future__ import annotations

import sys
from pathlib import Path

import django

REQUEST = 40
BATCH, TIMEOUT = 10, 2  # many small batches, and a short lease for those that a kill leaves behind


def fill(people: int, folder: Path) -> None:
    from config.demo.pki import DemoAuthority, Person
    from tests.exchange.office import Office
    from tests.exchange.sender import Sender
    from tests.factories import superuser_make
    from tests.workflows.certificates import PIN

    p12 = DemoAuthority(folder / "pki").issue(Person("approver", "Nguyễn Văn An", "066075001234", "Đắk Lắk", "H15"), pin=PIN)
    office = Office(superuser_make("author"), superuser_make("approver", personal_number="066075001234"), p12)
    sender = Sender("H15", b"")
    office.apply(*sender.units())
    made = [sender.person() for _ in range(people)]
    for start in range(0, people, REQUEST):
        office.apply(*made[start : start + REQUEST])
        office.apply(*[one.again(phone="0987654321") for one in made[start : start + REQUEST : 5]])


def introduce(hub_url: str, client: str) -> None:
    from exchange.services.channels import channel_set

    channel_set(actor=None, code="national-hub", name="Hub", base_url=hub_url, client_id=client, timeout_seconds=TIMEOUT, batch_size=BATCH)


if __name__ == "__main__":
    django.setup()
    fill(int(sys.argv[1]), Path(sys.argv[2]))
    introduce(sys.argv[3], sys.argv[4])
