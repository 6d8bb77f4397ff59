"""The registry's tables, by subject."""

from registry.models.career import Posting
from registry.models.codes import CodeEntry, CodeItem, RankCode, SalaryStep
from registry.models.demands import FieldDemand
from registry.models.drafts import Confirmation, DecisionDraft, Draft
from registry.models.exports import ListExport
from registry.models.former_numbers import FormerNumber
from registry.models.opened import LIVE_ROWS, ROWS, OpenedStaffProfile
from registry.models.profiles import StaffProfile
from registry.models.programs import SenderProgram, SourceProgram
from registry.models.scales import RankEntry, StepEntry
from registry.models.search import FormerUnitName, NameWord, SavedFilter
from registry.models.sweep import Sweep, SweepFinding, SweptFile
from registry.models.uploads import (
    SenderMapping,
    SenderRecipe,
    Upload,
    UploadChange,
    UploadFinding,
    UploadRepair,
    UploadRow,
    UploadSubmission,
)

__all__ = [
    "LIVE_ROWS",
    "ROWS",
    "CodeEntry",
    "CodeItem",
    "Confirmation",
    "DecisionDraft",
    "Draft",
    "FieldDemand",
    "FormerNumber",
    "FormerUnitName",
    "ListExport",
    "NameWord",
    "OpenedStaffProfile",
    "Posting",
    "RankCode",
    "RankEntry",
    "SalaryStep",
    "SavedFilter",
    "SenderMapping",
    "SenderProgram",
    "SenderRecipe",
    "SourceProgram",
    "StaffProfile",
    "StepEntry",
    "Sweep",
    "SweepFinding",
    "SweptFile",
    "Upload",
    "UploadChange",
    "UploadFinding",
    "UploadRepair",
    "UploadRow",
    "UploadSubmission",
]
