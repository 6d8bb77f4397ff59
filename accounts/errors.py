"""Why something about an account was refused. `code` is stable, for programs; `str()` is for people."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class AccountError(Exception):
    code = "ACCOUNT"
    text: str | Promise = ""

    def __str__(self) -> str:
        return str(self.text)


class AccountRefused(AccountError):
    code = "ACCOUNT_REFUSED"
    text = _("Only an administrator looks after other people’s accounts, and only an administrator of everything after another one’s.")


class OwnFactors(AccountError):
    code = "ACCOUNT_OWN_FACTORS"
    text = _("You change your own second factor on your own page.")
