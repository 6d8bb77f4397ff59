import django.contrib.auth.models
import django.contrib.auth.validators
import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
import django.contrib.postgres.indexes
import django.core.validators
import django.db.models.constraints
import django.db.models.deletion
import django.utils.timezone
import mptt.fields
import uuid
from django.conf import settings
from django.contrib.postgres.operations import BtreeGistExtension, TrigramExtension
from django.db import migrations, models


# The twins of orgtree/text.py (a test holds them equal). The bodies are parsed here and now (RETURN, not a string), so that no
# search path can redirect them; nothing in them depends on a locale, so that they are IMMUTABLE in truth.
PLAIN = r"""
CREATE FUNCTION public.hoso_plain(value text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN btrim(
    regexp_replace(
        translate(regexp_replace(normalize(value, NFD), '[\u0300-\u036f]', '', 'g'), 'ABCDEFGHIJKLMNOPQRSTUVWXYZĐđ', 'abcdefghijklmnopqrstuvwxyzdd'),
        '[ \t\n\r\f\v\u00a0]+', ' ', 'g'
    ),
    ' '
)
"""

SORT_KEY = r"""
CREATE FUNCTION public.hoso_sort_key(value text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN
    translate(
        regexp_replace(
            normalize(regexp_replace(normalize(value, NFD), '[\u0300\u0309\u0303\u0301\u0323]', '', 'g'), NFC),
            '[^ 0-9aăâbcdđeêfghijklmnoôơpqrstuưvwxyzAĂÂBCDĐEÊFGHIJKLMNOÔƠPQRSTUƯVWXYZ]', '~', 'g'
        ),
        ' 0123456789aăâbcdđeêfghijklmnoôơpqrstuưvwxyzAĂÂBCDĐEÊFGHIJKLMNOÔƠPQRSTUƯVWXYZ',
        '!0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefgABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg'
    )
    || ' '
    || rtrim(
        translate(
            regexp_replace(
                regexp_replace(
                    regexp_replace(normalize(value, NFD), '[\u0302\u0304-\u0308\u030a-\u0322\u0324-\u036f]', '', 'g'),
                    '[^\u0300\u0309\u0303\u0301\u0323](?=[\u0300\u0309\u0303\u0301\u0323])', '', 'g'
                ),
                '[^\u0300\u0309\u0303\u0301\u0323]', '1', 'g'
            ),
            U&'\0300\0309\0303\0301\0323', '23456'
        ),
        '1'
    )
"""

PERSON_SORT_KEY = r"""
CREATE FUNCTION public.hoso_person_sort_key(value text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (
    SELECT public.hoso_sort_key(coalesce(substring(name from '[^ ]+$'), ''))
        || ' ' || public.hoso_sort_key(coalesce(substring(name from '^[^ ]+ (.+) [^ ]+$'), ''))
        || ' ' || public.hoso_sort_key(coalesce(substring(name from '^([^ ]+) '), ''))
    FROM (SELECT btrim(regexp_replace(value, '[ \t\n\r\f\v\u00a0]+', ' ', 'g'), ' ') AS name) AS spaced
)
"""

