"""Presets: the live Vietnamese practice as a route to be put in force where it is wanted, and the holidays of 2026.

The route of migration 0003 stays the one in force. Days: Labour Code 45/2019/QH14 art. 112; the Government's notice on days off in 2026.
"""

from datetime import date, timedelta

from django.db import migrations

PRACTICE = [
    {"name": "Bộ phận tổ chức cán bộ thẩm định", "action": "edit", "role": "officer", "signature": False, "days": 3},
    {"name": "Lãnh đạo phê duyệt và ký số", "action": "approve", "signature": True, "days": 5, "sample": 5},
]
DAYS_OFF = [
    ("Tết Dương lịch", date(2026, 1, 1), 1),
    ("Tết Bính Ngọ", date(2026, 2, 16), 5),
    ("Nghỉ bù Giỗ Tổ Hùng Vương", date(2026, 4, 27), 1),
    ("Ngày Chiến thắng và Ngày Quốc tế lao động", date(2026, 4, 30), 2),
    ("Quốc khánh", date(2026, 9, 1), 2),
    ("Tết Dương lịch", date(2027, 1, 1), 1),
]


def presets(apps, schema_editor):
    apps.get_model("workflows", "Route").objects.create(name="Thẩm định, rồi lãnh đạo ký số", kind="", steps=PRACTICE, active=False)
    days = [(start + timedelta(days=more), name) for name, start, length in DAYS_OFF for more in range(length)]
    day = apps.get_model("workflows", "CalendarDay")
    day.objects.bulk_create([day(day=one, name=name) for one, name in days])


class Migration(migrations.Migration):
    dependencies = [("workflows", "0005_routes")]

    operations = [migrations.RunPython(presets, migrations.RunPython.noop)]
