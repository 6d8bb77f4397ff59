"""The opened twin of the organisation's units. The units themselves are orgtree's."""

from orgtree.models import OrgUnit
from workflows.opened import opened_model

OpenedOrgUnit = opened_model(OrgUnit, db_table="opened_org_unit", app_label="planning")
