"""On an agency: the population database, or the Party database."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from exchange.choices import ChannelKind
from exchange.management.way_options import add_way, way_asked
from exchange.services.registers import register_set

NAMES = {ChannelKind.POPULATION: "Cơ sở dữ liệu quốc gia về dân cư", ChannelKind.PARTY: "Cơ sở dữ liệu đảng viên"}


class Command(BaseCommand):
    help = "Connect the population database or the Party database, and begin. The client secret comes from HOSO_CHANNEL_SECRETS."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("kind", nargs="+", choices=[one.value for one in NAMES], help="one of them, or both at the same address")
        parser.add_argument("--code", default="", help="the channel's code, as in HOSO_CHANNEL_SECRETS; the kind when left out")
        parser.add_argument("--name", default="")
        parser.add_argument("--url", required=True, help="the address without a path, for example https://dancu.example.vn")
        parser.add_argument("--client-id", required=True)
        parser.add_argument("--timeout", type=int, default=30, help="seconds that a call may take")
        parser.add_argument("--batch-size", type=int, default=200, help="people in one call; fewer on a weak line")
        add_way(parser)

    def handle(self, *args: Any, kind: list[str], code: str, name: str, url: str, client_id: str, **options: Any) -> None:
        for one in kind:
            ours = code or one
            if ours not in settings.CHANNEL_SECRETS:
                raise CommandError(f"HOSO_CHANNEL_SECRETS names no secret for the channel {ours}")
            called = name or NAMES[ChannelKind(one)]
            line = {"base_url": url, "client_id": client_id, "timeout_seconds": options["timeout"], "batch_size": options["batch_size"]}
            try:
                channel = register_set(actor=None, kind=ChannelKind(one), code=ours, name=called, **line, **way_asked(options))
            except ValidationError as error:
                raise CommandError("; ".join(error.messages)) from error
            self.stdout.write(f"{channel} ({channel.code}) at {channel.base_url}")
