"""Thin tasks: they call one service, and may run twice."""

from celery import shared_task

from accounts.services.numbers import numbers_lapse
from accounts.services.sessions import sessions_forget
from accounts.services.superuser_reminders import superusers_remind
from accounts.services.superusers import superusers_watch


@shared_task(name="accounts.sessions_forget")
def forget_sessions() -> None:
    sessions_forget()


@shared_task(name="accounts.superusers")
def watch_superusers() -> None:
    superusers_watch()
    superusers_remind()
    numbers_lapse()
