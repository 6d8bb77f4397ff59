"""The last wall, in the database: migration operations that guard gated and append-only tables by triggers.

Raw SQL on purpose: the functions pin `search_path` and name every table with its schema, since a library's own can be switched
off by a setting and a temporary table can shadow a look-up (decisions.md 19). A superuser can disable triggers; what finds
that afterwards is `manage.py verify_ledger`.

A statement trigger on a partitioned parent does not fire for DELETE or TRUNCATE on a partition: put the wall on each partition.
"""

from __future__ import annotations

from django.db.migrations.operations import RunSQL

from workflows.guards import DECISION_FUNCTION, MOVES_FUNCTION

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

REQUEST_MOVES = f"""{MOVES_FUNCTION}
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

DECISION_GUARD = f"""{DECISION_FUNCTION}
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
