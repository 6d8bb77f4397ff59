"""The lists of rows of a file: items 24, 32 to 37 of the form in Circular 06/2023/TT-BNV and those that Decree 27/2026/NĐ-CP adds."""

from __future__ import annotations

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from registry.choices import CodeList, Editor, Section, Sensitivity
from registry.fields.kinds import Column, ProfileList
from workflows.choices import RiskClass

A, B, C = Sensitivity.A, Sensitivity.B, Sensitivity.C


def _col(name: str, label: str | Promise, /, **more: Any) -> Column:
    return Column(name=name, label=label, **more)


def _code(name: str, label: str | Promise, code_list: str, /, **more: Any) -> Column:
    return _col(name, label, kind="code", code_list=code_list, **more)


def _list(name: str, item: str, section: Section, label: str | Promise, /, *columns: Column, **more: Any) -> ProfileList:
    return ProfileList(name=name, item=item, section=section, label=label, columns=columns, **more)


SINCE = (_col("valid_from", _("From"), kind="date", required=True), _col("valid_to", _("To"), kind="date", is_end=True))
MONTHS = (_col("valid_from", _("From"), kind="month"), _col("valid_to", _("To"), kind="month", is_end=True))
NUMBER = _col("decision_number", _("Decision number"))
DECISION = (NUMBER, _col("decision_date", _("Date of the decision"), kind="date"))
SCHOOL, CERTIFICATE = _col("school", pgettext_lazy("of a course", "School")), _col("certificate", _("Certificate"))
MODE = _code("mode", _("Mode of training"), CodeList.TRAINING_MODE)
RELATIVE = (
    _code("relation", _("Relation"), CodeList.FAMILY_RELATION, required=True),
    _col("full_name", _("Full name"), required=True),
    _col("birth_year", _("Year of birth"), kind="number"),
    _col("description", _("Home, work, membership")),
)
OWN = {"editor": Editor.PERSON}

