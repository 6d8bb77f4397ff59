"""Serving the sandbox: one process, a thread for each connection, on this machine only; a second port whose certificate has ended."""

from __future__ import annotations

import ssl
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import ServerHandler, WSGIRequestHandler, WSGIServer, make_server

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from exchange.sandbox.app import Sandbox

HOST = "127.0.0.1"
LONGEST_LINE = 65_536


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True  # a call that keeps silent does not keep the program
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """A caller that gave up is what a sandbox is for: not worth a traceback."""


class _Answering(ServerHandler):
    http_version = "1.1"


class _Quiet(WSGIRequestHandler):
    """As wsgiref's, but a connection may bring several calls, and an answer leaves in one piece."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def handle(self) -> None:
        self.close_connection = False
        while not self.close_connection:
            self.raw_requestline = self.rfile.readline(LONGEST_LINE + 1)
            if not self.raw_requestline or len(self.raw_requestline) > LONGEST_LINE or not self.parse_request():
                return
            answering = _Answering(self.rfile, self.wfile, self.get_stderr(), self.get_environ(), multithread=True)
            answering.request_handler = self  # type: ignore[attr-defined]  # wsgiref's own way of finding it
            answering.run(self.server.get_app())  # type: ignore[attr-defined]

    def log_message(self, format: str, *args: object) -> None:
        """The page shows what was received."""


@contextmanager
def served(sandbox: Sandbox, *, port: int = 0, expired_tls: bool = False, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Serve in a thread; gives the address. `port` 0 takes a free one; `tls` is the server's side of TLS, which may ask for client certificates."""
    server = make_server(HOST, port, sandbox, server_class=_Server, handler_class=_Quiet)
    context = expired_context() if expired_tls else tls
    if context is not None:
        # The handshake in the thread of the call, so that nobody who stands still keeps the others waiting.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"{'https' if context is not None else 'http'}://{HOST}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def expired_context() -> ssl.SSLContext:
    """A server's side of TLS with a certificate of this machine that ended yesterday."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=90))
        .not_valid_after(now - timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        both = Path(folder) / "both.pem"
        both.touch(mode=0o600)
        both.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
        context.load_cert_chain(both)
    return context
