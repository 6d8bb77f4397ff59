"""Walls of code lists: what the hub published, what was signed there, and what a request of ours took of it stay as they were."""

from django.db import migrations

from workflows.walls import AppendOnly


class Migration(migrations.Migration):
    dependencies = [("exchange", "0033_catalogues")]

    operations = [AppendOnly(f"exchange_catalogue{name}") for name in ("manifest", "code", "taking")]
