"""Prints the JSON Schema of the staff profile, as published in docs/schema/staff-profile.v1.json."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand

from registry.schema import STAFF_PROFILE


def published() -> str:
    """The schema as the published file holds it, with a newline at its end."""
    return json.dumps(STAFF_PROFILE.json_schema(), ensure_ascii=False, indent=1, sort_keys=True) + "\n"


class Command(BaseCommand):
    help = "Prints the JSON Schema of staff_profile/1: manage.py profile_schema > docs/schema/staff-profile.v1.json"

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(published(), ending="")
