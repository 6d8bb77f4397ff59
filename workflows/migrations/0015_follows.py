"""A request of which records are tried once more is named by the one that tries them."""

import django.db.models.deletion
from django.db import migrations, models

from workflows.guards import MOVES_FUNCTION


class Migration(migrations.Migration):
    dependencies = [("workflows", "0014_rights_walls")]

    operations = [
        migrations.AddField(
            "changerequest",
            "follows",
            models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="followers",
                to="workflows.changerequest",
                help_text="The ended request of which records are tried once more.",
            ),
        ),
        migrations.RunSQL(MOVES_FUNCTION, migrations.RunSQL.noop),
    ]
