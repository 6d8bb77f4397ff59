"""Names of code lists, sensitivity classes and the states of an upload."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class CodeList(TextChoices):
    """The code lists that the fields of a staff profile refer to; others may be loaded and stand beside them."""

    GENDER = "gender", _("Gender")
    ETHNICITY = "ethnicity", _("Ethnicity")
    RELIGION = "religion", _("Religion")
    GENERAL_EDUCATION = "general_education", _("General education")
    PERSONNEL_TYPE = "personnel_type", _("Type of personnel")
    CITIZEN_PREFIX = "citizen_prefix", _("Place code of the personal identification number")
    MARITAL_STATUS = "marital_status", _("Marital status")
    RECRUITMENT_FORM = "recruitment_form", _("Form of recruitment")
    MILITARY_RANK = "military_rank", _("Military rank")
    POLICY_CATEGORY = "policy_category", _("Policy category")
    ACADEMIC_TITLE = "academic_title", _("Academic title")
    STATE_TITLE = "state_title", _("Title conferred by the State")
    PARTY_POST = "party_post", _("Party post")
    BLOOD_GROUP = "blood_group", _("Blood group")
    POSITION_GROUP = "job_position_group", _("Group of job positions")
    MOVEMENT_TYPE = "movement_type", _("Kind of movement")
    SECONDMENT_REASON = "secondment_reason", _("Reason of the secondment")
    ALLOWANCE_TYPE = "allowance_type", _("Kind of allowance")
    EVALUATION_GRADE = "evaluation_grade", _("Grade of the year")
    EMULATION_TITLE = "emulation_title", _("Emulation title")
    COMMENDATION_FORM = "commendation_form", _("Form of commendation")
    DISCIPLINE_SIDE = "discipline_side", _("Disciplined by")
    DISCIPLINE_FORM = "discipline_form", _("Form of discipline")
    DEGREE = "degree", _("Degree")
    TRAINING_MODE = "training_mode", _("Mode of training")
    POLITICAL_THEORY = "political_theory", _("Level of political theory")
    STATE_MANAGEMENT = "state_management", _("Level of state management")
    DEFENCE_TARGET = "defence_target", _("Group of trainees")
    IT_LEVEL = "it_level", _("Level of information technology")
    LANGUAGE = "foreign_language", _("Language")
    LANGUAGE_LEVEL = "language_level", _("Level of the language")
    FAMILY_RELATION = "family_relation", _("Relation")
    PROPERTY_CATEGORY = "property_category", _("Kind of property")
    PROPERTY_TYPE = "property_type", _("How it was acquired")


# Lists that come with the program and to which no field of a file refers; the two follow each other on 1 July 2027 (Decree 232/2026/NĐ-CP).
LISTS_BESIDE = {"career_level": _("Career level of public employees"), "professional_grade": _("Grade of professional titles")}


class Section(TextChoices):
    """The ten data groups of Decree 27/2026/NĐ-CP, in its order: the sections of a file."""

    IDENTITY = "identity", _("Identity and origin")
    FAMILY = "family", _("Family")
    HISTORY = "history", _("Personal history")
    SERVICE = "service", _("Recruitment and posts")
    EDUCATION = "education", _("Education and training")
    PAY = "pay", _("Pay, results and discipline")
    ORGANISATIONS = "organisations", _("Party and organisations")
    MILITARY = "military", _("Armed forces")
    PROPERTY = "property", _("Income and property")
    HEALTH = "health", _("Health")


class Editor(TextChoices):
    """Who keeps a field up to date (Decree 27/2026/NĐ-CP art. 19): the person, or the agency by its decisions."""

    PERSON = "person", _("The person")
    AGENCY = "agency", _("The agency")


class Sensitivity(TextChoices):
    """How carefully a field is shown: A is masked until revealed with a reason, B is sensitive personal data (Law 91/2025/QH15), C is ordinary."""

    A = "A", _("Masked until revealed")
    B = "B", _("Sensitive")
    C = "C", _("Ordinary")


# Movements by which somebody leaves the service, as codes of the list `movement_type`: retirement, early retirement, leaving, forced
# leaving, death, a transfer out of the service. A post that ended by one of them is the last one.
LEAVING = ("NH", "NHTT", "TV", "TVN", "BTV", "TT", "CCT")

# How many months longer a step lasts by form of discipline (Circular 08/2013/TT-BNV art. 2.3): reprimand, warning, dismissal from a post,
# and demotion as it existed until 1 July 2025. A discipline of the Party alone puts nothing off.
STEP_DELAY = {"01": 3, "02": 6, "03": 12, "06": 12}
PARTY_SIDE = "DANG"
# A year "not completed" (grade 04) puts the step off by six months (same article).
FAILED_GRADES, FAILED_MONTHS = ("04",), 6
DISCIPLINE_MONTHS = 12  # how long a discipline has effect: Decree 172/2025/NĐ-CP art. 2.9


class DecisionKind(TextChoices):
    """What one decision can say about many people at once."""

    SALARY_STEP = "salary_step", _("Salary step")
    APPOINTMENT = "appointment", _("Appointment or transfer")
    EVALUATION = "evaluation", _("Evaluation of the year")
    OVERFRAME = "overframe", _("Over-frame allowance")


class UploadState(TextChoices):
    RECEIVED = "received", _("Received")
    PROCESSING = "processing", _("Being read")
    MAPPING = "mapping", _("Columns to match")
    CHECKING = "checking", _("Being checked")
    STAGED = "staged", _("Read, ready to submit")
    SUBMITTING = "submitting", _("Being submitted")
    PARTLY = "partly", _("Submitted in part")
    SUBMITTED = "submitted", _("Submitted")
    EMPTY = "empty", _("Nothing to submit")
    MERGED = "merged", _("Taken into the first file")
    REFUSED = "refused", pgettext_lazy("workbook", "Refused")
    FAILED = "failed", _("Failed")


# While an upload is in one of these, a worker has it and the page looks again by itself.
UPLOAD_WITH_THE_WORKERS = frozenset({UploadState.RECEIVED, UploadState.PROCESSING, UploadState.CHECKING, UploadState.SUBMITTING})
# In these its rows may be corrected, decided on and checked again.
UPLOAD_OPEN = frozenset({UploadState.STAGED, UploadState.PARTLY, UploadState.EMPTY, UploadState.SUBMITTED})

# Every move of an upload. A refused file is never read again: the repaired workbook is a new upload.
# Between its open states an upload moves with every correction of a row.
_CHECKED = UPLOAD_OPEN | {UploadState.FAILED}
UPLOAD_MOVES: dict[UploadState, frozenset[UploadState]] = {
    UploadState.RECEIVED: frozenset({UploadState.PROCESSING}),
    UploadState.PROCESSING: frozenset(
        {UploadState.CHECKING, UploadState.MAPPING, UploadState.MERGED, UploadState.EMPTY, UploadState.REFUSED, UploadState.FAILED}
    ),
    UploadState.MAPPING: frozenset({UploadState.PROCESSING}),
    UploadState.CHECKING: _CHECKED,
    UploadState.STAGED: UPLOAD_OPEN | {UploadState.SUBMITTING, UploadState.CHECKING, UploadState.PROCESSING},
    UploadState.EMPTY: UPLOAD_OPEN | {UploadState.CHECKING, UploadState.PROCESSING},
    UploadState.PARTLY: UPLOAD_OPEN | {UploadState.SUBMITTING, UploadState.CHECKING},
    UploadState.SUBMITTING: _CHECKED | {UploadState.CHECKING},
    UploadState.FAILED: frozenset({UploadState.PROCESSING, UploadState.CHECKING}),
    UploadState.SUBMITTED: UPLOAD_OPEN | {UploadState.CHECKING},
    UploadState.MERGED: frozenset(),
    UploadState.REFUSED: frozenset(),
}


class RowState(TextChoices):
    """Where a row stands. Accepted are those that wait (staged) and those in a request (submitted); returned, those that somebody must look at."""

    WAITING = "waiting", _("Not checked yet")
    STAGED = "staged", _("Accepted")
    SUBMITTED = "submitted", _("In a request")
    RETURNED = "returned", _("To correct")
    UNDECIDED = "undecided", _("Who is it?")
    UNCHANGED = "unchanged", _("Unchanged")
    LEFT_OUT = "left_out", _("Left out")


class Match(TextChoices):
    """How the person of a row was found among the files."""

    NONE = "", _("New file")
    CITIZEN_ID = "citizen_id", _("Personal identification number")
    STAFF_NUMBER = "staff_number", _("Staff number in the unit")
    OLD_CARD = "old_card", _("Number of the old identity card")
    SCORE = "score", _("Name and date of birth")
    CHOSEN = "chosen", _("Chosen by a person")


class ChangeKind(TextChoices):
    """What a cell does to a file that exists."""

    FILL = "fill", _("Fills a blank")
    OVERWRITE = "overwrite", _("Overwrites")
    CONFLICT = "conflict", _("Conflicts with a later edit")


class PaperForm(TextChoices):
    """The forms that are printed; the value is the name of the file."""

    CV_2023 = "so-yeu-ly-lich-06-2023", _("Curriculum vitae (Circular 06/2023/TT-BNV)")
    CV_2008 = "2c-bnv-2008", _("Curriculum vitae 2C-BNV/2008")


class PaperFormat(TextChoices):
    PDF = "pdf", "PDF"
    DOCX = "docx", "Word (DOCX)"


class ListFormat(TextChoices):
    """What a list of people is written as."""

    XLSX = "xlsx", "Excel (XLSX)"
    CSV = "csv", "CSV"
