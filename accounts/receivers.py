"""What allauth and Django tell, written into the audit trail; and each proof of who somebody is, noted for the step-up.

Deeds of our own write their audit themselves (services/); these are the library's, which tells of them by signals.
"""

from __future__ import annotations

from typing import Any

from allauth.account import signals as account_signals
from allauth.account.internal.flows.login import get_authentication_records
from allauth.mfa import signals as factor_signals
from allauth.mfa.models import Authenticator
from django.contrib.auth import signals as auth_signals
from django.http import HttpRequest

from accounts.models import InitialPassword
from accounts.presence import begin, first_to_do
from accounts.services.devices import device_note
from orgtree.caller import address_of
from orgtree.models import User
from orgtree.stepup import prove
from workflows.services.audit import audit


def session_began(sender: object, request: HttpRequest | None, user: User, **_more: Any) -> None:
    """Every login, by whatever way: it is a proof, but for one that somebody else vouches for, who says when it was given."""
    if request is not None:
        prove(request, at=getattr(request, "proved_elsewhere_at", None))
        begin(request)
        first_to_do(request, user)


def logged_in(sender: object, request: HttpRequest, user: User, **_more: Any) -> None:
    ways = [record.get("type") or record["method"] for record in get_authentication_records(request, user)]
    audit(actor=user, action="account.logged_in", ways=ways, address=address_of(request))
    device_note(user=user, request=request)


def logged_out(sender: object, request: HttpRequest | None, user: User | None, **_more: Any) -> None:
    if user is not None:
        why = {"why": request.logged_out_why} if hasattr(request, "logged_out_why") else {}
        audit(actor=user, action="account.logged_out", user=user.pk, count=1, **why)


def step_completed(sender: object, request: HttpRequest, user: User, method: str, **more: Any) -> None:
    """A fresh proof inside a session."""
    if more.get("reauthenticated"):
        prove(request)
        audit(actor=user, action="account.proved", ways=[more.get("type") or method], address=address_of(request))


def password_changed(sender: object, request: HttpRequest, user: User, **_more: Any) -> None:
    InitialPassword.objects.filter(user=user).delete()
    audit(actor=user, action="account.password_changed", user=user.pk, address=address_of(request))


def factor_added(sender: object, request: HttpRequest, user: User, authenticator: Authenticator, **_more: Any) -> None:
    audit(actor=user, action="account.factor_added", user=user.pk, factor=authenticator.type)


def factor_removed(sender: object, request: HttpRequest, user: User, authenticator: Authenticator, **_more: Any) -> None:
    audit(actor=user, action="account.factor_removed", user=user.pk, factor=authenticator.type)


def codes_renewed(sender: object, request: HttpRequest, user: User, authenticator: Authenticator, **_more: Any) -> None:
    audit(actor=user, action="account.codes_renewed", user=user.pk)


def code_refused(sender: object, request: HttpRequest, user: User, **_more: Any) -> None:
    audit(actor=None, action="account.code_refused", user=user.pk, address=address_of(request))


def connect() -> None:
    auth_signals.user_logged_in.connect(session_began, dispatch_uid="accounts.session_began")
    auth_signals.user_logged_out.connect(logged_out, dispatch_uid="accounts.logged_out")
    account_signals.user_logged_in.connect(logged_in, dispatch_uid="accounts.logged_in")
    account_signals.authentication_step_completed.connect(step_completed, dispatch_uid="accounts.step_completed")
    account_signals.password_changed.connect(password_changed, dispatch_uid="accounts.password_changed")
    factor_signals.authenticator_added.connect(factor_added, dispatch_uid="accounts.factor_added")
    factor_signals.authenticator_removed.connect(factor_removed, dispatch_uid="accounts.factor_removed")
    factor_signals.authenticator_reset.connect(codes_renewed, dispatch_uid="accounts.codes_renewed")
    factor_signals.authentication_failed.connect(code_refused, dispatch_uid="accounts.code_refused")
