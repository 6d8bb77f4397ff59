"""The hub's evidence is verified, and what somebody tampers with past the walls is found."""

import pytest
from django.db import connection, transaction

from exchange.services.evidence import verify_evidence
from workflows.models import RecordVersion


@pytest.fixture(scope="module")
def taken(hub):
    sender = hub.senders["H15"]
    people = [sender.person() for _ in range(3)]
    hub.accept(*people)
    hub.accept(people[0].again(phone="0987654321"))
    return hub


class Undone(Exception):
    pass


def damages_after(statement):
    """What is found when a superuser with the triggers off runs `statement`; undone afterwards."""
    with pytest.raises(Undone), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("set local session_replication_role = replica")
        cursor.execute(statement)
        assert cursor.rowcount > 0
        found = verify_evidence().damages
        raise Undone
    return {damage.what for damage in found}


def test_sound_evidence(taken):
    outcome = verify_evidence()
    assert (outcome.ok, outcome.versions) == (True, RecordVersion.objects.count())
    assert outcome.manifests == 4


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("delete from exchange_inboundevidence where version = 2", "no agency's signature stands behind it"),
        ("update exchange_inboundevidence set leaf_index = leaf_index + 1", "its proof does not lead to the root that the agency signed"),
        ("update exchange_inboundevidence set proof = proof || sha256('x')", "its proof does not lead to the root that the agency signed"),
        ("update exchange_agencymanifest set signature = signature || '\\x00'", "its bytes are not those of its digest"),
        ("update exchange_agencymanifest set body = body || ' '", "its bytes are not those of its digest"),
        ("update exchange_agencymanifest set agency_id = (select max(id) from exchange_agency)", "wrong_agency"),
        (
            "update workflows_recordversion set document_id = sha256('x') where version = 2",
            "its proof does not lead to the root that the agency signed",
        ),
        ("update workflows_changerequest set evidence = '{}'", "the agency's manifest that it names is not kept"),
    ],
)
def test_tampering_is_found(taken, statement, what):
    assert any(what in one for one in damages_after(statement))


def test_the_walls_stop_a_plain_statement(taken):
    for table in ("exchange_inboundevidence", "exchange_agencymanifest", "exchange_inboundresult"):
        for statement in (f"delete from {table}", f"truncate {table} cascade", f"update {table} set id = id"):
            with pytest.raises(Exception, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(statement)
