from django.db import migrations, models

from workflows.walls import GateGuard


class Migration(migrations.Migration):

    initial = True

    # By name: the guard stands on a table of a lower layer and calls the gate's function (decisions.md 20).
    dependencies = [
        ("orgtree", "0001_initial"),
        ("workflows", "0002_walls"),
    ]

    operations = [
        migrations.CreateModel(
            name='OpenedOrgUnit',
            fields=[
                ('leaf_index', models.IntegerField(null=True)),
                ('op', models.CharField(max_length=6, null=True)),
                ('base_version', models.IntegerField(null=True)),
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('version', models.IntegerField(null=True, verbose_name='version')),
                ('digest', models.BinaryField(max_length=32, null=True, verbose_name='digest')),
                ('code', models.CharField(max_length=35, null=True, verbose_name='code')),
                ('name', models.CharField(max_length=250, null=True, verbose_name='name')),
                ('short_name', models.CharField(blank=True, max_length=100, null=True, verbose_name='short name')),
                ('kind', models.CharField(choices=[('ministry', 'Ministry or central body'), ('province', 'Province or city'), ('department', 'Department'), ('commune', 'Commune, ward or special zone'), ('division', 'Division or office'), ('school', 'School'), ('hospital', 'Hospital or health centre'), ('service_unit', 'Public service unit'), ('other', 'Other')], max_length=20, null=True, verbose_name='kind')),
                ('order_no', models.IntegerField(blank=True, help_text='Position among the units of one superior; without it, by name.', null=True, verbose_name='order')),
                ('valid_from', models.DateField(null=True, verbose_name='valid from')),
                ('valid_to', models.DateField(blank=True, null=True, verbose_name='valid to')),
            ],
            options={
                'db_table': 'opened_org_unit',
                'managed': False,
                'default_permissions': (),
            },
        ),
        GateGuard("orgtree_orgunit"),
    ]