FUNCTIONS = migrations.RunSQL(
    sql=[PLAIN, SORT_KEY, PERSON_SORT_KEY],
    reverse_sql=[
        "DROP FUNCTION public.hoso_person_sort_key(text)",
        "DROP FUNCTION public.hoso_sort_key(text)",
        "DROP FUNCTION public.hoso_plain(text)",
    ],
)


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
    ]

    operations = [
        TrigramExtension(),
        BtreeGistExtension(),
        FUNCTIONS,
        migrations.CreateModel(
            name='User',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('password', models.CharField(max_length=128, verbose_name='password')),
                ('last_login', models.DateTimeField(blank=True, null=True, verbose_name='last login')),
                ('is_superuser', models.BooleanField(default=False, help_text='Designates that this user has all permissions without explicitly assigning them.', verbose_name='superuser status')),
                ('username', models.CharField(error_messages={'unique': 'A user with that username already exists.'}, help_text='Required. 150 characters or fewer. Letters, digits and @/./+/-/_ only.', max_length=150, unique=True, validators=[django.contrib.auth.validators.UnicodeUsernameValidator()], verbose_name='username')),
                ('first_name', models.CharField(blank=True, max_length=150, verbose_name='first name')),
                ('last_name', models.CharField(blank=True, max_length=150, verbose_name='last name')),
                ('email', models.EmailField(blank=True, max_length=254, verbose_name='email address')),
                ('is_staff', models.BooleanField(default=False, help_text='Designates whether the user can log into this admin site.', verbose_name='staff status')),
                ('is_active', models.BooleanField(default=True, help_text='Designates whether this user should be treated as active. Unselect this instead of deleting accounts.', verbose_name='active')),
                ('date_joined', models.DateTimeField(default=django.utils.timezone.now, verbose_name='date joined')),
                ('personal_number', models.CharField(blank=True, help_text="12 digits, as in the subject of the person's certificate.", max_length=12, null=True, unique=True, validators=[django.core.validators.RegexValidator('\\A[0-9]{12}\\Z', 'A personal identification number has 12 digits.')], verbose_name='personal identification number')),
                ('certificate_fingerprint', models.CharField(blank=True, help_text="SHA-256 of the person's signing certificate, when it does not carry the number.", max_length=64, null=True, unique=True, validators=[django.core.validators.RegexValidator('\\A[0-9a-f]{64}\\Z', 'A fingerprint has 64 hexadecimal digits in lower case.')], verbose_name='certificate fingerprint')),
                ('groups', models.ManyToManyField(blank=True, help_text='The groups this user belongs to. A user will get all permissions granted to each of their groups.', related_name='user_set', related_query_name='user', to='auth.group', verbose_name='groups')),
                ('user_permissions', models.ManyToManyField(blank=True, help_text='Specific permissions for this user.', related_name='user_set', related_query_name='user', to='auth.permission', verbose_name='user permissions')),
            ],
            options={
                'verbose_name': 'user',
                'verbose_name_plural': 'users',
            },
            managers=[
                ('objects', django.contrib.auth.models.UserManager()),
            ],
        ),
        migrations.CreateModel(
            name='Area',
            fields=[
                ('key', models.CharField(max_length=12, primary_key=True, serialize=False, verbose_name='key')),
                ('code', models.CharField(max_length=5, verbose_name='code')),
                ('level', models.CharField(choices=[('province', 'Province'), ('district', 'District'), ('commune', 'Commune')], max_length=8, verbose_name='level')),
                ('name', models.CharField(max_length=100, verbose_name='name')),
                ('full_name', models.CharField(max_length=120, verbose_name='full name')),
                ('kind', models.CharField(choices=[('province', 'Province'), ('city', 'City'), ('urban_district', 'Urban district'), ('town', 'Town'), ('rural_district', 'Rural district'), ('ward', 'Ward'), ('township', 'Township'), ('commune', 'Commune'), ('special_zone', 'Special zone')], max_length=14, verbose_name='kind')),
                ('valid_from', models.DateField(verbose_name='valid from')),
                ('valid_to', models.DateField(blank=True, null=True, verbose_name='valid to')),
                ('name_search', models.GeneratedField(db_persist=True, expression=models.Func(models.F('full_name'), function='public.hoso_plain'), output_field=models.TextField())),
                ('sort_key', models.GeneratedField(db_persist=True, expression=models.Func(models.F('name'), function='public.hoso_sort_key'), output_field=models.TextField(db_collation='C'))),
                ('parent', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='children', to='orgtree.area', verbose_name='belongs to')),
            ],
            options={
                'verbose_name': 'area',
                'verbose_name_plural': 'areas',
            },
        ),
        migrations.CreateModel(
            name='AreaSuccession',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('whole', 'As a whole'), ('split', 'Split')], max_length=5, verbose_name='kind')),
                ('is_default', models.BooleanField(verbose_name='main successor')),
                ('new', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='origins', to='orgtree.area', verbose_name='present area')),
                ('old', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='successions', to='orgtree.area', verbose_name='former area')),
            ],
            options={
                'verbose_name': 'succession of areas',
                'verbose_name_plural': 'successions of areas',
            },
        ),
        migrations.CreateModel(
            name='OrgUnit',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('version', models.IntegerField(default=0, verbose_name='version')),
                ('digest', models.BinaryField(max_length=32, null=True, verbose_name='digest')),
                ('code', models.CharField(max_length=35, verbose_name='code')),
                ('name', models.CharField(max_length=250, verbose_name='name')),
                ('short_name', models.CharField(blank=True, max_length=100, null=True, verbose_name='short name')),
                ('kind', models.CharField(choices=[('ministry', 'Ministry or central body'), ('province', 'Province or city'), ('department', 'Department'), ('commune', 'Commune, ward or special zone'), ('division', 'Division or office'), ('school', 'School'), ('hospital', 'Hospital or health centre'), ('service_unit', 'Public service unit'), ('other', 'Other')], max_length=20, verbose_name='kind')),
                ('order_no', models.IntegerField(blank=True, help_text='Position among the units of one superior; without it, by name.', null=True, verbose_name='order')),
                ('valid_from', models.DateField(verbose_name='valid from')),
                ('valid_to', models.DateField(blank=True, null=True, verbose_name='valid to')),
                ('name_search', models.GeneratedField(db_persist=True, expression=models.Func(models.F('name'), function='public.hoso_plain'), output_field=models.TextField())),
                ('sort_key', models.GeneratedField(db_persist=True, expression=models.Func(models.F('name'), function='public.hoso_sort_key'), output_field=models.TextField(db_collation='C'))),
                ('lft', models.PositiveIntegerField(editable=False)),
                ('rght', models.PositiveIntegerField(editable=False)),
                ('tree_id', models.PositiveIntegerField(db_index=True, editable=False)),
                ('level', models.PositiveIntegerField(editable=False)),
                ('area', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='units', to='orgtree.area', verbose_name='area')),
                ('parent', mptt.fields.TreeForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='children', to='orgtree.orgunit', verbose_name='superior unit')),
            ],
            options={
                'verbose_name': 'unit',
                'verbose_name_plural': 'units',
                'permissions': [('unit_view', 'May view in a unit and below'), ('unit_edit', 'May edit in a unit and below'), ('unit_approve', 'May approve in a unit and below'), ('unit_operate', 'May operate in a unit and below'), ('unit_audit', 'May audit in a unit and below'), ('unit_grant', 'May grant in a unit and below')],
                'default_permissions': ('view',),
            },
        ),
        migrations.CreateModel(
            name='Grant',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('role', models.CharField(choices=[('clerk', 'HR clerk'), ('supervisor', 'Supervisor'), ('officer', 'HR officer'), ('operator', 'Exchange operator'), ('auditor', 'Auditor'), ('administrator', 'Administrator')], max_length=20, verbose_name='role')),
                ('valid_from', models.DateField(verbose_name='valid from')),
                ('valid_to', models.DateField(help_text='The first day on which the grant is no longer in force.', verbose_name='valid to')),
                ('given_at', models.DateTimeField(auto_now_add=True, verbose_name='given at')),
                ('ended_at', models.DateTimeField(blank=True, null=True, verbose_name='ended at')),
                ('ender', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='grants_ended', to=settings.AUTH_USER_MODEL, verbose_name='ended by')),
                ('giver', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='grants_given', to=settings.AUTH_USER_MODEL, verbose_name='given by')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='grants', to=settings.AUTH_USER_MODEL, verbose_name='user')),
                ('unit', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='grants', to='orgtree.orgunit', verbose_name='unit')),
            ],
            options={
                'verbose_name': 'grant',
                'verbose_name_plural': 'grants',
            },
        ),
        migrations.CreateModel(
            name='UnitPermission',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('valid_from', models.DateField(verbose_name='valid from')),
                ('valid_to', models.DateField(verbose_name='valid to')),
                ('content_object', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='permissions_held', to='orgtree.orgunit', verbose_name='unit')),
                ('permission', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='auth.permission')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'permission on a unit',
                'verbose_name_plural': 'permissions on units',
                'default_permissions': (),
            },
        ),
        migrations.AddConstraint(
            model_name='user',
            constraint=models.CheckConstraint(condition=models.Q(('personal_number__regex', '^[0-9]{12}$')), name='user_personal_number_form'),
        ),
        migrations.AddConstraint(
            model_name='user',
            constraint=models.CheckConstraint(condition=models.Q(('certificate_fingerprint__regex', '^[0-9a-f]{64}$')), name='user_fingerprint_form'),
        ),
        migrations.AddIndex(
            model_name='area',
            index=models.Index(fields=['code', 'valid_from'], name='area_code_valid_from'),
        ),
        migrations.AddIndex(
            model_name='area',
            index=django.contrib.postgres.indexes.GinIndex(django.contrib.postgres.indexes.OpClass(models.F('name_search'), 'gin_trgm_ops'), name='area_name_search'),
        ),
        migrations.AddConstraint(
            model_name='area',
            constraint=models.CheckConstraint(condition=models.Q(('key__regex', '^(2004|2025)-([0-9]{2}|[0-9]{3}|[0-9]{5})$')), name='area_key_form'),
        ),
        migrations.AddConstraint(
            model_name='area',
            constraint=models.CheckConstraint(condition=models.Q(('valid_to__gt', models.F('valid_from'))), name='area_validity_ordered'),
        ),
        migrations.AddConstraint(
            model_name='area',
            constraint=models.UniqueConstraint(condition=models.Q(('valid_to', None)), fields=('level', 'code'), name='area_current_code_unique'),
        ),
        migrations.AddConstraint(
            model_name='areasuccession',
            constraint=models.UniqueConstraint(fields=('old', 'new'), name='area_succession_unique'),
        ),
        migrations.AddConstraint(
            model_name='areasuccession',
            constraint=models.UniqueConstraint(condition=models.Q(('is_default', True)), fields=('old',), name='area_succession_one_default'),
        ),
        migrations.AddIndex(
            model_name='orgunit',
            index=models.Index(fields=['code'], name='orgunit_code'),
        ),
        migrations.AddIndex(
            model_name='orgunit',
            index=django.contrib.postgres.indexes.GinIndex(django.contrib.postgres.indexes.OpClass(models.F('name_search'), 'gin_trgm_ops'), name='orgunit_name_search'),
        ),
        migrations.AddIndex(
            model_name='orgunit',
            index=models.Index(fields=['tree_id', 'lft'], name='orgtree_orgunit_tree_id_lfe4d7'),
        ),
        migrations.AddConstraint(
            model_name='orgunit',
            constraint=models.CheckConstraint(condition=models.Q(('valid_to__gt', models.F('valid_from'))), name='orgunit_validity_ordered'),
        ),
        migrations.AddConstraint(
            model_name='orgunit',
            constraint=models.CheckConstraint(condition=models.Q(('lft__lt', models.F('rght'))), name='orgunit_bounds_ordered'),
        ),
        migrations.AddConstraint(
            model_name='orgunit',
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(deferrable=django.db.models.constraints.Deferrable['DEFERRED'], expressions=[('tree_id', '='), ('code', '='), (models.Func(models.F('valid_from'), models.F('valid_to'), function='daterange', output_field=django.contrib.postgres.fields.ranges.DateRangeField()), '&&')], name='orgunit_code_unique_in_tree'),
        ),
        migrations.AddConstraint(
            model_name='grant',
            constraint=models.CheckConstraint(condition=models.Q(('valid_to__gte', models.F('valid_from'))), name='grant_period_ordered'),
        ),
        migrations.AddConstraint(
            model_name='grant',
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(expressions=[('user', '='), ('role', '='), ('unit', '='), (models.Func(models.F('valid_from'), models.F('valid_to'), function='daterange', output_field=django.contrib.postgres.fields.ranges.DateRangeField()), '&&')], name='grant_no_overlap'),
        ),
        migrations.AddIndex(
            model_name='unitpermission',
            index=models.Index(fields=['user', 'permission'], name='unitpermission_user_permission'),
        ),
        migrations.AddConstraint(
            model_name='unitpermission',
            constraint=models.CheckConstraint(condition=models.Q(('valid_to__gt', models.F('valid_from'))), name='unitpermission_period_ordered'),
        ),
        migrations.AddConstraint(
            model_name='unitpermission',
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(expressions=[('user', '='), ('permission', '='), ('content_object', '='), (models.Func(models.F('valid_from'), models.F('valid_to'), function='daterange', output_field=django.contrib.postgres.fields.ranges.DateRangeField()), '&&')], name='unitpermission_no_overlap'),
        ),
    ]
