"""Rows of uploads are written twice, as read and as concluded: pressing them small each time took longer than all else that is stored of them."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("registry", "0016_former_numbers")]

    operations = [
        migrations.RunSQL(
            "alter table registry_uploadrow set (toast_tuple_target = 8160)",
            "alter table registry_uploadrow reset (toast_tuple_target)",
        )
    ]
