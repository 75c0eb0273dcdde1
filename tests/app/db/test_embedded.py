"""The embedded servers for real: started, killed, started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from app.core.settings import settings
from app.db.embedded import FAST, CannotStart, DataFolder, FolderInUse, Postgres, Valkey, attach, ensure_services
from tests.processes import all_gone, eventually

ROOT = Path(__file__).parents[3]
# A command that owns the services of the folder it is given until its input ends, as `flask …` does.
COMMAND = """
import sys
from pathlib import Path
from app.db.embedded import ensure_services
with ensure_services(Path(sys.argv[1]), what="a test command") as services:
    print(services.owner, services.pids["postgres"], services.pids["valkey"], flush=True)
    sys.stdin.read()
"""


@contextmanager
def command(data_dir: Path) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """The command, and the pids it says: owner, PostgreSQL, Valkey."""
    running = subprocess.Popen(
        [sys.executable, "-c", COMMAND, str(data_dir)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert running.stdin is not None
    assert running.stdout is not None
    try:
        yield running, [int(word) for word in running.stdout.readline().split()]
    finally:
        if running.poll() is None:
            running.kill()
        running.wait()
        running.stdin.close()
        running.stdout.close()


def count(postgres: Postgres) -> int:
    with psycopg.connect(postgres.url(driver="postgresql")) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (id int)")
        connection.execute("INSERT INTO kept VALUES (1)")
        row = connection.execute("SELECT count(*) FROM kept").fetchone()
    assert row is not None
    return int(row[0])


def ping(socket_path: Path) -> bytes:
    import socket

    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(socket_path))
        connection.sendall(b"INCR kept\r\n")
        return connection.recv(64)


def test_a_second_start_finds_its_rows(tmp_path: Path) -> None:
    with Postgres(tmp_path / "a b ü" / "postgres", settings=FAST) as postgres:
        assert count(postgres) == 1
        first = postgres.sockets
    with Postgres(tmp_path / "a b ü" / "postgres", settings=FAST) as postgres:
        assert count(postgres) == 2
        assert postgres.sockets == first
    assert not first.exists()


def test_two_folders_run_side_by_side(tmp_path: Path) -> None:
    with Postgres(tmp_path / "one", settings=FAST) as one, Postgres(tmp_path / "two", settings=FAST) as two:
        assert count(one) == 1
        assert count(two) == 1
        assert one.sockets != two.sockets


def test_a_killed_server_starts_again_on_what_it_had_committed(tmp_path: Path) -> None:
    with Postgres(tmp_path / "postgres") as postgres:
        assert count(postgres) == 1
        os.kill(postgres.pid, signal.SIGKILL)
        assert postgres.child is not None
        postgres.child.wait()
        postgres.start()
        assert count(postgres) == 2


def test_a_stale_pid_file_that_names_a_living_stranger_does_not_block(tmp_path: Path) -> None:
    with Postgres(tmp_path / "postgres", settings=FAST) as postgres:
        kept = (postgres.folder / "postmaster.pid").read_text().splitlines()
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        (postgres.folder / "postmaster.pid").write_text("\n".join([str(stranger.pid), *kept[1:]]) + "\n")
        with postgres:
            assert count(postgres) == 1
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_durable_valkey_keeps_its_queue_over_kill_9(tmp_path: Path) -> None:
    with Valkey(tmp_path / "valkey") as valkey:
        assert ping(valkey.socket) == b":1\r\n"
        os.kill(valkey.pid, signal.SIGKILL)
        assert valkey.child is not None
        valkey.child.wait()
        valkey.start()
        assert ping(valkey.socket) == b":2\r\n"


def test_tcp_wants_the_password(tmp_path: Path) -> None:
    port = _free_port()
    with Postgres(tmp_path / "postgres", settings=FAST, port=port) as postgres:
        with psycopg.connect(postgres.tcp_url(driver="postgresql")) as connection:
            assert connection.execute("SELECT current_user").fetchone() == ("quittance",)
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(host="127.0.0.1", port=port, dbname="quittance", user="quittance", password="wrong")
        with pytest.raises(psycopg.OperationalError, match="no pg_hba"):
            psycopg.connect(host="127.0.0.1", port=port, dbname="postgres", user="postgres")


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel of other systems does not end children with parents")
@pytest.mark.faults
def test_kill_9_of_the_owner_leaves_no_server_and_no_lock(tmp_path: Path) -> None:
    with command(tmp_path) as (running, pids):
        assert attach(tmp_path) is not None
        running.kill()
        running.wait()
        assert all_gone(pids)
        assert attach(tmp_path) is None
    with command(tmp_path) as (_, again):
        assert len(again) == 3


def test_a_second_owner_is_refused_with_the_name_of_the_first(tmp_path: Path) -> None:
    with command(tmp_path) as (running, _):
        with pytest.raises(FolderInUse) as refused:
            DataFolder(tmp_path).own("another")
        assert f"in use by a test command (pid {running.pid})" in str(refused.value)
    DataFolder(tmp_path).own("another").release()


def test_another_command_attaches_and_settings_say_so(tmp_path: Path) -> None:
    with command(tmp_path) as (running, pids):
        with ensure_services(tmp_path) as services:
            assert services.owner == running.pid
            assert settings().database_url == services.database_url
            with psycopg.connect(services.database_url.replace("+psycopg", "")) as connection:
                assert connection.execute("SELECT current_user").fetchone() == ("quittance",)
        assert settings().database_url == ""
        assert pids[0] == running.pid


def test_the_owner_stops_only_after_its_guests(tmp_path: Path) -> None:
    with command(tmp_path) as (running, _):
        with ensure_services(tmp_path) as services:
            assert running.stdin is not None
            running.stdin.close()
            with pytest.raises(subprocess.TimeoutExpired):
                running.wait(1)
            with psycopg.connect(services.database_url.replace("+psycopg", "")) as connection:
                assert connection.execute("SELECT 1").fetchone() == (1,)
        assert running.wait(10) == 0


def test_two_commands_at_once_share_one_start(tmp_path: Path) -> None:
    said: list[list[int]] = []

    def run() -> None:
        with command(tmp_path) as (running, pids):
            said.append(pids)
            eventually(lambda: len(said) == 2, 20)
            assert running.stdin is not None
            running.stdin.close()
            assert running.wait(40) == 0

    both = [threading.Thread(target=run) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert len(said) == 2
    assert said[0] == said[1]


def test_prepare_runs_for_our_own_servers_only(tmp_path: Path) -> None:
    prepared: list[str] = []
    with ensure_services(tmp_path, prepare=prepared.append) as services:
        assert prepared == [services.database_url]
        with ensure_services(tmp_path, prepare=prepared.append) as same:
            assert same.database_url == services.database_url
    assert prepared == [services.database_url]


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "letter.txt").write_text("mine")
    with pytest.raises(CannotStart, match="holds no PostgreSQL cluster"):
        Postgres(tmp_path / "postgres", settings=FAST).start()
    assert (tmp_path / "postgres" / "letter.txt").read_text() == "mine"


def test_a_cluster_of_another_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("16\n")
    with pytest.raises(CannotStart, match="made by PostgreSQL 16"):
        Postgres(tmp_path / "postgres", settings=FAST).start()


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="no_such_setting"):
        Postgres(tmp_path / "postgres", settings=FAST | {"no_such_setting": "on"}).start()


def test_pg_bin_must_hold_postgres(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PG_BIN", str(tmp_path))
    with pytest.raises(CannotStart, match="PG_BIN"):
        Postgres(tmp_path / "postgres", settings=FAST).start()


def _anybody_can_run_python() -> bool:
    if os.geteuid() != 0:
        return False
    try:
        return (
            subprocess.run([sys.executable, "-c", "import psycopg"], user="nobody", cwd=ROOT, check=False).returncode
            == 0
        )
    except OSError:
        return False


@pytest.mark.skipif(not _anybody_can_run_python(), reason="not root, or other accounts cannot run this Python")
def test_an_ordinary_account_runs_its_own_folder(tmp_path_factory: pytest.TempPathFactory) -> None:
    import tempfile

    with tempfile.TemporaryDirectory(prefix="quittance-anybody-") as base:
        os.chmod(base, 0o777)
        done = subprocess.run(
            [sys.executable, "-c", COMMAND, f"{base}/var"],
            cwd=ROOT, user="nobody", stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert Path(f"{base}/var/postgres/PG_VERSION").exists()
