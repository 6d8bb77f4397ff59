"""The way back in for the last administrator who lost the telephone and the recovery codes: from the server's own shell."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.services.factors import factors_take_back
from orgtree.models import User


class Command(BaseCommand):
    help = "Remove the second factors and recovery codes of an account, and log out all its devices. Written into the audit trail."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("login", help="user name of the account")

    def handle(self, *args: Any, login: str, **options: Any) -> None:
        user = User.objects.filter(username=login).first()
        if user is None:
            raise CommandError(f"There is no account {login!r}. User names are written as in the list of accounts.")
        removed = factors_take_back(actor=None, user=user)
        self.stdout.write(f"{login}: {removed} removed (recovery codes count as one), all devices logged out")
