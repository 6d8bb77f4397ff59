from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.services.superusers import glass_broken
from orgtree.models import User


class Command(BaseCommand):
    help = "Emergency: make somebody a superuser for some hours (BREAK_GLASS_HOURS). Written down, told to all superusers, ends by itself."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--username", required=True)
        parser.add_argument("--reason", required=True, help="why nobody could be asked; it stands in the audit trail")

    def handle(self, *, username: str, reason: str, **options: Any) -> None:
        user = User.objects.filter(username=username, is_active=True).first()
        if user is None:
            raise CommandError(f"there is no active account {username!r}")
        if not reason.strip():
            raise CommandError("--reason must say why")
        term = glass_broken(user=user, reason=reason)
        self.stdout.write(f"{username} is a superuser until {term.ends_at:%Y-%m-%d %H:%M %Z}. Every superuser has been told.")
