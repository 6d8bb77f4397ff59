"""Hours of large deliveries, for lines that have any."""

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("exchange", "0035_receipts_in_order")]

    operations = [
        migrations.CreateModel(
            name="BulkHours",
            fields=[
                (
                    "channel",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="bulk_hours",
                        serialize=False,
                        to="exchange.channel",
                    ),
                ),
                (
                    "above",
                    models.PositiveIntegerField(
                        db_default=500, default=500, validators=[django.core.validators.MinValueValidator(1)], verbose_name="records"
                    ),
                ),
                ("opens", models.TimeField(verbose_name="from")),
                ("closes", models.TimeField(verbose_name="until")),
            ],
            options={"verbose_name": "hours of large deliveries", "verbose_name_plural": "hours of large deliveries"},
        ),
        migrations.AddConstraint(
            model_name="bulkhours",
            constraint=models.CheckConstraint(condition=~models.Q(opens=models.F("closes")), name="bulk_hours_are_some"),
        ),
    ]
