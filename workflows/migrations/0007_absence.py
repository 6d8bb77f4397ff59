"""Delegations, with chains of two at most by trigger; decisions name in whose place they were made."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from workflows.guards import DECISION_FUNCTION, DELEGATION_FUNCTION, DELEGATION_TRIGGERS


class Migration(migrations.Migration):

    dependencies = [
        ('orgtree', '0001_initial'),
        ('workflows', '0006_presets'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='decision',
            name='on_behalf_of',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.CreateModel(
            name='Delegation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('risks', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('A', 'Identity, rank, pay, discipline'), ('B', 'Post and unit'), ('C', 'Contact and the like')], max_length=1), size=None, verbose_name='risk classes')),
                ('valid_from', models.DateField(verbose_name='valid from')),
                ('valid_to', models.DateField(help_text='The first day on which the delegation is no longer in force.', verbose_name='valid to')),
                ('decision_number', models.CharField(max_length=60, verbose_name='decision number')),
                ('made_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='recorded at')),
                ('revoked_at', models.DateTimeField(null=True, verbose_name='revoked at')),
                ('giver', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='delegations_given', to=settings.AUTH_USER_MODEL, verbose_name='giver')),
                ('made_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='recorded by')),
                ('receiver', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='delegations_received', to=settings.AUTH_USER_MODEL, verbose_name='receiver')),
                ('unit', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='orgtree.orgunit', verbose_name='unit and below')),
            ],
            options={
                'verbose_name': 'delegation',
                'verbose_name_plural': 'delegations',
            },
        ),
        migrations.AddField(
            model_name='decision',
            name='delegation',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='decisions', to='workflows.delegation'),
        ),
        migrations.AddConstraint(
            model_name='decision',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('delegation', None), ('on_behalf_of', None)), models.Q(('delegation__isnull', False), ('on_behalf_of__isnull', False)), _connector='OR'), name='decision_in_place_by_delegation'),
        ),
        migrations.AddIndex(
            model_name='delegation',
            index=models.Index(fields=['receiver', 'valid_to'], name='workflows_d_receive_fd80f1_idx'),
        ),
        migrations.AddConstraint(
            model_name='delegation',
            constraint=models.CheckConstraint(condition=models.Q(('giver', models.F('receiver')), _negated=True), name='delegation_to_somebody_else'),
        ),
        migrations.AddConstraint(
            model_name='delegation',
            constraint=models.CheckConstraint(condition=models.Q(('valid_to__gt', models.F('valid_from'))), name='delegation_period_ordered'),
        ),
        migrations.AddConstraint(
            model_name='delegation',
            constraint=models.CheckConstraint(condition=models.Q(('risks__contained_by', ['A', 'B', 'C']), ('risks__len__gt', 0)), name='delegation_risks_known'),
        ),
        migrations.AddConstraint(
            model_name='delegation',
            constraint=models.CheckConstraint(condition=models.Q(('decision_number', ''), _negated=True), name='delegation_by_decision'),
        ),
        migrations.RunSQL(DELEGATION_FUNCTION, "drop function public.hoso_delegation_chain()"),
        migrations.RunSQL(
            DELEGATION_TRIGGERS, "drop trigger hoso_keep on workflows_delegation; drop trigger hoso_chain on workflows_delegation"
        ),
        migrations.RunSQL(DECISION_FUNCTION, migrations.RunSQL.noop),
    ]
