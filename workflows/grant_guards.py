"""The walls around grants: who may do what where is written only by a change that two people made (decisions.md 27).

`orgtree` cannot know of changes, so a migration of workflows puts these triggers on its tables, as it does for units.
"""

# A change is decided once, and says for ever what was proposed; only its result is filled in, by the transaction that confirmed it.
CHANGE_FUNCTION = """
create or replace function public.hoso_grant_change() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if tg_op = 'INSERT' then
    if new.state <> 'proposed' or new.decider_id is not null or new.grant_id is not null or new.confirmed_xid is not null then
      raise exception 'a change of a grant begins as a proposal' using errcode = 'insufficient_privilege';
    end if;
    return new;
  end if;
  if to_jsonb(new) - '{state,decider_id,decided_at,note,grant_id,confirmed_xid}'::text[]
      is distinct from to_jsonb(old) - '{state,decider_id,decided_at,note,grant_id,confirmed_xid}'::text[] then
    raise exception 'what was proposed in change % of a grant cannot be altered', old.id using errcode = 'insufficient_privilege';
  end if;
  if old.state <> 'proposed' and (
      to_jsonb(new) - 'grant_id' is distinct from to_jsonb(old) - 'grant_id' or old.grant_id is not null
      or old.confirmed_xid is distinct from pg_current_xact_id()::text::bigint) then
    raise exception 'change % of a grant was decided already (%)', old.id, old.state using errcode = 'insufficient_privilege';
  end if;
  if (new.confirmed_xid is not null) <> (new.state = 'confirmed')
      or (old.state = 'proposed' and new.state = 'confirmed' and new.confirmed_xid <> pg_current_xact_id()::text::bigint) then
    raise exception 'change % of a grant is confirmed by no transaction but its own', old.id using errcode = 'insufficient_privilege';
  end if;
  return new;
end $$;
"""

# A grant is what its change says, to the letter. What it comes to (`unitpermission`) is derived, for the same person, in the same transaction.
GATE_FUNCTION = """
create or replace function public.hoso_grant_gate() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
declare change public.workflows_grantchange;
begin
  select * into change from public.workflows_grantchange c
    where c.id = nullif(current_setting('hoso.grant_change', true), '')::uuid
      and c.state = 'confirmed' and c.confirmed_xid = pg_current_xact_id()::text::bigint;
  if change.id is null then
    raise exception 'table % is written only by confirming a change of a grant', tg_table_name
      using errcode = 'insufficient_privilege', hint = 'Propose it; somebody else confirms it.';
  end if;
  if tg_table_name = 'orgtree_unitpermission' then
    if tg_op <> 'INSERT' and (old.user_id, old.content_object_id) is distinct from (change.user_id, change.unit_id)
        or tg_op <> 'DELETE' and (new.user_id, new.content_object_id) is distinct from (change.user_id, change.unit_id) then
      raise exception 'change % is not about this permission', change.id using errcode = 'insufficient_privilege';
    end if;
  elsif tg_op = 'DELETE' then
    raise exception 'a grant is ended, never deleted' using errcode = 'insufficient_privilege';
  elsif tg_op = 'INSERT' then
    if change.op = 'end' or change.grant_id is not null
        or (new.user_id, new.role, new.unit_id, new.valid_from, new.valid_to)
          is distinct from (change.user_id, change.role, change.unit_id, change.valid_from, change.valid_to) then
      raise exception 'the grant is not the one of change %', change.id using errcode = 'insufficient_privilege';
    end if;
  elsif change.op <> 'end' or new.id <> change.about_id or new.valid_to > old.valid_to
      or to_jsonb(new) - '{valid_to,ender_id,ended_at}'::text[] is distinct from to_jsonb(old) - '{valid_to,ender_id,ended_at}'::text[] then
    raise exception 'change % does not alter this grant so', change.id using errcode = 'insufficient_privilege';
  end if;
  if tg_op = 'DELETE' then
    return old;
  end if;
  return new;
end $$;
"""

TRIGGERS = """
create trigger hoso_change before insert or update on public.workflows_grantchange
  for each row execute function public.hoso_grant_change();
create trigger hoso_keep before delete or truncate on public.workflows_grantchange
  for each statement execute function public.hoso_append_only();
create trigger hoso_gate before insert or update or delete on public.orgtree_grant
  for each row execute function public.hoso_grant_gate();
create trigger hoso_keep before truncate on public.orgtree_grant for each statement execute function public.hoso_append_only();
create trigger hoso_gate before insert or update or delete on public.orgtree_unitpermission
  for each row execute function public.hoso_grant_gate();
create trigger hoso_keep before truncate on public.orgtree_unitpermission for each statement execute function public.hoso_append_only();
"""
TRIGGERS_BACK = """
drop trigger hoso_keep on public.orgtree_unitpermission; drop trigger hoso_gate on public.orgtree_unitpermission;
drop trigger hoso_keep on public.orgtree_grant; drop trigger hoso_gate on public.orgtree_grant;
drop trigger hoso_keep on public.workflows_grantchange; drop trigger hoso_change on public.workflows_grantchange;
drop function public.hoso_grant_gate(); drop function public.hoso_grant_change();
"""
