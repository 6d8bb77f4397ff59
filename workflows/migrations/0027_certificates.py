"""Signing certificates registered by a proof that the person holds the key; what an administrator had typed before counts no longer."""

import uuid

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import F, Q
from django.db.models.functions import Now

WALL = """
create function public.hoso_certificate() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
declare later text[] := '{state,proof,answers,proved_at,decider_id,in_force_at,ended_by_id,ended_at,reason}';
begin
  if tg_op = 'DELETE' then
    if old.state <> 'asked' then
      raise exception 'registration % of a certificate was answered and is kept', old.id using errcode = 'insufficient_privilege';
    end if;
    return old;
  end if;
  if to_jsonb(new) - later is distinct from to_jsonb(old) - later
      or old.proof is not null and row(new.proof, new.answers, new.proved_at) is distinct from row(old.proof, old.answers, old.proved_at)
      or old.in_force_at is not null and row(new.in_force_at, new.decider_id) is distinct from row(old.in_force_at, old.decider_id) then
    raise exception 'what was registered in % cannot be altered', old.id using errcode = 'insufficient_privilege';
  end if;
  if old.state || '>' || new.state not in ('asked>proved', 'asked>in_force', 'proved>in_force', 'proved>refused', 'in_force>ended') then
    raise exception 'registration % of a certificate cannot become % from %', old.id, new.state, old.state using errcode = 'insufficient_privilege';
  end if;
  return new;
end $$;
create trigger hoso_certificate before update or delete on public.workflows_registeredcertificate
  for each row execute function public.hoso_certificate();
create trigger hoso_keep before truncate on public.workflows_registeredcertificate for each statement execute function public.hoso_append_only();
"""
NO_WALL = """
drop trigger hoso_keep on public.workflows_registeredcertificate; drop trigger hoso_certificate on public.workflows_registeredcertificate;
drop function public.hoso_certificate();
"""
FORMER = """
insert into public.workflows_registeredcertificate
  (id, user_id, username, way, state, fingerprint, subject, certificate, statement, answers, asked_at, in_force_at, ended_at, reason)
select gen_random_uuid(), u.id, u.username, 'former', 'ended', u.certificate_fingerprint, '', '', '', '{}', u.date_joined, u.date_joined, now(), ''
from public.orgtree_user u where u.certificate_fingerprint is not null;
"""


def person(**more):
    return models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to=settings.AUTH_USER_MODEL, **more)


class Migration(migrations.Migration):
    dependencies = [("workflows", "0026_case_notices"), ("orgtree", "0002_words")]

    operations = [
        migrations.CreateModel(
            "RegisteredCertificate",
            [
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("username", models.CharField(max_length=150)),
                (
                    "way",
                    models.CharField(
                        choices=[("own", "by the holder"), ("office", "by administrators"), ("former", "typed, before a proof was asked for")],
                        max_length=6,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("asked", "Waits for the signature"),
                            ("proved", "Waits for confirmation"),
                            ("in_force", "In force"),
                            ("refused", "Refused"),
                            ("ended", "Ended"),
                        ],
                        default="asked",
                        max_length=8,
                        verbose_name="state",
                    ),
                ),
                ("fingerprint", models.CharField(max_length=64)),
                ("subject", models.CharField(max_length=500)),
                ("certificate", models.BinaryField()),
                ("valid_until", models.DateTimeField(null=True)),
                ("statement", models.BinaryField()),
                ("asked_at", models.DateTimeField(db_default=Now())),
                ("expires_at", models.DateTimeField(null=True)),
                ("proof", models.BinaryField(null=True)),
                ("answers", django.contrib.postgres.fields.ArrayField(base_field=models.BinaryField(), default=list, size=None)),
                ("proved_at", models.DateTimeField(null=True)),
                ("in_force_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                ("reason", models.CharField(blank=True, default="", max_length=300, verbose_name="reason")),
                ("asked_by", person(null=True, related_name="+")),
                ("decider", person(null=True, related_name="+")),
                ("ended_by", person(null=True, related_name="+")),
                ("user", person(related_name="certificates", verbose_name="user")),
            ],
            options={
                "verbose_name": "registered certificate",
                "verbose_name_plural": "registered certificates",
                "indexes": [models.Index(fields=["fingerprint"], name="certificate_fingerprint")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=["fingerprint"], condition=Q(state__in=["proved", "in_force"]), name="certificate_of_one_person"
                    ),
                    models.UniqueConstraint(fields=["user", "fingerprint"], condition=Q(state="asked"), name="certificate_asked_once"),
                    models.CheckConstraint(
                        condition=Q(way="former") | Q(in_force_at=None) | Q(proof__isnull=False, proved_at__isnull=False), name="certificate_proved"
                    ),
                    models.CheckConstraint(
                        condition=~Q(way="office")
                        | Q(in_force_at=None)
                        | Q(decider__isnull=False) & ~Q(decider=F("asked_by")) & ~Q(decider=F("user")) & ~Q(asked_by=F("user")),
                        name="certificate_by_two",
                    ),
                    models.CheckConstraint(condition=~Q(way="own") | Q(asked_by=F("user")), name="certificate_own"),
                ],
            },
        ),
        migrations.RunSQL(WALL, NO_WALL),
        migrations.RunSQL(FORMER, migrations.RunSQL.noop),
        migrations.AlterField(
            model_name="notice",
            name="kind",
            field=models.CharField(
                choices=[
                    ("waiting", "A request waits for my decision"),
                    ("half_time", "Half of the time to decide has passed"),
                    ("overdue", "A decision is overdue"),
                    ("overdue_below", "A decision in a unit below is overdue"),
                    ("nobody", "Nobody can decide on a request"),
                    ("returned", "My request was returned"),
                    ("rows_returned", "Records of my request were returned"),
                    ("applied", "My request has been applied"),
                    ("not_applied", "My request could not be applied"),
                    ("expired", "My request has expired"),
                    ("recalled", "My request was recalled"),
                    ("revoked", "A signature on a request of mine was revoked"),
                    ("stands_in", "I decide in somebody’s place"),
                    ("is_stood_in", "Somebody decides in my place"),
                    ("grant_waiting", "A grant waits for confirmation"),
                    ("grant_decided", "A grant that I proposed was decided"),
                    ("grant_given", "I was given a role"),
                    ("grant_ended", "A role of mine has ended"),
                    ("grant_ends", "A role ends soon"),
                    ("grant_moved", "A role of mine follows a reorganisation"),
                    ("grant_unclear", "Grants wait for a decision after a reorganisation"),
                    ("account", "My account"),
                    ("break_glass", "Emergency rights were taken"),
                    ("superuser_waiting", "A superuser’s rights wait for confirmation"),
                    ("transfer", "People who come from or go to another agency"),
                    ("claim", "People whom another agency claims too"),
                    ("certificate_waiting", "A signing certificate waits for confirmation"),
                    ("superuser_ends", "A superuser’s term ends soon"),
                ],
                max_length=20,
                verbose_name="kind",
            ),
        ),
    ]
