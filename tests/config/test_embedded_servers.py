"""The embedded servers: they keep what was committed through a kill -9, and are reachable by their owner only."""

from __future__ import annotations

import os
import signal
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis

from config.embedded.postgres import EmbeddedPostgres, Lodging
from config.embedded.supervisor import ChildFailed, Supervisor
from config.embedded.valkey import EmbeddedValkey


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    with Supervisor() as supervisor:
        yield supervisor


def lodgings() -> list[Any]:
    """How PostgreSQL can be run here: root has two ways where user namespaces are allowed; the second is tried in the long runs."""
    return [Lodging.find()] if os.geteuid() else [Lodging.find(), pytest.param(Lodging.as_nobody(), marks=pytest.mark.long)]


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody may pass through; pytest's own are closed to `nobody`."""
    with tempfile.TemporaryDirectory(prefix="hoso-", dir="/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(params=lodgings(), ids=lambda lodging: lodging.owner or (lodging.prefix or ("plain",))[0])
def postgres(request: pytest.FixtureRequest, open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> EmbeddedPostgres:
    monkeypatch.setattr("config.embedded.postgres._ROOTS_OWN", open_folder / "own")
    return EmbeddedPostgres(open_folder / "data", log=open_folder / "postgres.log", lodging=request.param)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to find another user for PostgreSQL")
def test_data_below_a_closed_folder_moves_where_nobody_can_reach_it(
    supervisor: Supervisor, tmp_path: Path, open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("config.embedded.postgres._ROOTS_OWN", open_folder)
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)

    postgres = EmbeddedPostgres(closed / "data", log=tmp_path / "postgres.log", lodging=Lodging.as_nobody())
    postgres.start(supervisor)

    assert open_folder in postgres.data.parents
    assert postgres.create_database("reached")


def test_what_was_committed_survives_a_kill(supervisor: Supervisor, postgres: EmbeddedPostgres) -> None:
    child = postgres.start(supervisor)
    assert postgres.create_database("kept")
    with postgres.connect("kept") as connection:
        connection.execute("CREATE TABLE note (text text)")
        connection.execute("INSERT INTO note VALUES ('Đắk Lắk')")
    with postgres.connect("kept"):  # somebody is connected at that moment
        os.kill(child.pid, signal.SIGKILL)
        with pytest.raises(ChildFailed, match="postgres was ended by SIGKILL"):
            supervisor.watch()

    postgres.start(supervisor)

    with postgres.connect("kept") as connection:
        assert connection.execute("SELECT text FROM note").fetchall() == [("Đắk Lắk",)]
        assert connection.execute("SHOW data_checksums").fetchone() == ("on",)
        assert connection.execute("SELECT lower('ĐẶNG THỊ ƯỚC')").fetchone() == ("đặng thị ước",)
    assert postgres.create_database("kept") is False


def test_it_listens_on_a_private_socket_only(supervisor: Supervisor, postgres: EmbeddedPostgres) -> None:
    postgres.start(supervisor)

    with postgres.connect("postgres") as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
    assert stat.S_IMODE(postgres.sockets.stat().st_mode) == 0o700
    assert stat.S_IMODE(postgres.data.stat().st_mode) == 0o700


def test_a_second_server_on_the_same_data_is_refused(supervisor: Supervisor, postgres: EmbeddedPostgres, tmp_path: Path) -> None:
    child = postgres.start(supervisor)
    second = EmbeddedPostgres(postgres.data, log=tmp_path / "second.log", name="second", lodging=postgres.lodging)

    with pytest.raises(ChildFailed, match=f"running already on .* \\(process {child.pid}\\)"):
        second.start(supervisor)


def test_a_lock_left_by_a_crash_whose_number_is_somebody_elses_now_does_not_block(supervisor: Supervisor, postgres: EmbeddedPostgres) -> None:
    postgres.start(supervisor)
    supervisor.kill("postgres")
    lock = postgres.data / "postmaster.pid"
    lines = lock.read_text().splitlines()
    lock.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")

    postgres.start(supervisor)

    assert postgres.create_database("after_the_crash")


def test_a_path_too_long_for_a_socket_gets_one_elsewhere(supervisor: Supervisor, tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    postgres = EmbeddedPostgres(deep / "data", log=deep / "postgres.log", durable=False)

    postgres.start(supervisor)

    assert postgres.create_database("deep")
    assert deep not in postgres.sockets.parents


def test_valkey_asks_for_its_password_and_keeps_what_it_holds(supervisor: Supervisor, tmp_path: Path) -> None:
    valkey = EmbeddedValkey(tmp_path / "valkey", log=tmp_path / "valkey.log")
    valkey.start(supervisor)
    redis.Redis.from_url(valkey.url(3)).set("name", "Hồ Sơ")
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=valkey.port).ping()

    supervisor.stop("valkey")
    valkey.start(supervisor)

    assert redis.Redis.from_url(valkey.url(3)).get("name") == "Hồ Sơ".encode()
    assert valkey.password not in " ".join(supervisor.children["valkey"].process.args)


def test_the_wrong_owner_of_a_port_is_reported(supervisor: Supervisor, tmp_path: Path) -> None:
    first = EmbeddedValkey(tmp_path / "first", log=tmp_path / "first.log", name="first")
    first.start(supervisor)
    second = EmbeddedValkey(tmp_path / "second", log=tmp_path / "second.log", name="second", port=first.port)

    with pytest.raises(ChildFailed, match=r"(?s)second ended with status 1.*in use"):
        second.start(supervisor)


def test_psycopg_understands_the_url(postgres: EmbeddedPostgres) -> None:
    parsed = psycopg.conninfo.conninfo_to_dict(postgres.url("hoso agency"))

    assert parsed == {"user": "postgres", "dbname": "hoso agency", "host": str(postgres.sockets)}
