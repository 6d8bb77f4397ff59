"""On the hub: verify that every version rests on what its agency signed."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from exchange.services.evidence import verify_evidence


class Command(BaseCommand):
    help = "Verify every agency's signature and the proof of every version that this hub holds."

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.ROLE != "hub":
            raise CommandError("evidence of agencies is kept on the hub: set HOSO_ROLE=hub")
        outcome = verify_evidence()
        for damage in outcome.damages:
            self.stderr.write(f"{damage.place}: {damage.what}")
        if not outcome.ok:
            raise CommandError(f"{len(outcome.damages)} damages were found")
        self.stdout.write(f"{outcome.versions} versions rest on {outcome.manifests} signed manifests")
