"""Holds, and the trigger that lets no version of a held record into the ledger."""

from django.db import migrations, models
from django.db.models.functions import Now

GUARD = """
create function public.hoso_held_guard() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
declare held text;
begin
  select t.kind || ' ' || t.key into held from touched t join public.workflows_hold h on h.kind = t.kind and h.key = t.key limit 1;
  if held is not null then
    raise exception 'the record % is held: nothing new of it can become true here', held using errcode = 'insufficient_privilege';
  end if;
  return null;
end $$;
create trigger hoso_held after insert on public.workflows_recordversion referencing new table as touched
  for each statement execute function public.hoso_held_guard();
"""


class Migration(migrations.Migration):
    dependencies = [("workflows", "0020_sealed_preset")]

    operations = [
        migrations.CreateModel(
            "Hold",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=30)),
                ("key", models.UUIDField()),
                ("cause", models.CharField(max_length=30)),
                ("text", models.CharField(max_length=300)),
                ("final", models.BooleanField(default=False)),
                ("since", models.DateTimeField(db_default=Now())),
            ],
            options={"constraints": [models.UniqueConstraint(fields=("kind", "key"), name="hold_once_a_record")]},
        ),
        migrations.RunSQL(GUARD, "drop trigger hoso_held on public.workflows_recordversion; drop function public.hoso_held_guard()"),
    ]
