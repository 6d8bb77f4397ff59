"""The wall of pairs of codes: a pair stays as it was said, and ends once."""

from django.db import migrations

WALL = """
create function public.hoso_code_pair_kept() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if old.ended_at is not null or (to_jsonb(new) - 'ended_at' - 'ended_by_id') is distinct from (to_jsonb(old) - 'ended_at' - 'ended_by_id') then
    raise exception 'a pair of codes is never altered' using errcode = 'insufficient_privilege', hint = 'End it, and add another.';
  end if;
  return new;
end $$;
create trigger hoso_kept before update on public.exchange_codepair for each row execute function public.hoso_code_pair_kept();
create trigger hoso_keep before delete or truncate on public.exchange_codepair for each statement execute function public.hoso_append_only();
"""
UNDO = """
drop trigger hoso_keep on public.exchange_codepair;
drop trigger hoso_kept on public.exchange_codepair;
drop function public.hoso_code_pair_kept();
"""


class Migration(migrations.Migration):
    dependencies = [("exchange", "0038_code_pairs"), ("workflows", "0002_walls")]

    operations = [migrations.RunSQL(WALL, UNDO)]
