"""What somebody is still writing: drafts of one file and of one decision about many people; and that nothing has changed."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from workflows.walls import AppendOnly

NOW = django.db.models.functions.datetime.Now()


class Migration(migrations.Migration):

    dependencies = [
        ('registry', '0004_walls_of_rows'),
        ('workflows', '0011_acts'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Confirmation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('version', models.PositiveIntegerField()),
                ('confirmed_at', models.DateTimeField(db_default=NOW)),
                ('staff', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='confirmations', to='registry.staffprofile')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'default_permissions': (),
                'indexes': [models.Index(fields=['staff', '-confirmed_at'], name='confirmation_latest')],
            },
        ),
        migrations.CreateModel(
            name='DecisionDraft',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('salary_step', 'Salary step'), ('appointment', 'Appointment or transfer'), ('evaluation', 'Evaluation of the year')], max_length=12)),
                ('common', models.JSONField(default=dict)),
                ('lines', models.JSONField(default=dict)),
                ('created_at', models.DateTimeField(db_default=NOW)),
                ('saved_at', models.DateTimeField(db_default=NOW)),
                ('request', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='workflows.changerequest')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'default_permissions': (),
                'indexes': [models.Index(fields=['user', '-saved_at'], name='decision_draft_of_user')],
            },
        ),
        migrations.CreateModel(
            name='Draft',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('act', models.CharField(choices=[('correct', 'Correct a mistake'), ('record', 'Record a change'), ('own', 'Declared by the person')], max_length=8)),
                ('base_version', models.PositiveIntegerField()),
                ('cells', models.JSONField(default=dict)),
                ('revisions', models.JSONField(default=dict)),
                ('revealed', models.JSONField(default=list)),
                ('reason', models.CharField(blank=True, default='', max_length=1000)),
                ('created_at', models.DateTimeField(db_default=NOW)),
                ('saved_at', models.DateTimeField(db_default=NOW)),
                ('request', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='workflows.changerequest')),
                ('staff', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='registry.staffprofile')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'default_permissions': (),
                'indexes': [models.Index(fields=['user', '-saved_at'], name='draft_of_user')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('request', None)), fields=('user', 'staff', 'act'), name='draft_one_open')],
            },
        ),
        AppendOnly("registry_confirmation"),
    ]
