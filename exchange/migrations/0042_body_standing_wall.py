"""How a body stood stays as it was said."""

from django.db import migrations

from workflows.walls import AppendOnly


class Migration(migrations.Migration):
    dependencies = [("exchange", "0041_bodies_as_they_stand"), ("workflows", "0002_walls")]

    operations = [AppendOnly("exchange_bodystanding")]
