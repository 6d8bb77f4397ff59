"""Of which agency a certificate is stays as it was said; it is decided once, ended once, and never removed."""

from django.db import migrations

WALL = """
create function public.hoso_agency_signer() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
declare decided text[] := '{state,decider_id,decided_at,note}'; ended text[] := '{ended_by_id,ended_at,end_reason}';
begin
  if to_jsonb(new) - decided - ended is distinct from to_jsonb(old) - decided - ended then
    raise exception 'what was said of certificate % cannot be altered', old.fingerprint using errcode = 'insufficient_privilege';
  end if;
  if (old.state <> 'proposed' and to_jsonb(new) - ended is distinct from to_jsonb(old) - ended) or (old.ended_at is not null and new is distinct from old) then
    raise exception 'certificate % was decided already (%)', old.fingerprint, old.state using errcode = 'insufficient_privilege';
  end if;
  return new;
end $$;
create trigger hoso_signer before update on public.exchange_agencysigner for each row execute function public.hoso_agency_signer();
create trigger hoso_keep before delete or truncate on public.exchange_agencysigner for each statement execute function public.hoso_append_only();
"""
UNDO = """
drop trigger hoso_keep on public.exchange_agencysigner; drop trigger hoso_signer on public.exchange_agencysigner;
drop function public.hoso_agency_signer();
"""


class Migration(migrations.Migration):
    dependencies = [("exchange", "0046_agency_signers"), ("workflows", "0002_walls")]

    operations = [migrations.RunSQL(WALL, UNDO)]
