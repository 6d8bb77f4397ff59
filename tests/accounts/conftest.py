"""People who log in by the front door, and a single sign-on beside it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from django.core.cache import cache

from tests.accounts.provider import OpenIdProvider

if TYPE_CHECKING:  # models cannot be imported before pytest has configured Django
    from orgtree.models import User


@pytest.fixture(autouse=True)
def _fast_and_forgetful(settings):
    """Hashing as slow as in production would cost these tests most of their time; nobody has tried anything yet."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    cache.clear()


@pytest.fixture
def lan(db) -> User:
    from tests.factories import PASSWORD, user_make

    return user_make("lan", password=PASSWORD)


@pytest.fixture(scope="session")
def _serving() -> Iterator[OpenIdProvider]:
    provider = OpenIdProvider()
    thread = threading.Thread(target=provider.server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield provider
    provider.server.shutdown()
    thread.join()
    provider.server.server_close()


@pytest.fixture
def sign_on(_serving, settings) -> OpenIdProvider:
    """The single sign-on of the agency, which this installation is configured for."""
    ours = {"oidc_issuer": _serving.issuer, "oidc_client_id": "hoso", "oidc_client_secret": "geheim", "oidc_name": "Cổng nội bộ"}
    settings.ENVIRONMENT = replace(settings.ENVIRONMENT, **ours)
    _serving.claims, _serving.algorithm, _serving.discovery = {}, "RS256", {}
    _serving.rotate("a")
    return _serving
