"""The bodies of the list as they have stood since 1 July 2025, the day on which the 34 provinces began.

Public Security and Defence stand on it and are not counted, on earlier days' boards neither: the Ministry's number of 28 central bodies has always
left them out, and a board that counted them was wrong.
"""

from datetime import date

from django.db import migrations

SINCE = date(2025, 7, 1)
NOT_COUNTED = ("Bộ Công an", "Bộ Quốc phòng")
WHY = "Lực lượng vũ trang quản lý bằng hệ thống riêng; con số 28 bộ, cơ quan trung ương của Bộ Nội vụ không gồm Bộ Công an và Bộ Quốc phòng."
SOURCE = "Số liệu tiến độ Bộ Nội vụ công bố tháng 9 năm 2025"


def stand(apps, schema_editor):
    bodies, standings = apps.get_model("exchange", "ExpectedBody"), apps.get_model("exchange", "BodyStanding")
    standings.objects.bulk_create([_standing(standings, body) for body in bodies.objects.order_by("pk")])


def _standing(model, body):
    said = {"standing": "counted"} if body.name not in NOT_COUNTED else {"standing": "not_counted", "reason": WHY, "source": SOURCE}
    return model(body=body, day=SINCE, name=body.name, code=body.code or "", position=body.position, **said)


class Migration(migrations.Migration):
    dependencies = [("exchange", "0040_body_standings")]

    operations = [migrations.RunPython(stand, migrations.RunPython.noop)]
