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


class SuperuserRefused(AccountError):
    code = "SUPERUSER_REFUSED"
    text = _("Only superusers whose own term is in force propose and confirm superusers, and the account must be open.")


class OwnSuperuser(AccountError):
    code = "SUPERUSER_OWN"
    text = _("Somebody else must decide: you proposed this, or the rights are your own.")


class SuperuserTermInvalid(AccountError):
    code = "SUPERUSER_TERM"
    text = _("A superuser’s term ends after today, and lasts no longer than any other grant. Choose another last day.")


class NoSuperuser(AccountError):
    code = "SUPERUSER_NONE"
    text = _("This person is not a superuser, so there are no such rights to end.")


class SuperuserReasonMissing(AccountError):
    code = "SUPERUSER_REASON"
    text = _("Say why: the reason stays in the audit trail.")


class SuperuserChangeOpen(AccountError):
    code = "SUPERUSER_OPEN"
    text = _("A proposal about this person waits already. Have it decided first.")


class NumberRefused(AccountError):
    code = "NUMBER_REFUSED"
    text = _("Only superusers propose and confirm the personal number of an account.")


class OwnNumber(AccountError):
    code = "NUMBER_OWN"
    text = _("Somebody else must decide: you proposed this, or the account is your own.")


class NumberInvalid(AccountError):
    code = "NUMBER_INVALID"
    text = _("A personal identification number has 12 digits. Leave it empty only to take away the number that the account has.")


class NumberSame(AccountError):
    code = "NUMBER_SAME"
    text = _("The account has this number already.")


class NumberTaken(AccountError):
    code = "NUMBER_TAKEN"
    text = _("Another account has this number. One person has one account: look for the other one first.")


class NumberReasonMissing(AccountError):
    code = "NUMBER_REASON"
    text = _("Say what the number was compared with, for example the identity card: the reason stays in the audit trail.")


class NumberChangeOpen(AccountError):
    code = "NUMBER_OPEN"
    text = _("A proposal about this number waits already. Have it decided first.")
