"""Our own hub keeps the contract, and a hub that does not is found out, check by check."""

from __future__ import annotations

import httpx
import pytest
from django.core.wsgi import get_wsgi_application

from exchange.conformance.checks import CHECKS
from exchange.conformance.kit import Kit
from exchange.conformance.runner import conformance_run, report
from exchange.models import InboundBatch
from exchange.services.agencies import agency_set
from exchange.services.intake import batch_process
from signing_agent.sign import sign_manifest
from tests.workflows.certificates import PIN

pytestmark = [pytest.mark.urls("tests.exchange.hub_urls"), pytest.mark.long]
SECRET = "c" * 40


class WithWorker(httpx.WSGITransport):
    """The hub in this process, with a worker that takes what a call brought before its answer is seen."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = super().handle_request(request)
        if request.method in ("POST", "PUT"):
            for pk in InboundBatch.objects.filter(state="received").values_list("pk", flat=True):
                batch_process(batch_id=pk)
        return answer


@pytest.fixture
def kit(hub, request):
    """An agency that nobody has used yet."""
    from config.demo.pki import Person

    code = f"Y{len(hub.agencies):02}"
    signer = Person(login=f"an-{code}", name="Nguyễn Văn An", personal_number="066075001234", organization=code, organization_identifier=code)
    p12 = hub.authority.issue(signer, pin=PIN)
    hub.agencies[code] = agency_set(actor=None, code=code, name=code, client_id=f"conformance-{code}", secret=SECRET)
    client = httpx.Client(transport=WithWorker(app=get_wsgi_application()))

    def sign(manifest, moment):
        return sign_manifest(p12=p12, pin=PIN, manifest=manifest, signed_at=moment)

    return Kit("http://testserver", code, f"conformance-{code}", SECRET, sign, client=client, serial=70_000 + 1_000 * len(hub.agencies))


def test_our_hub_passes_every_check(kit):
    results = conformance_run(kit)
    assert len(results) >= 60
    assert report(results) == ""


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        ("proofs are not verified", {"forgery_is_found: document", "forgery_is_found: proof"}),
        ("gaps are taken", {"a_gap_is_refused"}),
    ],
)
def test_a_hub_with_a_fault_is_found_out_with_an_example(kit, monkeypatch, fault, found):
    from exchange.services import verification

    if fault == "proofs are not verified":
        monkeypatch.setattr(verification.merkle, "verify", lambda **_: True)
    else:
        monkeypatch.setattr(verification, "standings", _never_a_gap(verification.standings))
    failed = {one.check.name: one for one in conformance_run(kit) if not one.passed}
    assert found <= set(failed)
    assert all(one.seen and one.check.mend for one in failed.values())
    assert len(failed) < len(CHECKS) / 2


def _never_a_gap(standings):
    from dataclasses import replace

    def told(**named):
        return {key: replace(one, reach=10**6) for key, one in standings(**named).items()}

    return told
