"""The live practice to its end, to be put in force where it is wanted: the organisation signs before anything leaves.

The one who keeps the seal (văn thư) is whoever operates the exchange: Decree 30/2020/NĐ-CP, Article 32, puts the seal and the organisation's
key into the care of one who keeps them for those that sign.
"""

from django.db import migrations

PRACTICE = [
    {"name": "Bộ phận tổ chức cán bộ thẩm định", "action": "edit", "role": "officer", "signature": False, "days": 3},
    {"name": "Lãnh đạo phê duyệt và ký số", "action": "approve", "signature": True, "days": 5, "sample": 5},
    {"name": "Văn thư ký số của cơ quan", "action": "operate", "signature": True, "seal": True, "days": 1},
]


def preset(apps, schema_editor):
    apps.get_model("workflows", "Route").objects.create(
        name="Thẩm định, lãnh đạo ký, rồi cơ quan ký số", kind="", steps=PRACTICE, active=False
    )


class Migration(migrations.Migration):
    dependencies = [("workflows", "0019_revocation_and_seal")]

    operations = [migrations.RunPython(preset, migrations.RunPython.noop)]
