"""Compare what this agency holds with what the other side holds of it; status 1 while they differ."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Count

from exchange.choices import ReconciliationState
from exchange.models import Channel
from exchange.services.reconciling import reconcile


class Command(BaseCommand):
    help = "Compare with the other side: prints the statement of equality, or how many records differ in what way."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--channel", default="national-hub")

    def handle(self, *args: Any, channel: str, **options: Any) -> None:
        line = Channel.objects.filter(code=channel).first()
        if line is None:
            raise CommandError(f"there is no channel {channel}; channel_set makes one")
        run = reconcile(actor=None, channel=line)
        if run.state == ReconciliationState.FAILED:
            raise CommandError(f"could not be compared: {run.error}")
        if run.state == ReconciliationState.EQUAL:
            self.stdout.write(bytes(run.statement).decode())
            return
        counts = dict(run.differences.order_by("what").values_list("what").annotate(count=Count("pk")))
        self.stdout.write(json.dumps({"found": run.found, **counts}))
        raise CommandError("the two sides differ; the page of reconciliations lists the records")
