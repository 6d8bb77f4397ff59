"""What a test has an agency do, in a process of its own in the agency's environment: `python -m tests.faults.filling PEOPLE FOLDER HUB_URL CLIENT`.

Applies the agency's tree and then people through its gate, signed, in requests of 40, with second versions of every fifth
person, so that versions have to follow one another; then sets the channel to the hub. Prints nothing; fails loudly.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import django

if TYPE_CHECKING:
    from tests.exchange.office import Office

REQUEST = 40
BATCH, TIMEOUT = 10, 2  # many small batches, and a short lease for those that a kill leaves behind


def fill(people: int, folder: Path) -> None:
    from django.conf import settings

    from tests.exchange.sender import Sender

    office, sender = office_open(folder), Sender(settings.AUTHORITY, b"")
    office.apply(*sender.units())
    made = [sender.person() for _ in range(people)]
    for start in range(0, people, REQUEST):
        office.apply(*made[start : start + REQUEST])
        office.apply(*[one.again(phone="0987654321") for one in made[start : start + REQUEST : 5]])


def office_open(folder: Path) -> Office:
    """Two people who carry changes through this agency's gate, made if they are not there; the authority is kept in `folder`."""
    from django.conf import settings

    from config.demo.pki import DemoAuthority, Person
    from orgtree.models import User
    from tests.exchange.office import Office
    from tests.factories import superuser_make
    from tests.workflows.certificates import PIN

    code, number = settings.AUTHORITY, "066075001234"
    p12 = DemoAuthority(folder / "pki").issue(Person("approver", "Nguyễn Văn An", number, f"Tỉnh {code}", code), pin=PIN)
    known = {one.username: one for one in User.objects.filter(username__in=("author", "approver"))}
    author = known.get("author") or superuser_make("author")
    return Office(author, known.get("approver") or superuser_make("approver", personal_number=number), p12)


def introduce(hub_url: str, client: str) -> None:
    from exchange.services.channels import channel_set

    channel_set(actor=None, code="national-hub", name="Hub", base_url=hub_url, client_id=client, timeout_seconds=TIMEOUT, batch_size=BATCH)


if __name__ == "__main__":
    django.setup()
    fill(int(sys.argv[1]), Path(sys.argv[2]))
    introduce(sys.argv[3], sys.argv[4])
