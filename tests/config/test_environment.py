"""The one reader of variables: everything wrong is named at once, and the page for operators lists every variable."""

from __future__ import annotations

from dataclasses import MISSING, fields
from pathlib import Path

import pytest

from config.environment import Environment, EnvironmentInvalid

ROOT = Path(__file__).resolve().parents[2]
COMPLETE = {"DATABASE_URL": "postgresql://hoso@db/hoso", "REDIS_URL": "redis://broker/0", "SECRET_KEY": "k" * 60}


def test_three_variables_are_enough() -> None:
    environment = Environment.read(COMPLETE)

    assert environment.hoso_role == "agency"
    assert environment.allowed_hosts == ("127.0.0.1", "localhost")
    assert environment.insecure_http is False
    assert environment.debug is False


def test_everything_wrong_is_named_at_once() -> None:
    wrong = {
        "REDIS_URL": "http://broker",
        "SECRET_KEY": "k",
        "DEBUG": "perhaps",
        "UPLOAD_MAX_MB": "many",
        "HOSO_ROLE": "province",
        "HOSO_CHANNEL_SECRETS": "national-hub=s,forgotten",
        "HOSO_TODAY": "1/2/2026",
        "LOG_LEVEL": "LOUD",
        "EMAIL_URL": "pigeon://loft",
    }

    with pytest.raises(EnvironmentInvalid) as caught:
        Environment.read(wrong)

    for name in {"DATABASE_URL", *wrong} - {"SECRET_KEY"}:
        assert name in str(caught.value)
    assert "SECRET_KEY" not in str(caught.value)


def test_no_other_database_is_accepted() -> None:
    with pytest.raises(EnvironmentInvalid, match="DATABASE_URL must begin with postgresql://"):
        Environment.read(COMPLETE | {"DATABASE_URL": "sqlite:///hoso.db"})


@pytest.mark.parametrize(
    ("url", "host", "port", "ssl", "tls"),
    [
        ("smtp://mail.example", "mail.example", 25, False, False),
        ("smtp://hoso:p%40ss@mail.example:587", "mail.example", 587, False, True),
        ("smtp://hoso:p%40ss@mail.example:465", "mail.example", 465, True, False),
    ],
)
def test_mail_server(url: str, host: str, port: int, ssl: bool, tls: bool) -> None:
    email = Environment.read(COMPLETE | {"EMAIL_URL": url}).email()

    assert (email["EMAIL_HOST"], email["EMAIL_PORT"], email["EMAIL_USE_SSL"], email["EMAIL_USE_TLS"]) == (host, port, ssl, tls)
    assert email["EMAIL_HOST_PASSWORD"] == ("p@ss" if "@mail" in url else "")


@pytest.mark.parametrize(("text", "expected"), [("1", True), ("true", True), ("YES", True), ("0", False), ("off", False), ("", False)])
def test_switches(text: str, expected: bool) -> None:
    assert Environment.read(COMPLETE | {"INSECURE_HTTP": text}).insecure_http is expected


def test_lists_lose_their_blanks() -> None:
    environment = Environment.read(COMPLETE | {"ALLOWED_HOSTS": " hoso.example , , www.hoso.example"})

    assert environment.allowed_hosts == ("hoso.example", "www.hoso.example")


def test_database_url_with_everything_in_it() -> None:
    url = "postgresql://ho%40so:p%2Fw@db.example:5433/ho%20so?sslmode=verify-full"

    database = Environment.read(COMPLETE | {"DATABASE_URL": url}).database()

    assert database == {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "ho so",
        "USER": "ho@so",
        "PASSWORD": "p/w",
        "HOST": "db.example",
        "PORT": "5433",
        "OPTIONS": {"sslmode": "verify-full"},
    }


def test_database_url_may_lead_to_a_socket() -> None:
    database = Environment.read(COMPLETE | {"DATABASE_URL": "postgresql://postgres@/hoso?host=%2Fvar%2Frun%2Fpg"}).database()

    assert (database["HOST"], database["PORT"], database["OPTIONS"]) == ("/var/run/pg", "", {})


def test_the_page_for_operators_lists_every_variable() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| `")]

    assert rows == [_row(item) for item in fields(Environment)]


def _row(item: object) -> str:
    """A line of the page's table, as it must read."""
    default = "**must be set**" if item.default is MISSING else f"`{_shown(item.default)}`" if _shown(item.default) else "empty"
    return f"| `{item.name.upper()}` | {default} | {item.metadata['meaning']} |"


def _shown(default: object) -> str:
    if isinstance(default, bool):
        return str(int(default))
    return ",".join(default) if isinstance(default, tuple) else "" if default is None else str(default)
