"""Pairs of a code of ours and a code of another side, and the codes that still want one."""

import django.db.models.deletion
from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields.ranges import DateRangeField
from django.db import migrations, models
from django.db.models import F, Func, Q
from django.db.models.functions import Now

PROTECT = django.db.models.deletion.PROTECT
WAYS = [("both", "Both ways"), ("out", "Outwards only"), ("in", "Inwards only")]


def one_of(column, way):
    period = Func(F("valid_from"), F("valid_to"), function="daterange", output_field=DateRangeField())
    return ExclusionConstraint(
        name=f"code_pair_{way}_once",
        expressions=[("side", "="), ("list", "="), (column, "="), (period, "&&")],
        condition=Q(ended_at=None, way__in=["both", way]),
    )


class Migration(migrations.Migration):
    dependencies = [
        ("exchange", "0037_revocation_answers"),
        ("registry", "0019_drafts_of_new_files"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            "CodeGap",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("side", models.CharField(max_length=110)),
                ("way", models.CharField(choices=WAYS, max_length=4)),
                ("list", models.CharField(max_length=30)),
                ("code", models.CharField(max_length=60)),
                ("place", models.CharField(max_length=80)),
                ("noticed_at", models.DateTimeField(db_default=Now())),
                ("staff", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="registry.staffprofile")),
            ],
            options={"constraints": [models.UniqueConstraint(fields=("side", "way", "list", "code", "staff"), name="code_gap_once")]},
        ),
        migrations.CreateModel(
            "CodePair",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("side", models.CharField(max_length=110, verbose_name="other side")),
                ("list", models.CharField(max_length=30, verbose_name="list")),
                ("code", models.CharField(max_length=20, verbose_name="our code")),
                ("theirs", models.CharField(max_length=60, verbose_name="their code")),
                ("way", models.CharField(choices=WAYS, default="both", max_length=4, verbose_name="direction")),
                ("valid_from", models.DateField(null=True, verbose_name="valid from")),
                ("valid_to", models.DateField(null=True, verbose_name="valid to")),
                ("added_at", models.DateTimeField(db_default=Now())),
                ("ended_at", models.DateTimeField(null=True)),
                ("added_by", models.ForeignKey(on_delete=PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
                ("ended_by", models.ForeignKey(null=True, on_delete=PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
            ],
            options={
                "verbose_name": "pair of codes",
                "verbose_name_plural": "pairs of codes",
                "default_permissions": (),
                "constraints": [
                    one_of("code", "out"),
                    one_of("theirs", "in"),
                    models.CheckConstraint(
                        condition=Q(valid_to=None) | Q(valid_from=None) | Q(valid_from__lt=F("valid_to")), name="code_pair_period"
                    ),
                    models.CheckConstraint(condition=~Q(code="") & ~Q(theirs=""), name="code_pair_says_both"),
                    models.CheckConstraint(
                        condition=Q(ended_at=None, ended_by=None) | Q(ended_at__isnull=False, ended_by__isnull=False), name="code_pair_end"
                    ),
                ],
            },
        ),
    ]
