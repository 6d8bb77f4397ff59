"""The demonstration authority's OCSP responder (RFC 6960): a small HTTP server that answers for the issuing authority. Never for production.

    with Responder(authority) as responder:
        ... responder.address ...

`status`, `valid_for`, `signatory` and `twist` are there for tests: what a responder may do wrong.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from config.demo.pki import DemoAuthority, Signatory

QUERY, REPLY = "application/ocsp-request", "application/ocsp-response"
MAX_QUESTION = 16 * 1024


class Responder(ThreadingHTTPServer):
    """Listens on 127.0.0.1 from entering the context on. `asked` counts questions."""

    daemon_threads = True

    def __init__(self, authority: DemoAuthority, *, port: int = 0, signatory: Signatory | None = None) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.authority = authority
        self.signatory = signatory or authority.issuing
        self.status: ocsp.OCSPCertStatus | None = None
        self.moment: Callable[[], datetime] = lambda: datetime.now(UTC)
        self.valid_for: timedelta | None = timedelta(hours=1)
        self.nonce: Callable[[bytes], bytes | None] = lambda given: given
        self.twist: Callable[[bytes], tuple[int, str, bytes]] = lambda body: (200, REPLY, body)
        self.asked = 0

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/ocsp"

    def __enter__(self) -> Responder:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.shutdown()
        self.server_close()

    def answer(self, question: bytes) -> bytes:
        """The OCSPResponse (DER) to an OCSPRequest about one certificate."""
        try:
            asked = ocsp.load_der_ocsp_request(question)
        except ValueError:
            return ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.MALFORMED_REQUEST).public_bytes(Encoding.DER)
        now = self.moment().replace(microsecond=0)
        revoked = self.authority.revoked_at(asked.serial_number)
        status = self.status or (ocsp.OCSPCertStatus.REVOKED if revoked else ocsp.OCSPCertStatus.GOOD)
        builder = (
            ocsp.OCSPResponseBuilder()
            .add_response_by_hash(
                issuer_name_hash=asked.issuer_name_hash,
                issuer_key_hash=asked.issuer_key_hash,
                serial_number=asked.serial_number,
                algorithm=asked.hash_algorithm,
                cert_status=status,
                this_update=now,
                next_update=now + self.valid_for if self.valid_for else None,
                revocation_time=revoked or now if status == ocsp.OCSPCertStatus.REVOKED else None,
                revocation_reason=x509.ReasonFlags.key_compromise if status == ocsp.OCSPCertStatus.REVOKED else None,
            )
            .responder_id(ocsp.OCSPResponderEncoding.HASH, self.signatory.certificate)
        )
        if self.signatory is not self.authority.issuing:
            builder = builder.certificates([self.signatory.certificate])
        given = next((one.value.nonce for one in asked.extensions if isinstance(one.value, x509.OCSPNonce)), None)
        if given is not None and (nonce := self.nonce(given)) is not None:
            builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)
        return builder.sign(self.signatory.key, hashes.SHA256()).public_bytes(Encoding.DER)


class _Handler(BaseHTTPRequestHandler):
    server: Responder

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if self.headers.get("Content-Type") != QUERY or length > MAX_QUESTION:
            self.send_error(400)
            return
        self.server.asked += 1
        status, kind, body = self.server.twist(self.server.answer(self.rfile.read(length)))
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: the command says where it listens, and nothing else happens here."""
