"""The last wall, in the database: migration operations that guard gated and append-only tables by triggers.

Raw SQL on purpose: the functions pin `search_path` and name every table with its schema, since a library's own can be switched
off by a setting and a temporary table can shadow a look-up (decisions.md 19). A superuser can disable triggers; what finds
that afterwards is `manage.py verify_ledger`.

A statement trigger on a partitioned parent does not fire for DELETE or TRUNCATE on a partition: put the wall on each partition.
"""

from __future__ import annotations

from django.db.migrations.operations import RunSQL

GATE_FUNCTION = """
create or replace function public.hoso_gate_guard() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
declare request uuid := nullif(current_setting('hoso.request', true), '')::uuid;
begin
  if request is null or not exists (
      select from public.workflows_changerequest r
      where r.id = request and r.state = 'applying' and r.applying_xid = pg_current_xact_id()::text::bigint) then
    raise exception 'table % is written only by applying an approved change request', tg_table_name
      using errcode = 'insufficient_privilege', hint = 'Submit a change request; nothing becomes true except through the gate.';
  end if;
  return null;
end $$;
"""

APPEND_ONLY_FUNCTION = """
create or replace function public.hoso_append_only() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  raise exception 'table % is append-only', tg_table_name
    using errcode = 'insufficient_privilege', hint = 'History is never changed; record a new fact instead.';
end $$;
"""

# Only the applying transaction may add to the ledger and the outbox, so they pass the gate's guard on INSERT as well.
REQUEST_MOVES = """
create or replace function public.hoso_request_moves() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if tg_op = 'INSERT' then
    if new.state not in ('draft', 'checking') then
      raise exception 'a change request begins as a draft, not %', new.state using errcode = 'insufficient_privilege';
    end if;
    return new;
  end if;
  if old.state in ('applied', 'withdrawn', 'expired', 'failed') then
    raise exception 'change request % has ended (%)', old.id, old.state using errcode = 'insufficient_privilege';
  end if;
  if old.state not in ('draft', 'checking', 'ready') and
      (new.root is distinct from old.root or new.count <> old.count or new.kinds <> old.kinds or new.author_id is distinct from old.author_id
       or new.system <> old.system or new.unit_id is distinct from old.unit_id or new.evidence <> old.evidence or new.subtrees <> old.subtrees) then
    raise exception 'what was submitted in change request % cannot be altered', old.id using errcode = 'insufficient_privilege';
  end if;
  if new.state <> old.state then
    if new.state = 'approved' and (old.state <> 'in_review'
        or not exists (select from public.workflows_stage s where s.request_id = new.id) or exists (
        select from public.workflows_stage s where s.request_id = new.id and not exists (
          select from public.workflows_decision d where d.stage_id = s.id and d.verdict = 'approve'))) then
      raise exception 'change request % is not approved at every stage', new.id using errcode = 'insufficient_privilege';
    end if;
    if new.state = 'applying'
        and (old.state not in ('approved', 'scheduled') or new.applying_xid is distinct from pg_current_xact_id()::text::bigint) then
      raise exception 'change request % cannot be applied from %', new.id, old.state using errcode = 'insufficient_privilege';
    end if;
    if new.state in ('scheduled') and old.state <> 'approved' then
      raise exception 'change request % is not approved', new.id using errcode = 'insufficient_privilege';
    end if;
    if new.state in ('applied', 'conflict') and (old.state <> 'applying' or old.applying_xid is distinct from pg_current_xact_id()::text::bigint) then
      raise exception 'change request % was not being applied', new.id using errcode = 'insufficient_privilege';
    end if;
  end if;
  return new;
end $$;
create trigger hoso_moves before insert or update on public.workflows_changerequest for each row execute function public.hoso_request_moves();
create trigger hoso_keep before delete or truncate on public.workflows_changerequest for each statement execute function public.hoso_append_only();

create or replace function public.hoso_request_settled() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if exists (select from public.workflows_changerequest r where r.id = new.id and r.state = 'applying') then
    raise exception 'change request % must not be left applying', new.id using errcode = 'integrity_constraint_violation';
  end if;
  return null;
end $$;
create constraint trigger hoso_settled after update on public.workflows_changerequest deferrable initially deferred
  for each row when (new.state = 'applying') execute function public.hoso_request_settled();
"""

