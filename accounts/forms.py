"""Codes of a second factor, counted like passwords, and each good for one time only."""

from __future__ import annotations

import struct
from typing import Any

import redis
from allauth.account.adapter import get_adapter
from allauth.account.forms import ChangePasswordForm, PasswordVerificationMixin
from allauth.core import context
from allauth.mfa import app_settings
from allauth.mfa.adapter import get_adapter as get_factor_adapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.forms import AddWebAuthnForm, AuthenticateWebAuthnForm, LoginWebAuthnForm, ReauthenticateWebAuthnForm
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from fido2.webauthn import RegistrationResponse

from accounts import tries
from orgtree.caller import address_of
from workflows.services.audit import audit

# What reading an answer raises that is not one: fields missing, of another type, or bytes that mean nothing.
UNREADABLE = (AttributeError, IndexError, KeyError, TypeError, ValueError, struct.error)


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


class ReadablePasskey:
    """Mixed into allauth's forms that take a passkey's answer: one that is no such thing is refused with a word, not with an error."""

    def clean_credential(self) -> Any:
        try:
            parent = getattr(super(), "clean_credential", None)
            if parent is not None:
                return parent()
            RegistrationResponse.from_dict(self.cleaned_data["credential"])  # type: ignore[attr-defined]
        except UNREADABLE as error:
            raise get_factor_adapter().validation_error("incorrect_code") from error
        return self.cleaned_data["credential"]  # type: ignore[attr-defined]


class PasskeyForm(ReadablePasskey, AddWebAuthnForm):
    """A new passkey."""


class PasskeyAtTheDoorForm(ReadablePasskey, LoginWebAuthnForm):
    """In place of name and password."""


class PasskeyAfterPasswordForm(ReadablePasskey, AuthenticateWebAuthnForm):
    """As second factor."""


class PasskeyProofForm(ReadablePasskey, ReauthenticateWebAuthnForm):
    """Inside, before what asks for a fresh proof."""


class NewPasswordForm(ChangePasswordForm):
    """Guessing the old password counts like guessing it at the door."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.fields["oldpassword"].label = _("Current password")
        self.fields["password1"].label = _("New password")
        self.fields["password2"].label = _("New password, once more")

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super(PasswordVerificationMixin, self).clean()
        first, second = cleaned.get("password1"), cleaned.get("password2")
        if first and second and first != second:
            self.add_error("password2", _("The two new passwords are not the same."))
        return cleaned

    def clean_oldpassword(self) -> str:
        what = ("password", self.user.get_username(), address_of(context.request))
        if tries.count(*what) > tries.TRIES:
            raise get_adapter().validation_error("too_many_login_attempts")
        password: str = super().clean_oldpassword()
        tries.forget(*what)
        return password
