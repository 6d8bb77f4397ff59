"""Accounts for programs of other agencies: nobody signs in with one, but the read log names who received a file in the same way as for people."""

from __future__ import annotations

from django.contrib.auth.hashers import make_password

from orgtree.models import User


def machine_account(*, name: str, label: str) -> User:
    """The account under which what a program receives is written down; made the first time it is needed, and never active.

    `name` is unique ("agency.H16", "client.thue"), `label` how people call the agency or program.
    """
    user, _made = User.objects.get_or_create(
        username=name[:150], defaults={"first_name": label[:150], "is_active": False, "password": make_password(None)}
    )
    return user
