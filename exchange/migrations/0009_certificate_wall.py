"""A difference that was found is what was found; the runs themselves only move on."""

from django.db import migrations

from workflows.walls import AppendOnly


class Migration(migrations.Migration):
    dependencies = [("exchange", "0008_reconciliation"), ("workflows", "0002_walls")]

    operations = [AppendOnly("exchange_difference")]
