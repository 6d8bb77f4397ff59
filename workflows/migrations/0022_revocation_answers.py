"""What OCSP responders said of a signer's certificates, kept with the signature, append-only."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models.functions import Now

from workflows.walls import AppendOnly


class Migration(migrations.Migration):
    dependencies = [("workflows", "0021_holds")]

    operations = [
        migrations.CreateModel(
            "RevocationAnswer",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("certificate", models.CharField(max_length=64)),
                ("responder", models.CharField(max_length=300)),
                ("der", models.BinaryField()),
                ("digest", models.BinaryField(max_length=32)),
                ("recorded_at", models.DateTimeField(db_default=Now())),
                (
                    "signature",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="answers", to="workflows.signature"),
                ),
            ],
            options={"constraints": [models.UniqueConstraint(fields=["signature", "certificate"], name="one_answer_a_certificate")]},
        ),
        AppendOnly("workflows_revocationanswer"),
    ]
