"""Scanned decisions as evidence of a request, and marks "does not leave"; indexes for the pages of the audit trail."""

import django.db.models.deletion
import django.db.models.functions.datetime
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orgtree', '0002_words'),
        ('workflows', '0015_follows'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Attachment',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('sha256', models.CharField(db_index=True, max_length=64)),
                ('name', models.CharField(max_length=200, verbose_name='file')),
                ('kind', models.CharField(choices=[('pdf', 'PDF'), ('jpeg', 'JPEG'), ('png', 'PNG')], max_length=4)),
                ('size', models.PositiveIntegerField(verbose_name='size')),
                ('added_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                'verbose_name': 'attachment',
            },
        ),
        migrations.CreateModel(
            name='Mark',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(max_length=30)),
                ('key', models.UUIDField()),
                ('field', models.CharField(blank=True, default='', max_length=60)),
                ('reason', models.CharField(max_length=300, verbose_name='reason')),
                ('decision_number', models.CharField(blank=True, default='', max_length=50, verbose_name='decision number')),
                ('state', models.CharField(choices=[('proposed', 'Proposed'), ('in_force', 'In force'), ('refused', 'Refused'), ('lifting', 'To be lifted'), ('lifted', 'Lifted')], default='proposed', max_length=8, verbose_name='state')),
                ('proposed_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('decided_at', models.DateTimeField(null=True)),
                ('lift_reason', models.CharField(blank=True, default='', max_length=300)),
                ('lifted_at', models.DateTimeField(null=True)),
            ],
            options={
                'verbose_name': 'mark “does not leave”',
            },
        ),
        migrations.AddIndex(
            model_name='auditevent',
            index=models.Index(fields=['unit', '-id'], name='workflows_a_unit_id_342434_idx'),
        ),
        migrations.AddIndex(
            model_name='auditevent',
            index=models.Index(fields=['action', '-id'], name='workflows_a_action_ab9376_idx'),
        ),
        migrations.AddField(
            model_name='attachment',
            name='added_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='attachment',
            name='request',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='attachments', to='workflows.changerequest'),
        ),
        migrations.AddField(
            model_name='mark',
            name='decided_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='mark',
            name='lift_proposed_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='mark',
            name='lifted_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='mark',
            name='proposed_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='mark',
            name='unit',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='orgtree.orgunit'),
        ),
        migrations.AddConstraint(
            model_name='attachment',
            constraint=models.UniqueConstraint(fields=('request', 'sha256'), name='attachment_once_a_request'),
        ),
        migrations.AddConstraint(
            model_name='attachment',
            constraint=models.CheckConstraint(condition=models.Q(('sha256__regex', '^[0-9a-f]{64}$'), ('size__gt', 0)), name='attachment_is_a_file'),
        ),
        migrations.AddConstraint(
            model_name='mark',
            constraint=models.UniqueConstraint(condition=models.Q(('state__in', ['proposed', 'in_force', 'lifting'])), fields=('kind', 'key', 'field'), name='mark_once'),
        ),
        migrations.AddConstraint(
            model_name='mark',
            constraint=models.CheckConstraint(condition=models.Q(('decided_by', None), models.Q(('decided_by', models.F('proposed_by')), _negated=True), _connector='OR'), name='mark_by_two'),
        ),
        migrations.AddConstraint(
            model_name='mark',
            constraint=models.CheckConstraint(condition=models.Q(('lifted_by', None), models.Q(('lifted_by', models.F('lift_proposed_by')), _negated=True), _connector='OR'), name='mark_lifted_by_two'),
        ),
        migrations.AddConstraint(
            model_name='mark',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('decided_by', None), ('state', 'proposed')), models.Q(('decided_by__isnull', False), models.Q(('state', 'proposed'), _negated=True)), _connector='OR'), name='mark_decided_or_proposed'),
        ),
        migrations.AddConstraint(
            model_name='mark',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('lift_proposed_by__isnull', False), ('lifted_by__isnull', False), ('state', 'lifted')), models.Q(('lifted_by', None), models.Q(('state', 'lifted'), _negated=True)), _connector='OR'), name='mark_lifted_or_not'),
        ),
    ]
