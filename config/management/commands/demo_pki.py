import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.demo.pki import Person, issue_certificates

DEMO_PIN = "123456"


class Command(BaseCommand):
    help = "Makes the demonstration's certificate authorities, revocation lists and people's certificates. Never for production."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--directory", type=Path, default=settings.VAR_DIRECTORY, help="keys and certificates go to its folder pki")
        parser.add_argument("--trust", type=Path, default=settings.TRUST_DIRECTORY, help="anchors and revocation lists go here (TRUST_DIRECTORY)")
        parser.add_argument("--people", type=Path, help="JSON list of {login, name, personal_number, organization, organization_identifier}")
        parser.add_argument("--pin", default=DEMO_PIN, help="PIN of the key files")
        parser.add_argument("--responder", default="", help="address of the OCSP responder that new certificates name (see demo_ocsp)")

    def handle(self, *, directory: Path, trust: Path, people: Path | None, pin: str, responder: str, **options: Any) -> None:
        files = issue_certificates(_people(people) if people else [], directory=directory, pin=pin, trust=trust, responder=responder)
        for login, file in files.items():
            self.stdout.write(f"{login}: {file}")
        self.stdout.write(f"Anchor and revocation lists: {trust}")


def _people(file: Path) -> list[Person]:
    try:
        return [Person(**row) for row in json.loads(file.read_bytes())]
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}") from error
    except (ValueError, TypeError) as error:
        raise CommandError(f"{file} must be a JSON list of {{{', '.join(Person.__annotations__)}}}: {error}") from error
