"""The report of a trial is what an agency was told: never changed."""

from django.db import migrations

from workflows.walls import AppendOnly


class Migration(migrations.Migration):
    dependencies = [("exchange", "0005_trials"), ("workflows", "0002_walls")]

    operations = [AppendOnly("exchange_inboundtrial")]
