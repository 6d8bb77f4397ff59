"""Guessing a password: after ten tries at one login from one address one waits, and nobody else is kept out."""

from __future__ import annotations

import pytest
import redis
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from accounts.tries import TRIES
from tests.factories import PASSWORD, user_make

pytestmark = pytest.mark.django_db
LOCKED = "Nhập sai quá nhiều lần"


@pytest.fixture(autouse=True)
def _nobody_tried():
    cache.clear()
    user_make("lan", password=PASSWORD)


def tried(password: str, *, login: str = "lan", **where: str):
    return Client().post(reverse("account_login"), {"login": login, "password": password}, **where)


@pytest.fixture
def _guessed():
    for _try in range(TRIES):
        assert LOCKED not in tried("sai").content.decode()


@pytest.mark.usefixtures("_guessed")
def test_after_ten_wrong_tries_even_the_right_password_waits():
    # when
    answer = tried(PASSWORD)
    # then
    assert answer.status_code == 200
    assert LOCKED in answer.content.decode()


@pytest.mark.usefixtures("_guessed")
def test_the_same_person_elsewhere_and_others_here_are_not_kept_out():
    # given
    user_make("binh", password=PASSWORD)
    # when, then
    assert tried(PASSWORD, login="binh").status_code == 302
    assert tried(PASSWORD, HTTP_X_FORWARDED_FOR="10.0.0.7").status_code == 302


@pytest.mark.usefixtures("_guessed")
def test_an_address_that_the_caller_makes_up_opens_nothing():
    """Only what the proxy appended counts, and only from a proxy on this machine."""
    # given
    for _try in range(TRIES):
        tried("sai", HTTP_X_FORWARDED_FOR="10.0.0.7", REMOTE_ADDR="192.0.2.1")
    # when, then
    assert LOCKED in tried(PASSWORD, HTTP_X_FORWARDED_FOR="10.0.0.8", REMOTE_ADDR="192.0.2.1").content.decode()
    assert LOCKED in tried(PASSWORD, HTTP_X_FORWARDED_FOR="10.0.0.9, 127.0.0.1").content.decode()


def test_a_login_that_does_not_exist_is_locked_alike():
    # given
    for _try in range(TRIES):
        tried("sai", login="khong-co")
    # when, then
    assert LOCKED in tried("sai", login="khong-co").content.decode()


def test_a_right_password_forgets_the_wrong_ones():
    # given
    for _round in range(2):
        for _try in range(TRIES - 1):
            tried("sai")
        # when, then
        assert tried(PASSWORD).status_code == 302


def test_without_redis_people_still_sign_in(monkeypatch):
    # given
    def broken(*arguments, **more):
        raise redis.ConnectionError

    for name in ("add", "incr", "delete"):
        monkeypatch.setattr(cache, name, broken, raising=False)
    # when, then
    assert tried(PASSWORD).status_code == 302
