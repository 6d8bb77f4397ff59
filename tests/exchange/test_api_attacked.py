"""schemathesis attacks the hub's API from its own description: no 5xx, no undocumented status, type or shape."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance, unsupported_method

from tests.exchange.test_api import token

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance, unsupported_method]
FEW, MANY = 6, 40


@pytest.fixture(scope="module")
def hub_schema(hub):
    from django.core.wsgi import get_wsgi_application
    from django.test import override_settings

    with override_settings(ROOT_URLCONF="tests.exchange.hub_urls", ALLOWED_HOSTS=["*"]):
        yield schemathesis.openapi.from_wsgi("/api/v1/openapi.json", get_wsgi_application())


@pytest.fixture(scope="module")
def bearer(hub_schema):
    return token().json()["access_token"]


OPERATIONS = [
    ("/api/v1/org-units", "PUT"),
    ("/api/v1/profiles", "POST"),
    ("/api/v1/batches", "GET"),
    ("/api/v1/batches/{batch}", "GET"),
    ("/api/v1/receipts", "GET"),
    ("/api/v1/trial", "POST"),
    ("/api/v1/trial/{trial}", "GET"),
    ("/api/v1/digests", "POST"),
    ("/api/v1/documents", "POST"),
    ("/api/v1/certificates", "PUT"),
    ("/api/v1/agencies", "GET"),
    ("/api/v1/transfers", "GET"),
    ("/api/v1/transfers/{number}", "GET"),
    ("/api/v1/transfers/{number}", "PUT"),
    ("/api/v1/transfers/{number}/file", "GET"),
    ("/api/v1/transfers/{number}/take", "POST"),
    ("/api/v1/transfers/{number}/give-back", "POST"),
    ("/api/v1/transfers/{number}/refuse", "POST"),
    ("/api/v1/transfers/{number}/withdraw", "POST"),
    ("/api/v1/claims", "GET"),
    ("/api/v1/claims/{number}", "GET"),
    ("/api/v1/claims/{number}/answer", "POST"),
    ("/api/v1/seals", "GET"),
    ("/api/v1/seals", "PUT"),
    ("/api/v1/catalogues", "GET"),
    ("/api/v1/catalogues", "PUT"),
    ("/api/v1/catalogues/{name}", "GET"),
    ("/api/v1/org-units", "GET"),
    ("/api/v1/profiles", "GET"),
    ("/api/v1/held", "POST"),
]


def attack(schema, path, method, mode, examples, check):
    """Run `check` on generated cases of one operation. (schemathesis's own pytest plugin does not work with pytest 9.)"""

    @given(case=schema[path][method].as_strategy(generation_mode=mode))
    @settings(max_examples=examples, suppress_health_check=list(HealthCheck), derandomize=True, deadline=None)
    def run(case):
        check(case)

    run()


def test_every_operation_is_attacked(hub_schema):
    assert {(one.ok().path, one.ok().method.upper()) for one in hub_schema.get_all_operations()} == set(OPERATIONS)


@pytest.mark.parametrize("examples", [FEW, pytest.param(MANY, marks=pytest.mark.long)])
@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_with_a_token(hub_schema, bearer, path, method, mode, examples):
    headers = {"Authorization": f"Bearer {bearer}"}
    attack(hub_schema, path, method, mode, examples, lambda case: case.call_and_validate(headers=headers, checks=CHECKS))


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_without_a_token(hub_schema, path, method):
    def check(case):
        response = case.call()
        assert response.status_code == 401
        case.validate_response(response, checks=[content_type_conformance, response_schema_conformance])

    attack(hub_schema, path, method, schemathesis.GenerationMode.POSITIVE, 3, check)
