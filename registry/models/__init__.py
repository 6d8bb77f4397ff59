"""The registry's tables, by subject."""

from registry.models.codes import CodeItem, RankCode, SalaryStep
from registry.models.profiles import OpenedPosting, OpenedStaffProfile, Posting, StaffProfile
from registry.models.uploads import Upload, UploadFinding, UploadRow

__all__ = [
    "CodeItem",
    "OpenedPosting",
    "OpenedStaffProfile",
    "Posting",
    "RankCode",
    "SalaryStep",
    "StaffProfile",
    "Upload",
    "UploadFinding",
    "UploadRow",
]
