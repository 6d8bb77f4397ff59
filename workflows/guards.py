"""The bodies of the guards that have grown with the gate, as they are now.

A migration that changes one runs its text from here. Functions are bound late, so an older migration runs a newer text without harm
as long as nothing moves between the two, and on a fresh database nothing does.
"""

MOVES_FUNCTION = """
create or replace function public.hoso_request_moves() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if tg_op = 'INSERT' then
    if new.state not in ('draft', 'checking') then
      raise exception 'a change request begins as a draft, not %', new.state using errcode = 'insufficient_privilege';
    end if;
    if new.revokes_id is not null and not exists (
        select from public.workflows_changerequest r where r.id = new.revokes_id and r.state = 'applied') then
      raise exception 'only what was applied can be revoked' using errcode = 'insufficient_privilege';
    end if;
    return new;
  end if;
  if old.state in ('applied', 'withdrawn', 'expired', 'recalled', 'failed') then
    raise exception 'change request % has ended (%)', old.id, old.state using errcode = 'insufficient_privilege';
  end if;
  if old.state not in ('draft', 'checking', 'ready') and
      (new.root is distinct from old.root or new.count <> old.count or new.kinds <> old.kinds or new.author_id is distinct from old.author_id
       or new.system <> old.system or new.unit_id is distinct from old.unit_id or new.evidence <> old.evidence or new.subtrees <> old.subtrees
       or new.follows_id is distinct from old.follows_id or new.revokes_id is distinct from old.revokes_id or new.ground <> old.ground
       or new.risk <> old.risk or new.act <> old.act or new.reason <> old.reason
       or new.effective_on is distinct from old.effective_on or new.expires_on is distinct from old.expires_on) then
    raise exception 'what was submitted in change request % cannot be altered', old.id using errcode = 'insufficient_privilege';
  end if;
  if new.state <> old.state then
    if new.state = 'approved' and (old.state <> 'in_review'
        or not exists (select from public.workflows_stage s where s.request_id = new.id) or exists (
        select from public.workflows_stage s where s.request_id = new.id and s.quorum > (
          select count(*) from public.workflows_decision d where d.stage_id = s.id and d.verdict = 'approve'))) then
      raise exception 'change request % is not approved at every stage', new.id using errcode = 'insufficient_privilege';
    end if;
    if new.state = 'applying'
        and (old.state not in ('approved', 'scheduled') or new.applying_xid is distinct from pg_current_xact_id()::text::bigint) then
      raise exception 'change request % cannot be applied from %', new.id, old.state using errcode = 'insufficient_privilege';
    end if;
    if new.state = 'scheduled' and (old.state <> 'approved' or new.effective_on is null)
        or new.state = 'recalled' and old.state not in ('approved', 'scheduled')
        or new.state in ('withdrawn', 'expired') and old.state in ('approved', 'scheduled', 'applying') then
      raise exception 'change request % cannot become % from %', new.id, new.state, old.state using errcode = 'insufficient_privilege';
    end if;
    if new.state in ('applied', 'conflict') and (old.state <> 'applying' or old.applying_xid is distinct from pg_current_xact_id()::text::bigint) then
      raise exception 'change request % was not being applied', new.id using errcode = 'insufficient_privilege';
    end if;
  end if;
  return new;
end $$;
"""

