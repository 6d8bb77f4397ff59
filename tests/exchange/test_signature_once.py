"""Two workers that meet the same signature at one moment keep it once, and the database has no failed insert to log."""

import threading

import pytest
from django.db import Error, connection, transaction

from exchange.contract import PROFILE_KIND
from exchange.models import AgencyManifest
from exchange.services.intake import envelope_read
from exchange.services.verification import manifest_verify
from workflows.documents import digest

WAITING = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query ilike '%%agencymanifest%%'"


def waits():
    with connection.cursor() as cursor:
        cursor.execute("select pg_stat_clear_snapshot()")  # a transaction sees the sessions as it saw them first
        cursor.execute(WAITING)
        return cursor.fetchone()[0] == 1


def test_two_workers_keep_a_signature_once_without_an_error(hub):
    # given a signature that the hub has not seen, and one worker that has kept it and not committed
    signed = hub.senders["H15"].sign(hub.senders["H15"].person())
    envelope, agency = envelope_read(signed.body(), PROFILE_KIND), hub.agencies["H15"]
    errors, kept = [], []

    def told(execute, sql, params, many, context):
        try:
            return execute(sql, params, many, context)
        except Error as error:
            errors.append(error)
            raise

    def second():
        try:
            with connection.execute_wrapper(told), transaction.atomic():
                kept.append(manifest_verify(agency=agency, envelope=envelope)[0])
        finally:
            connection.close()

    other = threading.Thread(target=second)
    with transaction.atomic():
        first = manifest_verify(agency=agency, envelope=envelope)[0]
        # when another one comes to the same place and waits for it
        other.start()
        while not waits():
            if not other.is_alive():
                pytest.fail("the second worker did not wait")
    other.join(timeout=30)
    # then it goes on with what the first one kept, and no statement failed
    assert (kept, errors) == ([first], [])
    assert AgencyManifest.objects.filter(agency=agency, signature_digest=digest(signed.signature)).count() == 1
