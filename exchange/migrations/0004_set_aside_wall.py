"""A version that was set aside is evidence as well: never changed."""

from django.db import migrations

from workflows.walls import AppendOnly


class Migration(migrations.Migration):
    dependencies = [("exchange", "0003_set_aside"), ("workflows", "0002_walls")]

    operations = [AppendOnly("exchange_setaside")]
