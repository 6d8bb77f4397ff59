"""Walls: evidence stands still once its request is submitted; a mark keeps what it says and moves only as two people may move it."""

from django.db import migrations

EVIDENCE = """
create function public.hoso_evidence_open() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if exists (select from touched t join public.workflows_changerequest r on r.id = t.request_id where r.state not in ('draft', 'checking', 'ready')) then
    raise exception 'the evidence of a submitted change request cannot be added to or taken away' using errcode = 'insufficient_privilege';
  end if;
  return null;
end $$;
create trigger hoso_evidence_in after insert on public.workflows_attachment referencing new table as touched
  for each statement execute function public.hoso_evidence_open();
create trigger hoso_evidence_out after delete on public.workflows_attachment referencing old table as touched
  for each statement execute function public.hoso_evidence_open();
create trigger hoso_keep before update or truncate on public.workflows_attachment for each statement execute function public.hoso_append_only();
"""

MARKS = """
create function public.hoso_mark_moves() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if row(old.id, old.kind, old.key, old.unit_id, old.field, old.reason, old.decision_number, old.proposed_by_id, old.proposed_at)
      is distinct from row(new.id, new.kind, new.key, new.unit_id, new.field, new.reason, new.decision_number, new.proposed_by_id, new.proposed_at)
      or old.decided_by_id is not null and row(old.decided_by_id, old.decided_at) is distinct from row(new.decided_by_id, new.decided_at) then
    raise exception 'what mark % says cannot be altered', old.id using errcode = 'insufficient_privilege';
  end if;
  if old.state || '>' || new.state not in ('proposed>in_force', 'proposed>refused', 'in_force>lifting', 'lifting>lifted', 'lifting>in_force') then
    raise exception 'mark % cannot become % from %', old.id, new.state, old.state using errcode = 'insufficient_privilege';
  end if;
  return new;
end $$;
create trigger hoso_mark_moves before update on public.workflows_mark for each row execute function public.hoso_mark_moves();
create function public.hoso_mark_begins() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if new.state <> 'proposed' then
    raise exception 'a mark begins as a proposal' using errcode = 'insufficient_privilege';
  end if;
  return new;
end $$;
create trigger hoso_mark_begins before insert on public.workflows_mark for each row execute function public.hoso_mark_begins();
create trigger hoso_keep before delete or truncate on public.workflows_mark for each statement execute function public.hoso_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("workflows", "0016_evidence_and_marks")]

    operations = [
        migrations.RunSQL(
            EVIDENCE,
            "drop trigger hoso_keep on workflows_attachment; drop trigger hoso_evidence_out on workflows_attachment; "
            "drop trigger hoso_evidence_in on workflows_attachment; drop function public.hoso_evidence_open()",
        ),
        migrations.RunSQL(
            MARKS,
            "drop trigger hoso_keep on workflows_mark; drop trigger hoso_mark_begins on workflows_mark; drop function public.hoso_mark_begins(); "
            "drop trigger hoso_mark_moves on workflows_mark; drop function public.hoso_mark_moves()",
        ),
    ]
