"""Our own hub under examination: in this process, with a worker that takes what a call brought before its answer is seen."""

from __future__ import annotations

from typing import Any

import httpx
from django.core.wsgi import get_wsgi_application

from config.demo.pki import DemoAuthority, Person
from exchange.conformance.kit import Kit
from exchange.models import InboundBatch
from exchange.services.agencies import agency_set
from exchange.services.intake import batch_process
from signing_agent.sign import sign_manifest
from tests.workflows.certificates import PIN

SECRET = "c" * 40


class WithWorker(httpx.WSGITransport):
    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = super().handle_request(request)
        if request.method in ("POST", "PUT"):
            for pk in InboundBatch.objects.filter(state="received").values_list("pk", flat=True):
                batch_process(batch_id=pk)
        return answer


def kit_make(authority: DemoAuthority, number: int) -> Kit:
    """The kit of an agency that nobody has used yet; `number` makes its code and its people's numbers its own."""
    code = f"Y{number:02}"
    signer = Person(login=f"an-{code}", name="Nguyễn Văn An", personal_number="066075001234", organization=code, organization_identifier=code)
    p12 = authority.issue(signer, pin=PIN)
    agency_set(actor=None, code=code, name=code, client_id=f"conformance-{code}", secret=SECRET)
    client = httpx.Client(transport=WithWorker(app=get_wsgi_application()))

    def sign(manifest: bytes, moment: Any) -> bytes:
        return sign_manifest(p12=p12, pin=PIN, manifest=manifest, signed_at=moment)

    return Kit("http://testserver", code, f"conformance-{code}", SECRET, sign, client=client, serial=70_000 + 1_000 * number)
