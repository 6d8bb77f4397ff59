"""Seals handed to outside witnesses, and those of others that we witness, append-only."""

from django.db import migrations, models
from django.db.models.functions import Now

from workflows.walls import AppendOnly


class Migration(migrations.Migration):
    dependencies = [("workflows", "0022_revocation_answers")]

    operations = [
        migrations.CreateModel(
            "SealTold",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("witness", models.CharField(max_length=100)),
                ("body", models.BinaryField()),
                ("ledger", models.BigIntegerField(default=0)),
                ("audit", models.BigIntegerField(default=0)),
                ("told_at", models.DateTimeField(db_default=Now())),
            ],
            options={"indexes": [models.Index(fields=["witness", "-told_at"], name="seal_told_latest")]},
        ),
        migrations.CreateModel(
            "SealSeen",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("authority", models.CharField(max_length=35)),
                ("chain", models.CharField(max_length=6)),
                ("sequence", models.BigIntegerField()),
                ("digest", models.BinaryField(max_length=32)),
                ("at", models.DateTimeField()),
                ("received_at", models.DateTimeField(db_default=Now())),
            ],
            options={"constraints": [models.UniqueConstraint(fields=["authority", "chain", "sequence"], name="seal_seen_once")]},
        ),
        AppendOnly("workflows_sealtold"),
        AppendOnly("workflows_sealseen"),
    ]
