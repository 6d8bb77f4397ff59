"""What the commands that set up a channel ask about its way to the other side."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from exchange.choices import Transport


def add_way(parser: ArgumentParser) -> None:
    parser.add_argument("--transport", choices=Transport.values, help="the way that calls take; what it is already, or direct, when left out")
    parser.add_argument("--transport-options", type=Path, metavar="FILE", help="JSON with what the transport needs; see docs/exchange.md")


def way_asked(options: dict[str, Any]) -> dict[str, Any]:
    """Keyword arguments for `channel_set` and `register_set`. Raises CommandError for a file that is no JSON object."""
    path: Path | None = options["transport_options"]
    if path is None:
        return {"transport": options["transport"]}
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CommandError(f"{path}: {error}") from error
    return {"transport": options["transport"], "transport_options": read}
