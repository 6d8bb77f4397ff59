"""The route of every kind until an administrator says otherwise: one leader approves and signs."""

from django.db import migrations


def default_route(apps, schema_editor):
    apps.get_model("workflows", "Route").objects.create(
        name="Lãnh đạo phê duyệt và ký số", kind="", steps=[{"name": "Phê duyệt và ký số", "action": "approve", "signature": True}]
    )


class Migration(migrations.Migration):
    dependencies = [("workflows", "0002_walls")]

    operations = [migrations.RunPython(default_route, migrations.RunPython.noop)]
