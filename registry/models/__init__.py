"""The registry's tables, by subject."""

from registry.models.career import Posting
from registry.models.codes import CodeItem, RankCode, SalaryStep
from registry.models.opened import LIVE_ROWS, ROWS, OpenedStaffProfile
from registry.models.profiles import StaffProfile
from registry.models.search import FormerUnitName, NameWord, SavedFilter
from registry.models.uploads import Upload, UploadFinding, UploadRow

__all__ = [
    "LIVE_ROWS",
    "ROWS",
    "CodeItem",
    "FormerUnitName",
    "NameWord",
    "OpenedStaffProfile",
    "Posting",
    "RankCode",
    "SalaryStep",
    "SavedFilter",
    "StaffProfile",
    "Upload",
    "UploadFinding",
    "UploadRow",
]
