"""What was proposed of an account's personal number stays as it was proposed; it is decided once, and never removed."""

from django.db import migrations

WALLS = """
create function public.hoso_number_change() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if to_jsonb(new) - '{state,decider_id,decided_at,note}'::text[] is distinct from to_jsonb(old) - '{state,decider_id,decided_at,note}'::text[] then
    raise exception 'what was proposed in change % of a personal number cannot be altered', old.id using errcode = 'insufficient_privilege';
  end if;
  if old.state <> 'proposed' and new is distinct from old then
    raise exception 'change % of a personal number was decided already (%)', old.id, old.state using errcode = 'insufficient_privilege';
  end if;
  return new;
end $$;
create trigger hoso_number before update on public.accounts_numberchange for each row execute function public.hoso_number_change();
create trigger hoso_keep before delete or truncate on public.accounts_numberchange for each statement execute function public.hoso_append_only();
"""
BACK = """
drop trigger hoso_keep on public.accounts_numberchange; drop trigger hoso_number on public.accounts_numberchange;
drop function public.hoso_number_change();
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_personal_numbers"), ("workflows", "0002_walls")]

    operations = [migrations.RunSQL(WALLS, BACK)]
