"""How the gate hands work to the workers: the one module besides tasks.py and config that knows Celery.

The broker is never the truth of what is due: a sweep finds in the database whatever a lost message would have started.
"""

from __future__ import annotations

from typing import Any

from celery import current_app
from django.db import transaction

_after_apply: list[str] = []


def send_on_commit(task_name: str, *args: Any) -> None:
    """Send the task when the current transaction commits (at once outside one). `args` are ids, as text or numbers."""
    transaction.on_commit(lambda: current_app.send_task(task_name, args=list(args)))


def after_apply(task_name: str) -> None:
    """An app above asks, in its ready(), that `task_name` run (with the request's id) whenever a request has been applied."""
    if task_name not in _after_apply:
        _after_apply.append(task_name)


def announce_applied(request_id: Any) -> None:
    for task_name in _after_apply:
        send_on_commit(task_name, str(request_id))
