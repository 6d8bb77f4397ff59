"""When a person who left was taken over, as the hub tells it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("exchange", "0031_package_walls")]

    operations = [
        migrations.AddField("outgoingtransfer", "taken_at", models.DateTimeField(null=True, verbose_name="being taken over since")),
        migrations.AddField("outgoingtransfer", "passed_at", models.DateTimeField(null=True, verbose_name="person passed")),
    ]
