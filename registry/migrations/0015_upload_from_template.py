"""Uploads of our own template are compared with the versions it was written from; three indexes that others begin with are gone."""

import django.db.models.deletion
from django.db import migrations, models


def _of_upload(related_name: str) -> models.ForeignKey:
    return models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name=related_name, to="registry.upload")


class Migration(migrations.Migration):
    dependencies = [("registry", "0014_ranks_and_steps_through_the_gate")]

    operations = [
        migrations.AddField("upload", "from_template", models.BooleanField(db_default=False, default=False)),
        migrations.AlterField("uploadrow", "upload", _of_upload("rows")),
        migrations.AlterField("uploadfinding", "upload", _of_upload("findings")),
        migrations.AlterField("uploadchange", "upload", _of_upload("changes")),
    ]
