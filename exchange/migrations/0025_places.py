"""Where a record stands in a comparison, and an index by it that holds the whole entry: comparing reads what it asks about, not everything."""

from django.db import migrations

# The first 18 bits of SHA-256 over the key's 16 bytes (exchange.contract.DigestQuestion). Inlined, so that the index answers it.
CELL = """
create function public.hoso_cell(key uuid) returns integer language sql immutable strict parallel safe as $$
  select (get_byte(sha256(uuid_send($1)), 0) << 10) | (get_byte(sha256(uuid_send($1)), 1) << 2) | (get_byte(sha256(uuid_send($1)), 2) >> 6)
$$;
create index exchange_staff_by_cell on public.registry_staffprofile (public.hoso_cell(id)) include (id, version, digest, using_unit_id);
"""
UNDO_CELL = "drop index public.exchange_staff_by_cell; drop function public.hoso_cell(uuid);"

# What was recorded since the last comparison is at the end of a table that only grows: a few kilobytes of index find it.
SINCE = "create index exchange_ledger_by_time on public.workflows_recordversion using brin (recorded_at);"
UNDO_SINCE = "drop index public.exchange_ledger_by_time;"


class Migration(migrations.Migration):
    dependencies = [("exchange", "0024_transports"), ("registry", "0012_upload_row_states"), ("workflows", "0021_holds")]

    operations = [migrations.RunSQL(CELL, UNDO_CELL), migrations.RunSQL(SINCE, UNDO_SINCE)]
