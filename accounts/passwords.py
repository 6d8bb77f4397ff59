"""What a password may not be, besides what Django's own validators refuse.

Length is what counts (NIST SP 800-63B, section 5.1.1.2): twelve characters at least, and no rule that makes people write "P@ssw0rd1".
"""

from __future__ import annotations

from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from orgtree.text import plain

DIFFERENT_CHARACTERS = 6
# What offices here choose first; compared without accents, capitals, digits and signs.
COMMON = frozenset({"matkhau", "password", "hoso", "hosocanbo", "canbo", "congchuc", "vienchuc", "noivu", "sonoivu", "vietnam", "quantri", "admin"})


class VariedPasswordValidator:
    """Refuses what is one of the words everybody tries, with digits and signs around it, or a few characters repeated."""

    def validate(self, password: str, user: AbstractBaseUser | None = None) -> None:
        letters = "".join(letter for letter in plain(password) if letter.isalpha())
        if letters in COMMON or len(set(password)) < DIFFERENT_CHARACTERS:
            raise ValidationError(self._text(), code="password_not_varied")

    def get_help_text(self) -> str:
        return self._text()

    def _text(self) -> str:
        return _("Do not use a common word with digits around it, nor a few characters repeated. A short sentence is good and easy to remember.")
