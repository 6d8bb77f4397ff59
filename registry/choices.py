"""Names of code lists, sensitivity classes and the states of an upload."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class CodeList(TextChoices):
    """The code lists that the fields of a staff profile refer to; others may be loaded and stand beside them."""

    GENDER = "gender", _("Gender")
    ETHNICITY = "ethnicity", _("Ethnicity")
    RELIGION = "religion", _("Religion")
    GENERAL_EDUCATION = "general_education", _("General education")
    PERSONNEL_TYPE = "personnel_type", _("Type of personnel")
    CITIZEN_PREFIX = "citizen_prefix", _("Place code of the personal identification number")


class Sensitivity(TextChoices):
    """How carefully a field is shown: A is masked until revealed with a reason, B is sensitive personal data (Law 91/2025/QH15), C is ordinary."""

    A = "A", _("Masked until revealed")
    B = "B", _("Sensitive")
    C = "C", _("Ordinary")


class UploadState(TextChoices):
    RECEIVED = "received", _("Received")
    PROCESSING = "processing", _("Being read")
    STAGED = "staged", _("Read, ready to submit")
    SUBMITTED = "submitted", _("Submitted")
    EMPTY = "empty", _("Nothing to submit")
    REFUSED = "refused", _("Refused")
    FAILED = "failed", _("Failed")


# Every move of an upload. A refused file is never read again: the repaired workbook is a new upload.
UPLOAD_MOVES: dict[UploadState, frozenset[UploadState]] = {
    UploadState.RECEIVED: frozenset({UploadState.PROCESSING}),
    UploadState.PROCESSING: frozenset({UploadState.STAGED, UploadState.EMPTY, UploadState.REFUSED, UploadState.FAILED}),
    UploadState.STAGED: frozenset({UploadState.SUBMITTED}),
    UploadState.FAILED: frozenset({UploadState.PROCESSING}),
    UploadState.SUBMITTED: frozenset(),
    UploadState.EMPTY: frozenset(),
    UploadState.REFUSED: frozenset(),
}


class RowState(TextChoices):
    STAGED = "staged", _("Accepted")
    RETURNED = "returned", _("Returned")
    UNCHANGED = "unchanged", _("Unchanged")
