"""What can be wrong with a printed form."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _


class TemplateBroken(Exception):
    """A template cannot be rendered. `place` is the file, `cause` what the renderer said; the message names both and the remedy."""

    def __init__(self, place: str, cause: str) -> None:
        self.place, self.cause = place, cause
        super().__init__(place, cause)

    def __str__(self) -> str:
        words = _("The printed form {place} has an error: {cause}. Repair the file, or take it out of the folder to print with the form supplied.")
        return str(words).format(place=self.place, cause=self.cause)
