"""A superuser's term says for ever what was proposed; it is decided once, ended once, and never removed."""

from django.db import migrations

WALLS = """
create function public.hoso_superuser_term() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if to_jsonb(new) - '{state,decider_id,decided_at,note,ended_at}'::text[]
      is distinct from to_jsonb(old) - '{state,decider_id,decided_at,note,ended_at}'::text[] then
    raise exception 'what was proposed in term % of a superuser cannot be altered', old.id using errcode = 'insufficient_privilege';
  end if;
  if old.state <> 'proposed' and (to_jsonb(new) - 'ended_at' is distinct from to_jsonb(old) - 'ended_at' or old.ended_at is not null) then
    raise exception 'term % of a superuser was decided already (%)', old.id, old.state using errcode = 'insufficient_privilege';
  end if;
  return new;
end $$;
create trigger hoso_term before update on public.accounts_superuserterm for each row execute function public.hoso_superuser_term();
create trigger hoso_keep before delete or truncate on public.accounts_superuserterm for each statement execute function public.hoso_append_only();
"""
BACK = """
drop trigger hoso_keep on public.accounts_superuserterm; drop trigger hoso_term on public.accounts_superuserterm;
drop function public.hoso_superuser_term();
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_superusers_and_devices"), ("workflows", "0002_walls")]

    operations = [migrations.RunSQL(WALLS, BACK)]
