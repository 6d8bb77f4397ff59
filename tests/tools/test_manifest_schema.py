"""docs/schema/manifest.v1.json says of every statement what the program itself says."""

import json
from datetime import date

import jsonschema_rs
import pytest

from tests.workflows.certificates import manifest
from tools.manifest_schema import PATH, texts
from workflows.documents import canonical


@pytest.fixture(scope="module")
def published():
    return jsonschema_rs.Draft202012Validator(json.loads(PATH.read_text()), validate_formats=True)


def test_the_published_schemas_are_the_programs():
    assert {path: path.read_text() for path in texts()} == texts(), "run tools/manifest_schema.py"


@pytest.mark.parametrize("more", [{}, {"unit": None, "unit_name": None}, {"excluded": []}, {"effective_on": date(2026, 12, 1)}])
def test_manifests_fit_it(published, more):
    assert published.is_valid(json.loads(manifest(**more)))


@pytest.mark.parametrize(
    "wrong",
    [
        {"schema": "manifest/2"}, {"purpose": "reject"}, {"count": 0}, {"root": "00"}, {"excluded": [1, 1]}, {"excluded": [-1]}, {"kinds": {}},
        {"title": ""}, {"unit": "x"}, {"prepared_at": "2026-11-02"}, {"effective_on": "mai"}, {"decider": {"name": "An"}}, {"more": 1},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_manifest_does_not_fit_it(published, wrong):
    body = canonical({**json.loads(manifest()), **wrong})
    assert not published.is_valid(json.loads(body))
