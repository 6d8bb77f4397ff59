"""The words of a row's states in an upload."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('registry', '0011_codes_through_the_gate'),
    ]

    operations = [
        migrations.AlterField(
            model_name='uploadrow',
            name='state',
            field=models.CharField(choices=[('waiting', 'Not checked yet'), ('staged', 'Accepted'), ('submitted', 'In a request'), ('returned', 'To correct'), ('undecided', 'Who is it?'), ('unchanged', 'Unchanged'), ('left_out', 'Left out')], default='waiting', max_length=10, verbose_name='state'),
        ),
    ]
