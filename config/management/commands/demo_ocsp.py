from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from config.demo.ocsp import Responder
from config.demo.pki import DemoAuthority


class Command(BaseCommand):
    help = "Answers for the demonstration's issuing authority whether a certificate was revoked (OCSP), until Ctrl-C. Never for production."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--directory", type=Path, default=settings.VAR_DIRECTORY, help="where demo_pki keeps its keys (folder pki)")
        parser.add_argument("--port", type=int, default=8004)

    def handle(self, *, directory: Path, port: int, **options: Any) -> None:
        authority = DemoAuthority(directory / "pki")
        responder = Responder(authority, port=port, signatory=authority.delegate())
        self.stdout.write(f"Answering on {responder.address}; set OCSP_RESPONDERS to it, and make certificates with demo_pki --responder")
        try:
            responder.serve_forever()
        except KeyboardInterrupt:
            responder.server_close()
