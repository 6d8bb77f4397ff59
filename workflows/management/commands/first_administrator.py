from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from orgtree import clock
from orgtree.models import OrgUnit, User
from orgtree.services.grants import GrantError, latest_end
from workflows.errors import GateError
from workflows.services.grants import grant_first


class Command(BaseCommand):
    help = (
        "Makes a user administrator of a unit and all below it, where fewer than two people can give grants yet. "
        "From then on one proposes and another confirms, in the program. Audited."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--username", required=True)
        parser.add_argument("--unit", required=True, help="code of the unit, for example H15")
        parser.add_argument("--until", type=date.fromisoformat, help="day on which the grant ends, YYYY-MM-DD; as late as allowed if left out")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["username"], is_active=True).first()
        unit = OrgUnit.objects.filter(code=options["unit"]).first()
        if user is None or unit is None:
            missing = f"active user {options['username']!r}" if user is None else f"unit with the code {options['unit']!r}"
            raise CommandError(f"there is no {missing}")
        until = options["until"] or latest_end(clock.today())
        try:
            grant_first(user=user, unit=unit, valid_to=until, system="first_administrator")
        except (GateError, GrantError) as refused:
            raise CommandError(str(refused)) from refused
        self.stdout.write(f"{user.username} is administrator of {unit.name} until {until:%Y-%m-%d}")
