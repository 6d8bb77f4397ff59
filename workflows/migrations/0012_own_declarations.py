"""What a person declares of themself is looked at by those who keep the files, before it goes its ordinary way (Decree 27/2026/NĐ-CP art. 19)."""

from django.db import migrations

STEPS = [{"name": "Cán bộ làm hồ sơ kiểm tra", "action": "edit", "signature": False, "days": 3}]


def preset(apps, schema_editor):
    apps.get_model("workflows", "Route").objects.create(name="Người có hồ sơ kê khai", kind="staff_profile", act="own", steps=STEPS)


class Migration(migrations.Migration):
    dependencies = [("workflows", "0011_acts")]

    operations = [migrations.RunPython(preset, migrations.RunPython.noop)]
