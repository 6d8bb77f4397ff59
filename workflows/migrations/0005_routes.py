"""Routes by unit and risk class, quorums and terms; the walls count quorums and keep people from deciding twice."""

import django.db.models.deletion
from django.db import migrations, models

from workflows.guards import DECISION_FUNCTION, ITEM_TRIGGER, MOVES_FUNCTION


class Migration(migrations.Migration):

    dependencies = [
        ('orgtree', '0001_initial'),
        ('workflows', '0004_audit_seals'),
    ]

    operations = [
        migrations.CreateModel(
            name='CalendarDay',
            fields=[
                ('day', models.DateField(primary_key=True, serialize=False, verbose_name='day')),
                ('works', models.BooleanField(default=False, verbose_name='working day')),
                ('name', models.CharField(max_length=100, verbose_name='name')),
            ],
            options={
                'verbose_name': 'holiday or exchanged working day',
                'verbose_name_plural': 'holidays and exchanged working days',
                'ordering': ['day'],
            },
        ),
        migrations.RemoveConstraint(
            model_name='route',
            name='route_one_active_a_kind',
        ),
        migrations.AddField(
            model_name='changeitem',
            name='risk',
            field=models.CharField(choices=[('A', 'Identity, rank, pay, discipline'), ('B', 'Post and unit'), ('C', 'Contact and the like')], db_default='A', default='A', max_length=1),
        ),
        migrations.AddField(
            model_name='changerequest',
            name='risk',
            field=models.CharField(choices=[('A', 'Identity, rank, pay, discipline'), ('B', 'Post and unit'), ('C', 'Contact and the like')], db_default='A', default='A', help_text='The highest class of the records.', max_length=1, verbose_name='risk class'),
        ),
        migrations.AddField(
            model_name='route',
            name='risk',
            field=models.CharField(blank=True, choices=[('A', 'Identity, rank, pay, discipline'), ('B', 'Post and unit'), ('C', 'Contact and the like')], db_default='', default='', max_length=1, verbose_name='risk class'),
        ),
        migrations.AddField(
            model_name='route',
            name='unit',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='orgtree.orgunit', verbose_name='unit and below'),
        ),
        migrations.AddField(
            model_name='stage',
            name='days',
            field=models.PositiveSmallIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='stage',
            name='quorum',
            field=models.PositiveSmallIntegerField(db_default=1, default=1),
        ),
        migrations.AddField(
            model_name='stage',
            name='role',
            field=models.CharField(blank=True, db_default='', default='', max_length=20),
        ),
        migrations.AddField(
            model_name='stage',
            name='sample',
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.AlterField(
            model_name='route',
            name='active',
            field=models.BooleanField(default=True, verbose_name='in force'),
        ),
        migrations.AlterField(
            model_name='route',
            name='kind',
            field=models.CharField(blank=True, default='', max_length=30, verbose_name='kind of record'),
        ),
        migrations.AlterField(
            model_name='route',
            name='name',
            field=models.CharField(max_length=100, verbose_name='name'),
        ),
        migrations.AlterField(
            model_name='route',
            name='steps',
            field=models.JSONField(verbose_name='steps'),
        ),
        migrations.AddConstraint(
            model_name='route',
            constraint=models.UniqueConstraint(condition=models.Q(('active', True)), fields=('kind', 'unit', 'risk'), name='route_one_active_a_scope', nulls_distinct=False),
        ),
        migrations.AddConstraint(
            model_name='stage',
            constraint=models.CheckConstraint(condition=models.Q(('quorum__gte', 1)), name='stage_needs_somebody'),
        ),
        migrations.RunSQL(ITEM_TRIGGER, migrations.RunSQL.noop),
        migrations.RunSQL(MOVES_FUNCTION, migrations.RunSQL.noop),
        migrations.RunSQL(DECISION_FUNCTION, migrations.RunSQL.noop),
    ]
