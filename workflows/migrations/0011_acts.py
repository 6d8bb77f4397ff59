"""What a change is meant as (a correction, a new fact, a person's own declaration), why, and routes that stand before others for an act."""

from django.db import migrations, models

from workflows.guards import MOVES_FUNCTION

ACTS = [('correct', 'Correct a mistake'), ('record', 'Record a change'), ('own', 'Declared by the person')]


class Migration(migrations.Migration):

    dependencies = [
        ('workflows', '0010_read_log'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='route',
            name='route_one_active_a_scope',
        ),
        migrations.AddField(
            model_name='changerequest',
            name='act',
            field=models.CharField(blank=True, choices=ACTS, db_default='', default='', max_length=8, verbose_name='kind of act'),
        ),
        migrations.AddField(
            model_name='changerequest',
            name='reason',
            field=models.CharField(blank=True, db_default='', default='', help_text='Why a value that stood is corrected.', max_length=1000, verbose_name='reason'),
        ),
        migrations.AddField(
            model_name='route',
            name='act',
            field=models.CharField(blank=True, choices=ACTS, db_default='', default='', max_length=8, verbose_name='kind of act'),
        ),
        migrations.AddConstraint(
            model_name='changerequest',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('act', 'correct'), _negated=True), models.Q(('reason', ''), _negated=True), _connector='OR'), name='request_correction_says_why'),
        ),
        migrations.AddConstraint(
            model_name='route',
            constraint=models.UniqueConstraint(condition=models.Q(('active', True)), fields=('kind', 'unit', 'risk', 'act'), name='route_one_active_a_scope', nulls_distinct=False),
        ),
        migrations.RunSQL(MOVES_FUNCTION, migrations.RunSQL.noop),
    ]