LISTS: tuple[ProfileList, ...] = (
    _list("family", "36.1", Section.FAMILY, _("Own family"), *RELATIVE, sensitivity=A, risk=RiskClass.B, at_sync=True, **OWN),
    _list("in_laws", "36.2", Section.FAMILY, _("Family of the wife or husband"), *RELATIVE, sensitivity=A, risk=RiskClass.B, **OWN),
    _list(
        *("old_regime", "34.2", Section.HISTORY, _("Work for the former regime"), *MONTHS, _col("title", _("Post"), required=True)),
        *(_col("place", _("Place")),),
        **{"sensitivity": A, **OWN},
    ),
    _list(
        *("foreign_orgs", "34.3", Section.HISTORY, _("Relations with foreign organisations"), *MONTHS),
        *(_col("organisation", _("Organisation"), required=True), _col("job", _("Work done"))),
        **{"sensitivity": A, **OWN},
    ),
    _list(
        *("foreign_trips", "x2", Section.HISTORY, _("Journeys abroad"), *SINCE, _col("country", _("Country"), required=True)),
        *(_col("purpose", _("Purpose")), NUMBER),
        **{"sensitivity": B, "risk": RiskClass.B, **OWN},
    ),
    _list(
        *("postings", "33", Section.SERVICE, _("Postings"), _col("title", _("Post"), required=True), _col("unit", _("Unit"), kind="unit")),
        *(_col("unit_name", _("Unit (as written)")), *SINCE, _code("position_group", _("Group of job positions"), CodeList.POSITION_GROUP)),
        *(_code("movement", _("Kind of movement"), CodeList.MOVEMENT_TYPE), *DECISION),
        risk=RiskClass.B,
        at_sync=True,
    ),
    _list(
        *("planned_posts", "24", Section.SERVICE, _("Planned for posts"), _col("title", _("Post"), required=True), _col("term", _("Term of office"))),
        *(*SINCE, *DECISION),
        risk=RiskClass.B,
    ),
    _list(
        *("secondments", "x3", Section.SERVICE, _("Secondments"), _col("host", _("Host"), required=True), _col("host_unit", _("Unit"), kind="unit")),
        *(_col("title", _("Post")), _code("reason", _("Reason of the secondment"), CodeList.SECONDMENT_REASON), *SINCE, *DECISION),
        risk=RiskClass.B,
    ),
    _list(
        *("degrees", "32.1", Section.EDUCATION, _("Degrees"), *MONTHS, SCHOOL, _col("major", _("Field of study"), required=True)),
        *(_col("major_code", _("Code of the field of study")), MODE, _code("degree", _("Degree"), CodeList.DEGREE, required=True)),
        at_sync=True,
    ),
    _list(
        *("political_training", "32.2", Section.EDUCATION, _("Political theory"), *MONTHS, SCHOOL, MODE),
        _code("level", _("Level"), CodeList.POLITICAL_THEORY, required=True),
        risk=RiskClass.B,
    ),
    _list(
        *("state_mgmt_training", "32.3", Section.EDUCATION, _("State management and professional training"), *MONTHS, SCHOOL),
        *(_code("level", _("Level"), CodeList.STATE_MANAGEMENT), _col("certificate", _("Certificate"), required=True)),
        risk=RiskClass.B,
    ),
    _list(
        *("defence_training", "32.4", Section.EDUCATION, _("Security and defence training"), *MONTHS, SCHOOL),
        *(_code("level", _("Group of trainees"), CodeList.DEFENCE_TARGET), _col("certificate", _("Certificate"), required=True)),
        risk=RiskClass.B,
    ),
    _list(
        *("it_certs", "32.5", Section.EDUCATION, _("Information technology"), *MONTHS, SCHOOL),
        *(_code("level", _("Level"), CodeList.IT_LEVEL, required=True), CERTIFICATE),
        risk=RiskClass.B,
    ),
    _list(
        *(
            "language_certs",
            "32.6",
            Section.EDUCATION,
            _("Languages"),
            *MONTHS,
            SCHOOL,
            _code("language", _("Language"), CodeList.LANGUAGE, required=True),
        ),
        *(_code("level", _("Level"), CodeList.LANGUAGE_LEVEL), CERTIFICATE, _col("score", _("Score"))),
        risk=RiskClass.B,
    ),
    _list(
        *("salary_history", "37.1", Section.PAY, _("Salary history"), *SINCE, _col("rank_code", _("Rank or professional title"), kind="rank")),
        *(_col("step", _("Step"), kind="number"), _col("coefficient", _("Coefficient"), kind="decimal")),
        *(_col("percent", _("Percentage received"), kind="decimal"), _col("amount", _("Amount (VND)"), kind="decimal"), *DECISION),
        at_sync=True,
    ),
    _list(
        *("allowances", "30.2, 37.2", Section.PAY, _("Allowances"), _code("kind", _("Kind of allowance"), CodeList.ALLOWANCE_TYPE, required=True)),
        *(*SINCE, _col("percent", _("Share (%)"), kind="decimal"), _col("coefficient", _("Coefficient"), kind="decimal")),
        *(_col("amount", _("Amount (VND)"), kind="decimal"), _col("form", _("How it is received")), *DECISION),
    ),
    _list(
        *("annual_results", "35.1", Section.PAY, _("Results of the year"), _col("year", _("Year"), kind="number", required=True)),
        *(_code("grade", _("Grade of the year"), CodeList.EVALUATION_GRADE), _code("emulation", _("Emulation title"), CodeList.EMULATION_TITLE)),
        *(_code("commendation", _("Form of commendation"), CodeList.COMMENDATION_FORM), NUMBER),
    ),
    _list(
        *("disciplines", "35.2", Section.PAY, _("Disciplines"), _code("side", _("Disciplined by"), CodeList.DISCIPLINE_SIDE, required=True)),
        *(_code("form", _("Form of discipline"), CodeList.DISCIPLINE_FORM, required=True), *SINCE, _col("act", _("Offence"))),
        *(_col("authority", _("Decided by")), NUMBER),
        sensitivity=A,
    ),
    _list(
        *("organisations", "16", Section.ORGANISATIONS, _("Organisations"), _col("organisation", _("Organisation"), required=True)),
        *(_col("title", _("Post")), *SINCE),
        **{"sensitivity": B, "risk": RiskClass.B, **OWN},
    ),
    _list(
        *("incomes", "37.3", Section.PROPERTY, _("Incomes"), _col("year", _("Year"), kind="number", required=True)),
        *(_col("salary_amount", _("Salary of the year (VND)"), kind="decimal"), _col("other_amount", _("Other income (VND)"), kind="decimal")),
        **{"sensitivity": A, **OWN},
    ),
    _list(
        *(
            "properties",
            "37.3",
            Section.PROPERTY,
            _("Houses and land"),
            _code("category", _("Kind of property"), CodeList.PROPERTY_CATEGORY, required=True),
        ),
        *(_code("kind", _("How it was acquired"), CodeList.PROPERTY_TYPE), _col("description", _("Description"))),
        *(_col("area_m2", _("Area (m²)"), kind="decimal"), _col("certificate_no", _("Certificate number"))),
        **{"sensitivity": A, **OWN},
    ),
)
