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


class PhotoRefused(Exception):
    """A photograph cannot be taken; the message says why and what to do."""

    @classmethod
    def too_large(cls, megabytes: int) -> PhotoRefused:
        return cls(str(_("The picture is larger than {limit} MB. Save it smaller; 4 x 6 cm need no more than 1 MB.")).format(limit=megabytes))

    @classmethod
    def no_picture(cls) -> PhotoRefused:
        return cls(_("A photograph is a JPEG or a PNG. Save the picture in one of these."))

    @classmethod
    def unchanged(cls) -> PhotoRefused:
        return cls(_("This picture is already on file."))

    @classmethod
    def returned(cls) -> PhotoRefused:
        return cls(_("The file has a mistake that must be corrected first: open it for editing, where it is named."))

    def __str__(self) -> str:
        return str(self.args[0])
