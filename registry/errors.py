"""Named refusals of the registry; those of the gate are in `workflows.errors`."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _


class ExportRefused(Exception):
    """A list cannot be exported as it was asked for; the message says why and what to do."""

    @classmethod
    def no_columns(cls) -> ExportRefused:
        return cls(_("Choose at least one column of the list."))

    @classmethod
    def lists_in_csv(cls) -> ExportRefused:
        return cls(_("Further lists are sheets of their own, which CSV does not have. Choose XLSX, or leave the lists out."))

    def __str__(self) -> str:
        return str(self.args[0])
