"""Numbers of old identity cards beside the files of those who had them: a kind of record of its own, behind the gate's wall."""

import django.db.models.deletion
import uuid
from django.db import migrations, models

from workflows.walls import GateGuard


class Migration(migrations.Migration):

    dependencies = [
        ('orgtree', '0002_words'),
        ('registry', '0015_upload_from_template'),
    ]

    operations = [
        migrations.CreateModel(
            name='OpenedFormerNumber',
            fields=[
                ('leaf_index', models.IntegerField(null=True)),
                ('op', models.CharField(max_length=6, null=True)),
                ('base_version', models.IntegerField(null=True)),
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('version', models.PositiveIntegerField(null=True, verbose_name='version')),
                ('digest', models.BinaryField(max_length=32, null=True)),
                ('number', models.CharField(max_length=9, null=True, verbose_name='number of the old identity card')),
                ('issued_on', models.DateField(null=True, verbose_name='issued on')),
                ('issued_by', models.CharField(max_length=200, null=True, verbose_name='issued by')),
                ('source', models.CharField(max_length=300, null=True, verbose_name='source')),
                ('withdrawn', models.CharField(max_length=300, null=True, verbose_name='withdrawn because')),
            ],
            options={
                'db_table': 'opened_former_number',
                'managed': False,
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='FormerNumber',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('version', models.PositiveIntegerField(verbose_name='version')),
                ('digest', models.BinaryField(max_length=32)),
                ('number', models.CharField(max_length=9, verbose_name='number of the old identity card')),
                ('issued_on', models.DateField(null=True, verbose_name='issued on')),
                ('issued_by', models.CharField(max_length=200, null=True, verbose_name='issued by')),
                ('source', models.CharField(max_length=300, verbose_name='source')),
                ('withdrawn', models.CharField(max_length=300, null=True, verbose_name='withdrawn because')),
                ('staff', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='former_numbers', to='registry.staffprofile', verbose_name='staff profile')),
                ('unit', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='orgtree.orgunit', verbose_name='unit')),
            ],
            options={
                'verbose_name': 'number of an old identity card',
                'verbose_name_plural': 'numbers of old identity cards',
                'default_permissions': (),
                'constraints': [models.UniqueConstraint(fields=('number', 'staff'), name='registry_formernumber_once'), models.CheckConstraint(condition=models.Q(('number__regex', '^[0-9]{9}$')), name='registry_formernumber_form')],
            },
        ),
        GateGuard("registry_formernumber"),
        migrations.AlterField(
            model_name='uploadrow',
            name='match',
            field=models.CharField(blank=True, choices=[('', 'New file'), ('citizen_id', 'Personal identification number'), ('staff_number', 'Staff number in the unit'), ('old_card', 'Number of the old identity card'), ('score', 'Name and date of birth'), ('chosen', 'Chosen by a person')], db_default='', default='', max_length=12),
        ),
    ]
