"""Changes of grants that two people make, deputies of offices, terms of stages, and notices."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orgtree', '0001_initial'),
        ('workflows', '0012_own_declarations'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='NoticeMark',
            fields=[
                ('id', models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ('event_id', models.BigIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name='NoticeWish',
            fields=[
                ('user', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='notice_wish', serialize=False, to=settings.AUTH_USER_MODEL)),
                ('mail', models.CharField(choices=[('digest', 'Once each working day, in one message'), ('at_once', 'At once, what waits for me; the rest once a day'), ('none', 'Not at all')], default='digest', max_length=7, verbose_name='by e-mail')),
            ],
        ),
        migrations.CreateModel(
            name='Deputy',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('rank', models.PositiveSmallIntegerField(default=1, verbose_name='order')),
                ('risks', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('A', 'Identity, rank, pay, discipline'), ('B', 'Post and unit'), ('C', 'Contact and the like')], max_length=1), size=None, verbose_name='risk classes')),
                ('valid_from', models.DateField(verbose_name='valid from')),
                ('valid_to', models.DateField(verbose_name='valid to')),
                ('decision_number', models.CharField(max_length=60, verbose_name='decision number')),
                ('made_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='recorded at')),
                ('revoked_at', models.DateTimeField(null=True, verbose_name='revoked at')),
                ('made_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='recorded by')),
                ('unit', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='deputies', to='orgtree.orgunit', verbose_name='office')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='deputy_of', to=settings.AUTH_USER_MODEL, verbose_name='deputy')),
            ],
            options={
                'verbose_name': 'deputy of an office',
                'verbose_name_plural': 'deputies of offices',
            },
        ),
        migrations.AddField(
            model_name='delegation',
            name='deputy',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='delegations', to='workflows.deputy', verbose_name='as deputy of the office'),
        ),
        migrations.CreateModel(
            name='GrantChange',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('batch', models.UUIDField(db_index=True, null=True)),
                ('op', models.CharField(choices=[('give', 'Give'), ('renew', 'Renew'), ('end', 'End')], max_length=5, verbose_name='what happens')),
                ('role', models.CharField(choices=[('clerk', 'HR clerk'), ('supervisor', 'Supervisor'), ('officer', 'HR officer'), ('operator', 'Exchange operator'), ('auditor', 'Auditor'), ('administrator', 'Administrator')], max_length=20, verbose_name='role')),
                ('valid_from', models.DateField(verbose_name='valid from')),
                ('valid_to', models.DateField(verbose_name='valid to')),
                ('reason', models.CharField(max_length=300, verbose_name='reason')),
                ('system', models.CharField(blank=True, default='', max_length=100)),
                ('proposed_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='proposed at')),
                ('state', models.CharField(choices=[('proposed', 'Waits for confirmation'), ('confirmed', 'Confirmed'), ('refused', 'Refused'), ('withdrawn', 'Withdrawn'), ('lapsed', 'Lapsed')], default='proposed', max_length=9, verbose_name='state')),
                ('decided_at', models.DateTimeField(null=True, verbose_name='decided at')),
                ('note', models.CharField(blank=True, default='', max_length=300, verbose_name='note')),
                ('confirmed_xid', models.BigIntegerField(editable=False, null=True)),
                ('about', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='changes', to='orgtree.grant')),
                ('decider', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='decided by')),
                ('grant', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='given_by_change', to='orgtree.grant')),
                ('proposer', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='proposed by')),
                ('unit', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='orgtree.orgunit', verbose_name='unit')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='user')),
            ],
            options={
                'verbose_name': 'change of a grant',
                'verbose_name_plural': 'changes of grants',
            },
        ),
        migrations.CreateModel(
            name='NoticeMail',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('key', models.CharField(max_length=120)),
                ('state', models.CharField(choices=[('queued', 'Waits to be sent'), ('sent', 'Sent'), ('parked', 'Could not be sent')], default='queued', max_length=6, verbose_name='state')),
                ('attempts', models.PositiveSmallIntegerField(default=0, verbose_name='tries')),
                ('not_before', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='next try')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='time')),
                ('sent_at', models.DateTimeField(null=True, verbose_name='sent')),
                ('error', models.CharField(blank=True, default='', max_length=300, verbose_name='error')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='user')),
            ],
            options={
                'verbose_name': 'e-mail',
                'verbose_name_plural': 'e-mails',
            },
        ),
        migrations.CreateModel(
            name='Notice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('waiting', 'A request waits for my decision'), ('half_time', 'Half of the time to decide has passed'), ('overdue', 'A decision is overdue'), ('overdue_below', 'A decision in a unit below is overdue'), ('nobody', 'Nobody can decide on a request'), ('returned', 'My request was returned'), ('rows_returned', 'Records of my request were returned'), ('applied', 'My request has been applied'), ('not_applied', 'My request could not be applied'), ('expired', 'My request has expired'), ('recalled', 'My request was recalled'), ('stands_in', 'I decide in somebody’s place'), ('is_stood_in', 'Somebody decides in my place'), ('grant_waiting', 'A grant waits for confirmation'), ('grant_decided', 'A grant that I proposed was decided'), ('grant_given', 'I was given a role'), ('grant_ended', 'A role of mine has ended'), ('grant_ends', 'A role ends soon')], max_length=20, verbose_name='kind')),
                ('key', models.CharField(max_length=120)),
                ('detail', models.JSONField(default=dict)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='time')),
                ('read_at', models.DateTimeField(null=True, verbose_name='read')),
                ('request', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='workflows.changerequest')),
                ('unit', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='orgtree.orgunit')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='notices', to=settings.AUTH_USER_MODEL, verbose_name='user')),
                ('mail', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='notices', to='workflows.noticemail')),
            ],
            options={
                'verbose_name': 'notice',
                'verbose_name_plural': 'notices',
            },
        ),
        migrations.CreateModel(
            name='StageTerm',
            fields=[
                ('stage', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='term', serialize=False, to='workflows.stage')),
                ('opened_at', models.DateTimeField()),
                ('half_on', models.DateField(null=True)),
                ('due_on', models.DateField(null=True)),
                ('above_on', models.DateField(null=True)),
            ],
            options={
                'indexes': [models.Index(fields=['due_on'], name='workflows_s_due_on_7b1cf7_idx')],
            },
        ),
        migrations.CreateModel(
            name='Absence',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('valid_from', models.DateField(verbose_name='valid from')),
                ('valid_to', models.DateField(verbose_name='valid to')),
                ('made_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='recorded at')),
                ('ended_at', models.DateTimeField(null=True, verbose_name='ended at')),
                ('made_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='recorded by')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='absences', to=settings.AUTH_USER_MODEL, verbose_name='user')),
            ],
            options={
                'verbose_name': 'absence',
                'verbose_name_plural': 'absences',
                'indexes': [models.Index(fields=['user', 'valid_to'], name='workflows_a_user_id_cb704b_idx')],
                'constraints': [models.CheckConstraint(condition=models.Q(('valid_to__gt', models.F('valid_from'))), name='absence_period_ordered')],
            },
        ),
        migrations.AddIndex(
            model_name='deputy',
            index=models.Index(fields=['unit', 'valid_to'], name='workflows_d_unit_id_555b60_idx'),
        ),
        migrations.AddConstraint(
            model_name='deputy',
            constraint=models.CheckConstraint(condition=models.Q(('valid_to__gt', models.F('valid_from'))), name='deputy_period_ordered'),
        ),
        migrations.AddConstraint(
            model_name='deputy',
            constraint=models.CheckConstraint(condition=models.Q(('risks__contained_by', ['A', 'B', 'C']), ('risks__len__gt', 0)), name='deputy_risks_known'),
        ),
        migrations.AddConstraint(
            model_name='deputy',
            constraint=models.CheckConstraint(condition=models.Q(('decision_number', ''), _negated=True), name='deputy_by_decision'),
        ),
        migrations.AddIndex(
            model_name='grantchange',
            index=models.Index(fields=['state', 'unit'], name='workflows_g_state_5f1ef1_idx'),
        ),
        migrations.AddIndex(
            model_name='grantchange',
            index=models.Index(fields=['user', '-proposed_at'], name='workflows_g_user_id_0d5e59_idx'),
        ),
        migrations.AddConstraint(
            model_name='grantchange',
            constraint=models.CheckConstraint(condition=models.Q(('decider', models.F('proposer')), _negated=True), name='grantchange_four_eyes'),
        ),
        migrations.AddConstraint(
            model_name='grantchange',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('proposer', models.F('user')), _negated=True), models.Q(('decider', models.F('user')), _negated=True)), name='grantchange_never_ones_own'),
        ),
        migrations.AddConstraint(
            model_name='grantchange',
            constraint=models.CheckConstraint(condition=models.Q(('valid_to__gt', models.F('valid_from')), ('op', 'end'), _connector='OR'), name='grantchange_period_ordered'),
        ),
        migrations.AddConstraint(
            model_name='grantchange',
            constraint=models.CheckConstraint(condition=models.Q(('reason', ''), _negated=True), name='grantchange_says_why'),
        ),
        migrations.AddConstraint(
            model_name='grantchange',
            constraint=models.CheckConstraint(condition=models.Q(('proposer__isnull', False), models.Q(('system', ''), _negated=True), _connector='XOR'), name='grantchange_has_one_origin'),
        ),
        migrations.AddConstraint(
            model_name='grantchange',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('about', None), ('op', 'give')), models.Q(models.Q(('op', 'give'), _negated=True), ('about__isnull', False)), _connector='OR'), name='grantchange_names_its_grant'),
        ),
        migrations.AddConstraint(
            model_name='grantchange',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state__in', ['confirmed', 'refused']), _negated=True), ('decider__isnull', False), models.Q(('system', ''), _negated=True), _connector='OR'), name='grantchange_has_a_decider'),
        ),
        migrations.AddConstraint(
            model_name='grantchange',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'proposed')), fields=('user', 'role', 'unit', 'op'), name='grantchange_one_open'),
        ),
        migrations.AddIndex(
            model_name='noticemail',
            index=models.Index(condition=models.Q(('state', 'queued')), fields=['not_before'], name='noticemail_due'),
        ),
        migrations.AddConstraint(
            model_name='noticemail',
            constraint=models.UniqueConstraint(fields=('user', 'key'), name='noticemail_once'),
        ),
        migrations.AddIndex(
            model_name='notice',
            index=models.Index(fields=['user', '-id'], name='workflows_n_user_id_480fb0_idx'),
        ),
        migrations.AddIndex(
            model_name='notice',
            index=models.Index(condition=models.Q(('read_at', None)), fields=['user'], name='notice_unread'),
        ),
        migrations.AddIndex(
            model_name='notice',
            index=models.Index(condition=models.Q(('mail', None)), fields=['user'], name='notice_unsent'),
        ),
        migrations.AddConstraint(
            model_name='notice',
            constraint=models.UniqueConstraint(fields=('user', 'key'), name='notice_once'),
        ),
    ]
