"""What was put to a register and what it answered is history: a question is never altered, an answer is written once."""

from django.db import migrations

WALL = """
create function public.hoso_answer_once() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if tg_op = 'UPDATE' and old.answered_at is null
      and row(old.id, old.batch_id, old.position, old.staff_id, old.version, old.payload, old.fingerprint)
          is not distinct from row(new.id, new.batch_id, new.position, new.staff_id, new.version, new.payload, new.fingerprint) then
    return new;
  end if;
  raise exception 'what was asked of a register, and what it answered, is kept as it was' using errcode = 'insufficient_privilege',
    hint = 'Ask again: a new question has an answer of its own.';
end $$;
create trigger hoso_answer_once before update or delete on public.exchange_registerentry
  for each row execute function public.hoso_answer_once();
create trigger hoso_keep before truncate on public.exchange_registerentry for each statement execute function public.hoso_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("exchange", "0016_registers"), ("workflows", "0002_walls")]

    operations = [
        migrations.RunSQL(
            WALL,
            "drop trigger hoso_keep on public.exchange_registerentry; drop trigger hoso_answer_once on public.exchange_registerentry; "
            "drop function public.hoso_answer_once()",
        )
    ]
