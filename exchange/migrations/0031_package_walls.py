"""Walls of packages carried by hand: what was packed or taken stays as it was, and each of its later facts is written down once."""

from django.db import migrations

from workflows.walls import AppendOnly

# Each argument names the columns of one fact that comes later (a signature, an answer): written together, once, where there was nothing.
# All other columns never change. A migration that adds a column gives the trigger anew where the column is a fact of its own.
FUNCTION = """
create function public.hoso_package_kept() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  kept jsonb := to_jsonb(old);
  given jsonb := to_jsonb(new);
  fact text;
  names text[];
begin
  foreach fact in array tg_argv loop
    names := string_to_array(fact, ' ');
    if (kept -> names[1]) <> 'null'::jsonb and exists (select from unnest(names) n where (kept -> n) is distinct from (given -> n)) then
      raise exception 'what was written down of package % is written once', old.id using errcode = 'insufficient_privilege';
    end if;
    kept := kept - names;
    given := given - names;
  end loop;
  if kept is distinct from given then
    raise exception 'package % stays as it was made', old.id using errcode = 'insufficient_privilege',
      hint = 'A package is never altered: make another one.';
  end if;
  return new;
end $$;

-- A batch takes its place while its package is made; once that was signed or answered, nothing is slipped in.
create function public.hoso_package_closed() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
declare closed boolean;
begin
  execute format('select %I is not null from public.%I where id = $1', tg_argv[1], tg_argv[0]) into closed using new.package_id;
  if closed then
    raise exception 'package % is closed: no batch enters it any more', new.package_id using errcode = 'insufficient_privilege';
  end if;
  return new;
end $$;

create trigger hoso_package_kept before update on public.exchange_outgoingpackage for each row
  execute function public.hoso_package_kept('signature signer signed_at', 'answered_at');
create trigger hoso_keep before delete or truncate on public.exchange_outgoingpackage
  for each statement execute function public.hoso_append_only();
create trigger hoso_package_closed before insert on public.exchange_packagedbatch for each row
  execute function public.hoso_package_closed('exchange_outgoingpackage', 'signature');

create trigger hoso_package_kept before update on public.exchange_incomingpackage for each row
  execute function public.hoso_package_kept('receipts', 'receipts_signature receipts_signer receipts_signed_at');
create trigger hoso_keep before delete or truncate on public.exchange_incomingpackage
  for each statement execute function public.hoso_append_only();
create trigger hoso_package_closed before insert on public.exchange_carriedbatch for each row
  execute function public.hoso_package_closed('exchange_incomingpackage', 'receipts');
"""
UNDO = """
drop trigger hoso_package_closed on public.exchange_carriedbatch;
drop trigger hoso_keep on public.exchange_incomingpackage;
drop trigger hoso_package_kept on public.exchange_incomingpackage;
drop trigger hoso_package_closed on public.exchange_packagedbatch;
drop trigger hoso_keep on public.exchange_outgoingpackage;
drop trigger hoso_package_kept on public.exchange_outgoingpackage;
drop function public.hoso_package_closed();
drop function public.hoso_package_kept();
"""


class Migration(migrations.Migration):
    dependencies = [("exchange", "0030_claim_words"), ("workflows", "0002_walls")]

    operations = [
        AppendOnly("exchange_packagedbatch"),
        AppendOnly("exchange_carriedbatch"),
        migrations.RunSQL(FUNCTION, UNDO),
    ]
