"""What the exchange has proved or been told is never changed: receipts, verified manifests, evidence and results."""

from django.db import migrations

from workflows.walls import AppendOnly


class Migration(migrations.Migration):
    dependencies = [("exchange", "0001_initial"), ("workflows", "0002_walls")]

    operations = [
        AppendOnly("exchange_receipt"),
        AppendOnly("exchange_agencymanifest"),
        AppendOnly("exchange_inboundevidence"),
        AppendOnly("exchange_inboundresult"),
    ]
