"""Each worker of a test run has keys of its own: what one counts or clears is nothing to another."""

import os

import pytest
from django.conf import settings


def test_settings_were_read_after_the_worker_named_its_keys(worker_id):
    if worker_id == "master" or "HOSO_TEST_REDIS_URL" in os.environ:
        pytest.skip("one process, or a server that was named")
    assert settings.CACHES["default"]["LOCATION"] == settings.REDIS_URL == os.environ["REDIS_URL"]
    assert settings.REDIS_URL.endswith(f"/{worker_id.removeprefix('gw')}")
