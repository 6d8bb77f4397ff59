"""Ask what the national platform holds of this agency's units or people; with --take put what is offered into requests of somebody's."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Count

from exchange.choices import PullState
from exchange.contract import PROFILE_KIND, UNIT_KIND
from exchange.models import Pull
from exchange.selectors.pull_causes import line_remedy
from exchange.services.pull_staging import offered, pull_stage
from exchange.services.pulling import pull_ask, pull_drive
from orgtree.models import OrgUnit, User
from workflows.errors import GateError

KINDS = {"units": UNIT_KIND, "people": PROFILE_KIND}


class Command(BaseCommand):
    help = "Asks the national platform what it holds: prints how many records are equal, missing here or different. Goes on where a killed run stood."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("kind", choices=list(KINDS), help="units first: people of units that do not stand here have to wait")
        parser.add_argument("--unit", help="the code of a unit: of it and all below it; without it of the whole agency")
        parser.add_argument("--take", metavar="LOGIN", help="put what is offered into change requests of this person, who may edit these records")

    def handle(self, *args: Any, kind: str, unit: str | None, take: str | None, **options: Any) -> None:
        place = OrgUnit.objects.filter(code=unit).first() if unit else None
        if unit and place is None:
            raise CommandError(f"there is no unit {unit}")
        stager = User.objects.filter(username=take, is_active=True).first() if take else None
        if take and stager is None:
            raise CommandError(f"there is no active account {take}")
        try:
            pull = self._driven(pull_ask(actor=None, kind=KINDS[kind], unit=place))
            self._tell(pull)
            if stager is not None and offered(pull).exists():
                pull_stage(actor=stager, pull=pull)
                pull = self._driven(pull)
        except GateError as error:
            raise CommandError(str(error) or error.code) from error
        for request in pull.records.exclude(request=None).order_by().values_list("request__title", "request").distinct():
            self.stdout.write(f"{request[0]}: {request[1]}")

    def _driven(self, pull: Pull) -> Pull:
        pull = pull_drive(pull_id=pull.pk)
        if pull.state != PullState.READY:
            remedy = line_remedy(pull.error_code, given_up=pull.state == PullState.FAILED)
            raise CommandError(f"{pull.pk}: {pull.get_state_display()}. {remedy.title}. {remedy.advice} {pull.error_text}".strip())
        return pull

    def _tell(self, pull: Pull) -> None:
        counts = dict(pull.records.order_by("what").values_list("what").annotate(count=Count("pk")))
        causes = dict(pull.records.exclude(cause="").order_by("cause").values_list("cause").annotate(count=Count("pk")))
        self.stdout.write(json.dumps({"pull": str(pull.pk), "equal": pull.equal, "only_here": pull.only_here, **counts, "cannot": causes}))