ITEM_GUARDS = """
create or replace function public.hoso_items_open() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if exists (select from touched t join public.workflows_changerequest r on r.id = t.request_id where r.state not in ('draft', 'checking')) then
    raise exception 'items of a submitted change request cannot be added or removed' using errcode = 'insufficient_privilege';
  end if;
  return null;
end $$;
create trigger hoso_items_in after insert on public.workflows_changeitem referencing new table as touched
  for each statement execute function public.hoso_items_open();
create trigger hoso_items_out after delete on public.workflows_changeitem referencing old table as touched
  for each statement execute function public.hoso_items_open();
create trigger hoso_keep before truncate on public.workflows_changeitem for each statement execute function public.hoso_append_only();

create or replace function public.hoso_item_frozen() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  raise exception 'what an item of a change request says cannot be altered; stage it again' using errcode = 'insufficient_privilege';
end $$;
create trigger hoso_item_frozen before update on public.workflows_changeitem for each row
  when (row(old.request_id, old.leaf_index, old.kind, old.key, old.op, old.base_version, old.document_id, old.units, old.natural_hash)
        is distinct from
        row(new.request_id, new.leaf_index, new.kind, new.key, new.op, new.base_version, new.document_id, new.units, new.natural_hash))
  execute function public.hoso_item_frozen();
"""

DECISION_GUARD = """
create or replace function public.hoso_decision_guard() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
declare stage public.workflows_stage; request public.workflows_changerequest; manifest public.workflows_manifest;
begin
  select * into stage from public.workflows_stage s where s.id = new.stage_id;
  select * into request from public.workflows_changerequest r where r.id = stage.request_id;
  if request.state <> 'in_review' then
    raise exception 'change request % is not under review', request.id using errcode = 'insufficient_privilege';
  end if;
  if (new.user_id is null) <> (stage.system <> '') then
    raise exception 'stage % of change request % is decided by %', stage.number, request.id,
      case when stage.system = '' then 'a person' else stage.system end using errcode = 'insufficient_privilege';
  end if;
  if new.user_id is not null and (new.user_id = request.author_id or exists (
      select from public.workflows_contribution c where c.request_id = request.id and c.user_id = new.user_id)) then
    raise exception 'who contributed to change request % cannot decide on it', request.id using errcode = 'insufficient_privilege';
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
create trigger hoso_decision before insert on public.workflows_decision for each row execute function public.hoso_decision_guard();
"""


class GateGuard(RunSQL):
    """Refuse every insert, update, delete and truncate on `table` outside the transaction that applies an approved request.

    The migration that uses it must depend on workflows' first migrations by name: no import goes up (decisions.md 20).
    """

    reversible = True

    def __init__(self, table: str) -> None:
        self.table = table
        super().__init__(
            f"create trigger hoso_gate before insert or update or delete or truncate on public.{table} "
            "for each statement execute function public.hoso_gate_guard()",
            f"drop trigger hoso_gate on public.{table}",
        )

    def deconstruct(self) -> tuple[str, list[str], dict[str, str]]:
        return "GateGuard", [], {"table": self.table}


class AppendOnly(RunSQL):
    """Refuse every update, delete and truncate on `table`."""

    reversible = True

    def __init__(self, table: str) -> None:
        self.table = table
        super().__init__(
            f"create trigger hoso_keep before update or delete or truncate on public.{table} "
            "for each statement execute function public.hoso_append_only()",
            f"drop trigger hoso_keep on public.{table}",
        )

    def deconstruct(self) -> tuple[str, list[str], dict[str, str]]:
        return "AppendOnly", [], {"table": self.table}


class GateInsert(RunSQL):
    """Let rows enter `table` only from the transaction that applies a request (ledger, outbox)."""

    reversible = True

    def __init__(self, table: str) -> None:
        self.table = table
        super().__init__(
            f"create trigger hoso_gate before insert on public.{table} for each statement execute function public.hoso_gate_guard()",
            f"drop trigger hoso_gate on public.{table}",
        )

    def deconstruct(self) -> tuple[str, list[str], dict[str, str]]:
        return "GateInsert", [], {"table": self.table}
