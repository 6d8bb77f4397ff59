"""People are written only by applying an approved change request."""

from django.db import migrations

from workflows.walls import GateGuard


class Migration(migrations.Migration):
    dependencies = [("registry", "0001_initial"), ("workflows", "0002_walls")]

    operations = [GateGuard("registry_staffprofile"), GateGuard("registry_posting")]
