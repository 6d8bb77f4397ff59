"""Outside witnesses: what is handed over, and a ledger cut short or written anew together with its own seals is found by them."""

from datetime import UTC, datetime

import pytest
from django.conf import settings
from django.db import DatabaseError, connection, transaction

from workflows.documents import digest, parse
from workflows.models import AuditEvent, AuditSeal, Seal, SealSeen, SealTold
from workflows.services.audit_seals import audit_seal
from workflows.services.ledger import verify_ledger
from workflows.services.witnessing import Link, SealContradicted, seals_take, seconds_since_told, witnesses_tell

AT = datetime(2026, 11, 2, tzinfo=UTC)


@pytest.fixture
def file(gate, tmp_path):
    settings.WITNESS_FILE = tmp_path / "witness" / "seals"
    settings.WITNESS_FILE.parent.mkdir()
    yield settings.WITNESS_FILE
    settings.WITNESS_FILE = None


def damages() -> list[tuple[str, str]]:
    return [(one.place, one.what) for one in verify_ledger(signatures=False, live=False).damages if one.check == "witness"]


def test_a_file_is_told_each_new_seal_once(gate, file):
    # given
    gate.applied(gate.proposal())
    audit_seal()
    # when
    assert witnesses_tell() == [f"file {file}"]
    assert witnesses_tell() == []
    gate.applied(gate.proposal())
    assert witnesses_tell() == [f"file {file}"]
    # then
    lines = [parse(line) for line in file.read_bytes().splitlines()]
    newest = Seal.objects.latest("sequence")
    assert lines[-1]["ledger"] == {"sequence": newest.sequence, "digest": bytes(newest.digest).hex()}
    assert [lines[-1]["authority"], len(lines), damages()] == ["H15", 2, []]
    assert seconds_since_told()[f"file {file}"] < 60
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        SealTold.objects.all().delete()


def test_a_ledger_that_was_cut_short_with_its_seals_is_found(gate, file):
    request = gate.applied(gate.proposal())
    witnesses_tell()
    last = Seal.objects.latest("sequence").sequence
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("set local session_replication_role = replica")
        for table in ("seal", "recordversion", "changeitem"):
            cursor.execute(f"delete from workflows_{table} where request_id = %s", [request.pk])
        found = damages()
        transaction.set_rollback(True)
    assert found == [(f"seal {last} of the ledger", f"the ledger was cut short: file {file} was told of this seal")]


def test_chains_written_anew_with_their_seals_are_found(gate, file):
    gate.applied(gate.proposal())
    audit_seal()
    gate.applied(gate.proposal())
    witnesses_tell()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("set local session_replication_role = replica")
        for model in (Seal, AuditSeal):
            row = model.objects.latest("sequence")
            body = bytes(row.body).replace(b'"sequence":', b'"sequence": ')
            cursor.execute(f"update {model._meta.db_table} set body = %s, digest = %s where sequence = %s", [body, digest(body), row.sequence])
        found = damages()
        transaction.set_rollback(True)
    assert [what.partition(":")[0] for _place, what in found] == ["the ledger was written anew up to here", "the audit was written anew up to here"]


@pytest.mark.parametrize("harm", ["gone", "rubbish", "another authority"])
def test_a_witness_that_cannot_be_asked_is_named(gate, file, harm):
    gate.applied(gate.proposal())
    witnesses_tell()
    if harm == "gone":
        file.unlink()
    else:
        file.write_bytes(b"rubbish\n" if harm == "rubbish" else file.read_bytes().replace(b'"H15"', b'"H16"'))
    ((place, what),) = damages()
    assert place == f"file {file}"
    assert "nothing was compared" in what
    assert verify_ledger(signatures=False, live=False, witnesses=False).ok


def test_a_volume_that_is_away_holds_nothing_up(gate, file):
    file.parent.rmdir()
    gate.applied(gate.proposal())
    assert witnesses_tell() == []
    file.parent.mkdir()
    assert witnesses_tell() == [f"file {file}"]


# Where we are the witness


def test_as_a_witness_the_first_word_counts(gate):
    one, two, other = Link("ledger", 1, "1" * 64), Link("ledger", 5, "5" * 64), Link("ledger", 5, "6" * 64)
    seals_take(authority="H99", at=AT, links=[one])
    seals_take(authority="H99", at=AT, links=[two, Link("audit", 9, "9" * 64)])
    seals_take(authority="H99", at=AT, links=[two])
    seals_take(authority="H98", at=AT, links=[other])  # another agency's chain
    for link, code in ((other, "SEAL_REWRITTEN"), (Link("ledger", 3, "3" * 64), "SEAL_BACKWARDS")):
        with pytest.raises(SealContradicted) as caught:
            seals_take(authority="H99", at=AT, links=[Link("audit", 10, "a" * 64), link])
        assert caught.value.code == code
        assert AuditEvent.objects.filter(action="witness.contradicts").latest("id").detail["code"] == code
    kept = SealSeen.objects.filter(authority="H99").order_by("pk").values_list("chain", "sequence")
    assert list(kept) == [("ledger", 1), ("ledger", 5), ("audit", 9)]