DECISION_FUNCTION = """
create or replace function public.hoso_decision_guard() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
declare stage public.workflows_stage; request public.workflows_changerequest; manifest public.workflows_manifest;
  link record;
begin
  select * into stage from public.workflows_stage s where s.id = new.stage_id;
  select * into request from public.workflows_changerequest r where r.id = stage.request_id;
  if request.state <> 'in_review' then
    raise exception 'change request % is not under review', request.id using errcode = 'insufficient_privilege';
  end if;
  if exists (select from public.workflows_stage s where s.request_id = request.id and s.number < stage.number and s.quorum > (
      select count(*) from public.workflows_decision d where d.stage_id = s.id and d.verdict = 'approve')) then
    raise exception 'stage % of change request % is not open yet', stage.number, request.id using errcode = 'insufficient_privilege';
  end if;
  if (new.user_id is null) <> (stage.system <> '') then
    raise exception 'stage % of change request % is decided by %', stage.number, request.id,
      case when stage.system = '' then 'a person' else stage.system end using errcode = 'insufficient_privilege';
  end if;
  if new.user_id is not null and (new.user_id = request.author_id or exists (
      select from public.workflows_contribution c where c.request_id = request.id and c.user_id = new.user_id)) then
    raise exception 'who contributed to change request % cannot decide on it', request.id using errcode = 'insufficient_privilege';
  end if;
  if new.on_behalf_of_id is not null then
    select * into link from public.workflows_delegation g where g.id = new.delegation_id;
    if link.receiver_id is distinct from new.user_id or link.revoked_at is not null or not request.risk = any(link.risks)
        or (link.giver_id <> new.on_behalf_of_id and not exists (
          select from public.workflows_delegation g where g.receiver_id = link.giver_id and g.giver_id = new.on_behalf_of_id
          and g.revoked_at is null and request.risk = any(g.risks))) then
      raise exception 'the delegation does not let user % decide in the place of user %', new.user_id, new.on_behalf_of_id
        using errcode = 'insufficient_privilege';
    end if;
    if request.author_id in (new.on_behalf_of_id, link.giver_id) or exists (
        select from public.workflows_contribution c where c.request_id = request.id and c.user_id in (new.on_behalf_of_id, link.giver_id)) then
      raise exception 'nobody decides on change request % in the place of who contributed to it', request.id
        using errcode = 'insufficient_privilege';
    end if;
  end if;
  if exists (select from public.workflows_decision d join public.workflows_stage s on s.id = d.stage_id
      where s.request_id = request.id
      and (d.user_id in (new.user_id, new.on_behalf_of_id) or d.on_behalf_of_id in (new.user_id, new.on_behalf_of_id))) then
    raise exception 'nobody decides twice on change request %', request.id using errcode = 'insufficient_privilege';
  end if;
  if new.verdict = 'approve' then
    select * into manifest from public.workflows_manifest m where m.digest = new.manifest_id;
    if manifest.request_id <> request.id or manifest.stage <> stage.number or manifest.user_id is distinct from new.user_id then
      raise exception 'the manifest is not that of this decision' using errcode = 'insufficient_privilege';
    end if;
    if stage.needs_signature and not exists (
        select from public.workflows_signature g
        where g.digest = new.signature_id and g.manifest_id = new.manifest_id and g.user_id = new.user_id) then
      raise exception 'stage % of change request % needs a signature over its manifest', stage.number, request.id
        using errcode = 'insufficient_privilege';
    end if;
  end if;
  return new;
end $$;
"""

# The columns that an item is frozen by stand in the trigger itself, so it is made anew where there are more of them.
ITEM_TRIGGER = """
drop trigger hoso_item_frozen on public.workflows_changeitem;
create trigger hoso_item_frozen before update on public.workflows_changeitem for each row
  when (row(old.request_id, old.leaf_index, old.kind, old.key, old.op, old.base_version, old.document_id, old.units, old.natural_hash, old.changed,
            old.risk)
        is distinct from
        row(new.request_id, new.leaf_index, new.kind, new.key, new.op, new.base_version, new.document_id, new.units, new.natural_hash, new.changed,
            new.risk))
  execute function public.hoso_item_frozen();
"""

# Three links are in force on one day if each two of them are: intervals of one line. The lock makes writers wait for each other.
DELEGATION_FUNCTION = """
create or replace function public.hoso_delegation_chain() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if tg_op = 'UPDATE' then
    if old.revoked_at is not null or to_jsonb(new) - 'revoked_at' is distinct from to_jsonb(old) - 'revoked_at' then
      raise exception 'a delegation is never changed, only revoked' using errcode = 'insufficient_privilege';
    end if;
    return new;
  end if;
  perform pg_advisory_xact_lock(4107, 0);
  if exists (
    with near as materialized (
      select d.giver_id, d.receiver_id, daterange(d.valid_from, d.valid_to) as period from public.workflows_delegation d
      where d.revoked_at is null and daterange(d.valid_from, d.valid_to) && daterange(new.valid_from, new.valid_to))
    select from near a where a.giver_id = new.receiver_id and a.receiver_id = new.giver_id
    union all
    select from near a join near b on a.period && b.period
    where (a.receiver_id = new.giver_id and b.giver_id = new.receiver_id)
       or (a.receiver_id = b.giver_id and (b.receiver_id = new.giver_id or a.giver_id = new.receiver_id))) then
    raise exception 'a delegation is passed on once at most, and never in a circle' using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end $$;
"""
DELEGATION_TRIGGERS = """
create trigger hoso_chain before insert or update on public.workflows_delegation
  for each row execute function public.hoso_delegation_chain();
create trigger hoso_keep before delete or truncate on public.workflows_delegation
  for each statement execute function public.hoso_append_only();
"""
