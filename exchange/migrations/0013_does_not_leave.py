"""What is marked "does not leave" cannot be put into a batch, whatever the program does."""

from django.db import migrations

WALL = """
create function public.hoso_stays() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if exists (
      select from now_sent d join was d0 on d0.id = d.id join public.workflows_outboxmessage m on m.id = d.message_id
      join public.workflows_mark k on k.kind = m.kind and k.key = m.key
      where d.state = 'sent' and d0.state <> 'sent' and k.state in ('proposed', 'in_force', 'lifting')) then
    raise exception 'a record that is marked "does not leave" was about to be sent' using errcode = 'insufficient_privilege';
  end if;
  return null;
end $$;
create trigger hoso_stays after update on public.exchange_delivery referencing new table as now_sent old table as was
  for each statement execute function public.hoso_stays();
create function public.hoso_begins_waiting() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if exists (
      select from made d join public.workflows_outboxmessage m on m.id = d.message_id
      join public.workflows_mark k on k.kind = m.kind and k.key = m.key
      where d.state = 'sent' and k.state in ('proposed', 'in_force', 'lifting')) then
    raise exception 'a record that is marked "does not leave" was about to be sent' using errcode = 'insufficient_privilege';
  end if;
  return null;
end $$;
create trigger hoso_begins_waiting after insert on public.exchange_delivery referencing new table as made
  for each statement execute function public.hoso_begins_waiting();
"""


class Migration(migrations.Migration):
    dependencies = [("exchange", "0012_expectation_wall"), ("workflows", "0017_evidence_and_marks_walls")]

    operations = [
        migrations.RunSQL(
            WALL,
            "drop trigger hoso_begins_waiting on exchange_delivery; drop function public.hoso_begins_waiting(); "
            "drop trigger hoso_stays on exchange_delivery; drop function public.hoso_stays()",
        )
    ]
