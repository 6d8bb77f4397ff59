"""RFC 3161 time-stamps over signatures, append-only."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models.functions import Now

from workflows.walls import AppendOnly


class Migration(migrations.Migration):
    dependencies = [("workflows", "0017_evidence_and_marks_walls")]

    operations = [
        migrations.CreateModel(
            "Timestamp",
            [
                (
                    "signature",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="timestamp",
                        serialize=False,
                        to="workflows.signature",
                    ),
                ),
                ("token", models.BinaryField()),
                ("stamped_at", models.DateTimeField()),
                ("recorded_at", models.DateTimeField(db_default=Now())),
            ],
        ),
        AppendOnly("workflows_timestamp"),
    ]
