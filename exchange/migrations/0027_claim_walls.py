"""Walls of cases between agencies: what was said stays said, and a case is never deleted."""

from django.db import migrations

from workflows.walls import AppendOnly

KEPT = (
    "create trigger hoso_keep before delete or truncate on public.exchange_doubleclaim for each statement execute function public.hoso_append_only();"
)
UNDO_KEPT = "drop trigger hoso_keep on public.exchange_doubleclaim;"


class Migration(migrations.Migration):
    dependencies = [("exchange", "0026_claims"), ("workflows", "0021_holds")]

    operations = [AppendOnly("exchange_doubleclaimstep"), migrations.RunSQL(KEPT, UNDO_KEPT)]
