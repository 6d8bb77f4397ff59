"""The walls around grants, and a change that was proposed is never altered."""

from django.db import migrations

from workflows.grant_guards import CHANGE_FUNCTION, GATE_FUNCTION, TRIGGERS, TRIGGERS_BACK


class Migration(migrations.Migration):
    dependencies = [("workflows", "0013_rights_and_notices"), ("orgtree", "0001_initial")]

    operations = [migrations.RunSQL(CHANGE_FUNCTION + GATE_FUNCTION + TRIGGERS, TRIGGERS_BACK)]
