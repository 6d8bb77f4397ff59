"""The lists of a person's file are written only by applying an approved change request."""

from django.db import migrations

from workflows.walls import GateGuard

TABLES = (
    "registry_plannedpost",
    "registry_secondment",
    "registry_salaryperiod",
    "registry_allowance",
    "registry_annualresult",
    "registry_discipline",
    "registry_membership",
    "registry_degree",
    "registry_politicaltraining",
    "registry_statemanagementtraining",
    "registry_defencetraining",
    "registry_itcertificate",
    "registry_languagecertificate",
    "registry_familymember",
    "registry_inlaw",
    "registry_oldregimeservice",
    "registry_foreignorganisation",
    "registry_foreigntrip",
    "registry_income",
    "registry_property",
)


class Migration(migrations.Migration):
    dependencies = [("registry", "0003_file_in_full"), ("workflows", "0002_walls")]

    operations = [GateGuard(table) for table in TABLES]
