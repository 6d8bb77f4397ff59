"""Walls of transfers: releases come through the gate; a case keeps what it says; nobody's file passes between agencies without a case."""

from django.db import migrations

from workflows.walls import AppendOnly, GateGuard

CASES = """
create function public.hoso_transfer_moves() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if row(old.id, old.key, old.version, old.digest, old.from_agency_id, old.to_agency_id, old.document, old.manifest_id, old.leaf_index, old.proof,
         old.offered_at, old.due_on, old.expires_on)
      is distinct from
     row(new.id, new.key, new.version, new.digest, new.from_agency_id, new.to_agency_id, new.document, new.manifest_id, new.leaf_index, new.proof,
         new.offered_at, new.due_on, new.expires_on) then
    raise exception 'what transfer % says cannot be altered', old.id using errcode = 'insufficient_privilege';
  end if;
  if old.state <> new.state and old.state || '>' || new.state not in
      ('offered>taken', 'offered>refused', 'offered>withdrawn', 'offered>expired', 'taken>offered', 'taken>completed') then
    raise exception 'transfer % cannot become % from %', old.id, new.state, old.state using errcode = 'insufficient_privilege';
  end if;
  return new;
end $$;
create trigger hoso_transfer_moves before update on public.exchange_transfercase for each row execute function public.hoso_transfer_moves();
create function public.hoso_transfer_begins() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if new.state <> 'offered' then
    raise exception 'a transfer begins as an offer' using errcode = 'insufficient_privilege';
  end if;
  return new;
end $$;
create trigger hoso_transfer_begins before insert on public.exchange_transfercase for each row execute function public.hoso_transfer_begins();
create trigger hoso_keep before delete or truncate on public.exchange_transfercase for each statement execute function public.hoso_append_only();
"""
UNDO_CASES = """
drop trigger hoso_keep on public.exchange_transfercase;
drop trigger hoso_transfer_begins on public.exchange_transfercase; drop function public.hoso_transfer_begins();
drop trigger hoso_transfer_moves on public.exchange_transfercase; drop function public.hoso_transfer_moves();
"""

# A person has one file (primary key) in one unit (not null), so one owner at any moment: the agency whose tree the unit stands in. The trigger is
# about the passing: it completes the case in the very statement that moves the file, or refuses to move it. An agency's own database knows no
# agencies, so nothing happens there; nor when a unit itself is moved, which the hub's intake allows within one agency only.
PASSING = """
create function public.hoso_agency_of(unit uuid) returns bigint language sql stable set search_path = pg_catalog, pg_temp as $$
  select a.id from public.orgtree_orgunit u join public.orgtree_orgunit r on r.tree_id = u.tree_id and r.parent_id is null
  join public.exchange_agency a on a.root_id = r.id where u.id = unit
$$;
create function public.hoso_person_passes() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
declare before bigint := public.hoso_agency_of(old.using_unit_id); after bigint := public.hoso_agency_of(new.using_unit_id);
begin
  if before is distinct from after then
    update public.exchange_transfercase set state = 'completed', ended_at = now(), passed_as = new.version
      where key = new.id and state = 'taken' and from_agency_id = before and to_agency_id = after;
    if not found then
      raise exception 'the file % passes to another agency without a transfer that is being taken over', new.id
        using errcode = 'insufficient_privilege';
    end if;
  end if;
  return null;
end $$;
create trigger hoso_passes after update of using_unit_id on public.registry_staffprofile for each row
  when (old.using_unit_id is distinct from new.using_unit_id) execute function public.hoso_person_passes();
"""
UNDO_PASSING = """
drop trigger hoso_passes on public.registry_staffprofile; drop function public.hoso_person_passes(); drop function public.hoso_agency_of(uuid);
"""


class Migration(migrations.Migration):
    dependencies = [("exchange", "0019_transfers"), ("registry", "0012_upload_row_states"), ("workflows", "0021_holds")]

    operations = [
        GateGuard("exchange_transferrelease"),
        AppendOnly("exchange_transferstep"),
        migrations.RunSQL(CASES, UNDO_CASES),
        migrations.RunSQL(PASSING, UNDO_PASSING),
        # After a transfer the new agency counts its versions from one, and the hub goes on counting.
        migrations.RemoveConstraint("inboundevidence", "evidence_number_is_ahead"),
    ]
