"""Print an OpenAPI document as it is served: the hub's (docs/api/openapi.json), or with --shared that of files shared (docs/api/shared.json)."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from exchange.api import api
from exchange.shared_api import api as shared_api


class Command(BaseCommand):
    help = "Print the OpenAPI document of the hub's API, or of the one for programs of other agencies."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--shared", action="store_true", help="the API for programs of other agencies")

    def handle(self, *args: Any, **options: Any) -> None:
        one, prefix = (shared_api, "/api/shared/v1/") if options["shared"] else (api, "/api/v1/")
        self.stdout.write(json.dumps(one.get_openapi_schema(path_prefix=prefix), indent=1, ensure_ascii=False))
