"""Print the hub's OpenAPI document, as it is served and committed in docs/api/openapi.json."""

import json
from typing import Any

from django.core.management.base import BaseCommand

from exchange.api import api


class Command(BaseCommand):
    help = "Print the OpenAPI document of the hub's API."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(json.dumps(api.get_openapi_schema(path_prefix="/api/v1/"), indent=1, ensure_ascii=False))
