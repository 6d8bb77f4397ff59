"""A draft may be of somebody who has no file yet."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("orgtree", "__first__"),
        ("registry", "0018_field_demands"),
        ("workflows", "__first__"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name="draft",
            name="staff",
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="registry.staffprofile"),
        ),
        migrations.AddField(model_name="draft", name="new_file", field=models.UUIDField(null=True, unique=True)),
        migrations.AddField(
            model_name="draft",
            name="unit",
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="orgtree.orgunit"),
        ),
        migrations.AddConstraint(
            model_name="draft",
            constraint=models.CheckConstraint(
                condition=models.Q(("new_file", None), ("staff__isnull", False), ("unit", None))
                | models.Q(("new_file__isnull", False), ("staff", None), ("unit__isnull", False)),
                name="draft_of_one_file",
            ),
        ),
    ]
