"""Signatures get their time-stamps from an authority over HTTP; one that fails holds nobody up and loses nothing."""

import io
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.conf import settings
from django.db import DatabaseError, connection, transaction

from config.demo.pki import DemoAuthority
from exchange import tasks
from exchange.services.stamping import AuthorityFailed, signatures_stamp
from tests.workflows.authority import StampingAuthority
from tests.workflows.conftest import gate  # noqa: F401 - the gate, for this module
from tools.verify_evidence import Broken, verify
from workflows.models import RecordVersion, Signature, Timestamp
from workflows.services.evidence import evidence_bundle
from workflows.services.ledger import verify_ledger
from workflows.services.timestamping import signatures_unstamped


@pytest.fixture(scope="module")
def authority(gate):  # noqa: F811
    """A server whose `answer` is a function from request to (status, content type, body), and the one that stamps."""
    stamper = StampingAuthority(DemoAuthority(settings.TRUST_DIRECTORY.parent / "pki"))

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def stamps(self, request):
            return 200, "application/timestamp-reply", stamper.answer(request)

        answer = stamps

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            status, kind, body = self.server.answer(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(autouse=True)
def address(authority):
    authority.answer = authority.stamps
    settings.TSA_URL = f"http://127.0.0.1:{authority.server_address[1]}/"
    yield
    settings.TSA_URL = ""


def test_every_signature_gets_its_time_stamp_once(gate, authority):  # noqa: F811
    # given
    request = gate.applied(gate.proposal())
    assert signatures_unstamped().exists()
    # when
    kept = signatures_stamp()
    # then
    assert kept == Timestamp.objects.count() == Signature.objects.count()
    assert signatures_stamp() == 0
    assert verify_ledger().ok
    # and the evidence carries it
    with zipfile.ZipFile(io.BytesIO(evidence_bundle(RecordVersion.objects.get(request=request)))) as archive:
        assert "stage-1/timestamp.tst" in archive.namelist()


def test_the_offline_checker_judges_by_the_time_stamp_and_finds_a_false_one(gate, authority, tmp_path):  # noqa: F811
    # given
    first, second = gate.applied(gate.proposal()), gate.applied(gate.proposal())
    signatures_stamp()
    bundles = [evidence_bundle(RecordVersion.objects.get(request=one)) for one in (first, second)]
    paths = [tmp_path / "good.zip", tmp_path / "swapped.zip"]
    paths[0].write_bytes(bundles[0])
    parts = [zipfile.ZipFile(io.BytesIO(body)) for body in bundles]
    with zipfile.ZipFile(paths[1], "w") as swapped:
        for name in parts[0].namelist():
            swapped.writestr(name, parts[name.endswith(".tst")].read(name))
    anchor = settings.TRUST_DIRECTORY / "root.pem"
    # then
    assert any("time-stamped" in line for line in verify(paths[0], anchor))
    with pytest.raises(Broken, match="another signature"):
        verify(paths[1], anchor)


@pytest.mark.parametrize(
    "answer",
    [(500, "text/plain", b"no"), (200, "text/html", b"<html>"), (200, "application/timestamp-reply", b"x" * 100_000)],
    ids=["error", "page", "flood"],
)
def test_an_authority_that_fails_holds_nobody_up(gate, authority, answer):  # noqa: F811
    # given
    authority.answer = lambda request: answer
    request = gate.applied(gate.proposal())
    # when
    with pytest.raises(AuthorityFailed):
        signatures_stamp()
    tasks.stamp()  # says so in the log, and comes back
    # then
    assert request.state == "applied"
    assert signatures_unstamped().exists()
    authority.answer = authority.stamps
    assert signatures_stamp() >= 1
    assert not signatures_unstamped().exists()


def test_one_token_that_does_not_hold_does_not_stop_the_others(gate, authority):  # noqa: F811
    # given
    gate.applied(gate.proposal())
    gate.applied(gate.proposal())
    answers = iter([(200, "application/timestamp-reply", b"rubbish")])
    authority.answer = lambda request: next(answers, None) or authority.stamps(request)
    # when
    assert signatures_stamp() == 1
    assert signatures_stamp() == 1


def test_time_stamps_are_append_only_and_an_edited_one_is_found(gate, authority):  # noqa: F811
    gate.applied(gate.proposal())
    signatures_stamp()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        Timestamp.objects.update(recorded_at=None)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("set local session_replication_role = replica")
        cursor.execute("select min(recorded_at) from workflows_timestamp")
        cursor.execute("update workflows_timestamp set stamped_at = stamped_at - interval '1 day' where recorded_at = %s", cursor.fetchone())
        (damage,) = verify_ledger().damages
        assert (damage.check, damage.what) == ("timestamp", "it gives another time than recorded")
        transaction.set_rollback(True)


def test_without_an_authority_nothing_is_asked(gate):  # noqa: F811
    settings.TSA_URL = ""
    gate.applied(gate.proposal())
    assert signatures_stamp() == 0
