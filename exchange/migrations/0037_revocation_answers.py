"""What OCSP responders said of the certificates behind an agency's signature, kept with it."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("exchange", "0036_bulk_hours")]

    operations = [
        migrations.AddField(
            "agencymanifest",
            "answers",
            django.contrib.postgres.fields.ArrayField(base_field=models.BinaryField(), db_default=[], default=list, size=None),
        ),
        migrations.AddField("agencymanifest", "asked_at", models.DateTimeField(null=True)),
    ]
