"""Codes of a second factor, counted like passwords, and each good for one time only."""

from __future__ import annotations

import redis
from allauth.account.adapter import get_adapter
from allauth.account.forms import ChangePasswordForm
from allauth.core import context
from allauth.mfa import app_settings
from allauth.mfa.adapter import get_adapter as get_factor_adapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts import tries
from orgtree.caller import address_of
from workflows.services.audit import audit


class CountedCode:
    """Mixed into allauth's forms that take a code. `user` is whose code it is."""

    def clean_code(self) -> str:
        self._count()
        try:
            code: str = super().clean_code()  # type: ignore[misc]
            self._use_up(code)
        except redis.RedisError as error:  # without it nobody knows whether the code was used already
            raise ValidationError(_("Codes cannot be checked at this moment. Please try again in a few minutes, or use a passkey.")) from error
        tries.forget("code", str(self.user.pk))
        return code

    def _count(self) -> None:
        tried = tries.count("code", str(self.user.pk))
        if tried == tries.TRIES + 1:
            audit(actor=None, action="account.locked", user=self.user.pk, address=address_of(context.request))
        if tried > tries.TRIES:
            raise get_adapter().validation_error("too_many_login_attempts")

    def _use_up(self, code: str) -> None:
        """allauth remembers a used code for one period, but with a tolerance a code is right for three (RFC 6238, section 5.2)."""
        if self.authenticator.type != Authenticator.Type.TOTP:
            return
        periods = 2 * app_settings.TOTP_TOLERANCE + 1
        digits = "".join(filter(str.isdigit, code))
        if not cache.add(f"code-used:{self.user.pk}:{digits}", 1, periods * app_settings.TOTP_PERIOD):
            raise get_factor_adapter().validation_error("incorrect_code")


class CodeForm(CountedCode, AuthenticateForm):
    """At the door, after the password."""


class CodeProofForm(CountedCode, ReauthenticateForm):
    """Inside, before what asks for a fresh proof."""


class NewPasswordForm(ChangePasswordForm):
    """Guessing the old password counts like guessing it at the door."""

    def clean_oldpassword(self) -> str:
        what = ("password", self.user.get_username(), address_of(context.request))
        if tries.count(*what) > tries.TRIES:
            raise get_adapter().validation_error("too_many_login_attempts")
        password: str = super().clean_oldpassword()
        tries.forget(*what)
        return password
