"""On an agency: where to send."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from exchange.choices import Transport
from exchange.management.way_options import add_way, way_asked
from exchange.services.channels import channel_set

WITHOUT_SECRET = (Transport.AGENT_NODE, Transport.CARRIED)


class Command(BaseCommand):
    help = "Create or change a channel and start sending, unless it is to hold. Its client secret comes from HOSO_CHANNEL_SECRETS."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--code", default="national-hub", help="the channel's code, as in HOSO_CHANNEL_SECRETS")
        parser.add_argument("--name", default="Nền tảng quốc gia")
        parser.add_argument("--url", required=True, help="the hub's address without a path, for example https://hub.example.vn")
        parser.add_argument("--client-id", required=True)
        parser.add_argument("--timeout", type=int, default=30, help="seconds that a call may take")
        parser.add_argument("--batch-size", type=int, default=200, help="people in one call; fewer on a weak line")
        parser.add_argument(
            "--hold", action="store_true", help="do not send yet: an operator tries the line first, and begins on the page “Joining the hub”"
        )
        add_way(parser)

    def handle(self, *args: Any, code: str, name: str, url: str, client_id: str, hold: bool, **options: Any) -> None:
        way = way_asked(options)
        if code not in settings.CHANNEL_SECRETS and way["transport"] not in WITHOUT_SECRET:
            raise CommandError(f"HOSO_CHANNEL_SECRETS names no secret for the channel {code}")
        try:
            line = {"base_url": url, "client_id": client_id, "timeout_seconds": options["timeout"], "batch_size": options["batch_size"]}
            channel = channel_set(actor=None, code=code, name=name, active=not hold, **line, **way)
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from error
        self.stdout.write(f"{channel} ({channel.code}) {'is to send' if hold else 'sends'} to {channel.base_url}: {channel.get_transport_display()}")
