"""What a body reported stays as it was reported."""

from django.db import migrations

from workflows.walls import AppendOnly


class Migration(migrations.Migration):
    dependencies = [("exchange", "0011_expected_bodies"), ("workflows", "0002_walls")]

    operations = [AppendOnly("exchange_expectation")]
