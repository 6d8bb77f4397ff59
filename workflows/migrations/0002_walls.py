"""The walls: what only an applying request may write, what is append-only, and which moves a request can make."""

from django.db import migrations

from workflows.walls import APPEND_ONLY_FUNCTION, DECISION_GUARD, GATE_FUNCTION, ITEM_GUARDS, REQUEST_MOVES, AppendOnly, GateInsert


class Migration(migrations.Migration):
    dependencies = [("workflows", "0001_initial")]

    operations = [
        migrations.RunSQL(GATE_FUNCTION, "drop function public.hoso_gate_guard()"),
        migrations.RunSQL(APPEND_ONLY_FUNCTION, "drop function public.hoso_append_only()"),
        migrations.RunSQL(
            REQUEST_MOVES,
            "drop trigger hoso_settled on workflows_changerequest; drop function public.hoso_request_settled(); drop trigger hoso_keep on workflows_changerequest; "
            "drop trigger hoso_moves on workflows_changerequest; drop function public.hoso_request_moves()",
        ),
        migrations.RunSQL(
            ITEM_GUARDS,
            "drop trigger hoso_item_frozen on workflows_changeitem; drop function public.hoso_item_frozen(); drop trigger hoso_keep on workflows_changeitem; "
            "drop trigger hoso_items_out on workflows_changeitem; drop trigger hoso_items_in on workflows_changeitem; drop function public.hoso_items_open()",
        ),
        migrations.RunSQL(DECISION_GUARD, "drop trigger hoso_decision on workflows_decision; drop function public.hoso_decision_guard()"),
        GateInsert("workflows_recordversion"),
        GateInsert("workflows_outboxmessage"),
        *(
            AppendOnly(f"workflows_{table}")
            for table in ("storeddocument", "recordversion", "seal", "auditevent", "decision", "manifest", "signature", "contribution", "outboxmessage", "stage")
        ),
    ]
