"""The opened twins of the person's tables: what a request proposes, typed, in two temporary tables.

All lists of rows are opened into one table (`workflows.opening`): a table for each would make every edit pay for twenty.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import Model

from registry.models import career, learning, life
from registry.models.profiles import StaffProfile
from workflows.opened import opened_model
from workflows.targets import RowsBinding

LIVE_ROWS: Mapping[str, type[Model]] = {
    "postings": career.Posting,
    "planned_posts": career.PlannedPost,
    "secondments": career.Secondment,
    "salary_history": career.SalaryPeriod,
    "allowances": career.Allowance,
    "annual_results": career.AnnualResult,
    "disciplines": career.Discipline,
    "organisations": career.Membership,
    "degrees": learning.Degree,
    "political_training": learning.PoliticalTraining,
    "state_mgmt_training": learning.StateManagementTraining,
    "defence_training": learning.DefenceTraining,
    "it_certs": learning.ItCertificate,
    "language_certs": learning.LanguageCertificate,
    "family": life.FamilyMember,
    "in_laws": life.InLaw,
    "old_regime": life.OldRegimeService,
    "foreign_orgs": life.ForeignOrganisation,
    "foreign_trips": life.ForeignTrip,
    "incomes": life.Income,
    "properties": life.Property,
}

OpenedStaffProfile = opened_model(StaffProfile, db_table="opened_staff_profile")


def _binding(name: str, live: type[Model]) -> RowsBinding:
    twin = opened_model(live, db_table="opened_staff_profile_row", relations={"staff": OpenedStaffProfile}, rows=name)
    return RowsBinding(live, twin, "staff_id")


ROWS: Mapping[str, RowsBinding] = {name: _binding(name, live) for name, live in LIVE_ROWS.items()}
