"""The test databases themselves: clones see the template's content, and nothing of each other."""

import threading

import psycopg
import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction

from tests import databases


def current_database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database()")
        return cursor.fetchone()[0]


def labels() -> set[str]:
    return set(ContentType.objects.values_list("app_label", flat=True))


def test_db_fixture_leads_to_a_clone(db: None) -> None:
    assert current_database().startswith("hoso_test_")
    assert current_database() != databases.template()
    assert "contenttypes" in labels()


def test_statements_and_locks_have_a_time_limit(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('lock_timeout'), current_setting('statement_timeout')")
        assert cursor.fetchone() == ("15s", "2min")


def test_nobody_may_connect_to_the_template() -> None:
    with pytest.raises(psycopg.OperationalError, match="not currently accepting connections"):
        psycopg.connect(databases.server_url(databases.template()))


@pytest.mark.parametrize("turn", [1, 2])
def test_modules_that_commit_do_not_see_each_other(turn: int, django_db_setup: None, django_db_blocker: object) -> None:
    """What `committed_db` does for a module, twice in a row: each commits the same row and finds only its own."""
    with django_db_blocker.unblock(), databases.clone(f"turn_{turn}") as name, databases.default_connection_on(name):
        assert "elsewhere" not in labels()
        with transaction.atomic():
            ContentType.objects.create(app_label="elsewhere", model="thing")

        seen: list[tuple[str, set[str]]] = []
        thread = threading.Thread(target=lambda: (seen.append((current_database(), labels())), connection.close()))
        thread.start()
        thread.join()

        assert seen == [(name, labels())]
        assert "elsewhere" in labels()


def test_after_a_clone_the_connection_leads_back(db: None) -> None:
    assert "turn" not in current_database()
    assert "elsewhere" not in labels()
