"""The 34 provinces and the central bodies that have to send. Administrators extend the list; nothing is taken from it here."""

import csv
from pathlib import Path

from django.db import migrations

BODIES = Path(__file__).resolve().parents[1] / "data" / "expected_bodies.csv"


def load(apps, schema_editor):
    model = apps.get_model("exchange", "ExpectedBody")
    with BODIES.open(encoding="utf-8", newline="") as file:
        model.objects.bulk_create(
            [
                model(code=row["code"] or None, name=row["name"], kind=row["kind"], position=position)
                for position, row in enumerate(csv.DictReader(file), start=1)
            ],
            ignore_conflicts=True,
        )


class Migration(migrations.Migration):
    dependencies = [("exchange", "0010_board")]

    operations = [migrations.RunPython(load, migrations.RunPython.noop)]
