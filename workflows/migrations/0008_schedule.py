"""Requests that take effect on a day, are recalled, or expire."""

from django.db import migrations, models

from workflows.guards import MOVES_FUNCTION


class Migration(migrations.Migration):

    dependencies = [
        ('workflows', '0007_absence'),
    ]

    operations = [
        migrations.AddField(
            model_name='changerequest',
            name='effective_on',
            field=models.DateField(help_text='Applied on this day; as soon as it is approved without one.', null=True, verbose_name='takes effect on'),
        ),
        migrations.AddField(
            model_name='changerequest',
            name='expires_on',
            field=models.DateField(help_text='The last day of the review, counted by the route.', null=True, verbose_name='to be decided by'),
        ),
        migrations.AddField(
            model_name='route',
            name='lasts',
            field=models.PositiveSmallIntegerField(db_default=60, default=60, help_text='Working days after which an undecided request expires.', verbose_name='days of the review'),
        ),
        migrations.AlterField(
            model_name='changerequest',
            name='state',
            field=models.CharField(choices=[('draft', 'Draft'), ('checking', 'Being checked'), ('ready', 'Ready to submit'), ('in_review', 'Awaiting approval'), ('approved', 'Approved'), ('scheduled', 'Scheduled'), ('applying', 'Being applied'), ('applied', 'Applied'), ('returned', 'Returned'), ('withdrawn', 'Withdrawn'), ('recalled', 'Recalled'), ('conflict', 'Conflict'), ('expired', 'Expired'), ('failed', 'Failed')], default='draft', max_length=12, verbose_name='state'),
        ),
        migrations.RunSQL(MOVES_FUNCTION, migrations.RunSQL.noop),
    ]
