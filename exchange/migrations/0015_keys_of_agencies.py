"""Every agency that was admitted before keys had a life has one key, and it is active."""

from django.db import migrations

KEYS = """
insert into exchange_agencykey(agency_id, application_id, state, requested_at, activated_at)
select id, application_id, 'active', now(), now() from exchange_agency on conflict do nothing
"""


class Migration(migrations.Migration):
    dependencies = [("exchange", "0014_keys")]

    operations = [migrations.RunSQL(KEYS, migrations.RunSQL.noop)]
