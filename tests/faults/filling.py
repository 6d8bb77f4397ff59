"""Fills an agency in a process of its own: `python -m tests.faults.filling PEOPLE FOLDER`, in the agency's environment.

Applies the agency's tree and then people through its gate, signed, in requests of 40, with second versions of every fifth
person, so that versions have to follow one another. Prints nothing; fails loudly.
"""

from __future__ import annotations

import sys
from pathlib import Path

import django

REQUEST = 40


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


if __name__ == "__main__":
    django.setup()
    fill(int(sys.argv[1]), Path(sys.argv[2]))
