"""Rows that approvers give back, and the samples that they opened."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('workflows', '0008_schedule'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='RowReturn',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('leaf_index', models.PositiveIntegerField()),
                ('reason', models.CharField(choices=[('evidence', 'Evidence is missing'), ('value', 'A value does not agree with the documents'), ('person', 'The record belongs to somebody else'), ('authority', 'Not within our authority'), ('other', 'Another reason')], max_length=12)),
                ('text', models.CharField(blank=True, default='', max_length=240)),
                ('stage', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='row_returns', to='workflows.stage')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('stage', 'user', 'leaf_index'), name='row_return_once')],
            },
        ),
        migrations.CreateModel(
            name='SampleView',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('leaf_index', models.PositiveIntegerField()),
                ('seen_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('stage', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='sample_views', to='workflows.stage')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('stage', 'user', 'leaf_index'), name='sample_view_once')],
            },
        ),
    ]
