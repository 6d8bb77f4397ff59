from typing import Any

from django.core.management.base import BaseCommand, CommandError

from orgtree.models import OrgUnit
from orgtree.selectors.integrity import tree_problems


class Command(BaseCommand):
    help = "Verifies the organisation tree: nested bounds, levels, tree numbers, no circle. Status 1 when something is wrong."

    def handle(self, *args: Any, **options: Any) -> None:
        problems = tree_problems()
        for one in problems:
            self.stderr.write(f"{one.code} {one.unit} {one.detail}")
        if problems:
            raise CommandError(f"{len(problems)} problems in the organisation tree")
        self.stdout.write(f"{OrgUnit.objects.count()} units, all in order")
