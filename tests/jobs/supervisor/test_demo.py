"""`make demo` for real: up, attached to, in use, stopped, killed, up again with its rows."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from app.db.embedded import Services, attach
from jobs.supervisor.plan import ACCOUNTS
from tests.processes import eventually, naming

ROOT = Path(__file__).parents[3]
DEMO = [sys.executable, "-m", "jobs.supervisor"]
UP_SECONDS = 240


def environ(data_dir: Path, **more: str) -> dict[str, str]:
    """A shell of its own: the secrets of the test run would hide that the demo keeps its own."""
    kept = {name: value for name, value in os.environ.items() if name not in ("SECRET_KEY", "PAYOUT_ENCRYPTION_KEY")}
    return {**kept, "DATA_DIR": str(data_dir), "PORT": "0", "FLASK_APP": "wsgi:app", **more}


@contextmanager
def demo(data_dir: Path, output: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A running demo that has shown the way in."""
    with output.open("wb") as out:
        running = subprocess.Popen(
            DEMO, cwd=ROOT, env=environ(data_dir), stdout=out, stderr=out, start_new_session=True
        )
    try:
        up = eventually(lambda: "Ctrl-C stops" in output.read_text() or running.poll() is not None, UP_SECONDS)
        assert up, output.read_text()
        assert running.poll() is None, output.read_text()
        yield running
    finally:
        if running.poll() is None:
            running.terminate()
        running.wait(30)


def flask(data_dir: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "flask", *words],
        cwd=ROOT, env=environ(data_dir), capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def services(data_dir: Path) -> Services:
    found = attach(data_dir)
    assert found is not None
    return found


def accounts(data_dir: Path) -> list[tuple[str, ...]]:
    with psycopg.connect(services(data_dir).database_url.replace("+psycopg", "")) as connection:
        connection.execute("SET LOCAL ROLE quittance_platform")
        return connection.execute("SELECT portal, email FROM accounts").fetchall()


def answer(url: str) -> dict[str, str]:
    with urllib.request.urlopen(url, timeout=10) as response:
        found: dict[str, str] = json.load(response)
        return found


@pytest.mark.faults
def test_the_life_of_a_demo(tmp_path: Path) -> None:
    data_dir, output = tmp_path / "var", tmp_path / "output"
    with demo(data_dir, output) as running:
        assert answer(f"{services(data_dir).base_url}/ready")["status"] == "ok"
        shown = output.read_text()
        for portal, email in ACCOUNTS:
            assert re.search(rf"{portal} +{re.escape(email)} +http://127.0.0.1:\d+/{portal}/signin/\S+", shown), shown
        first = accounts(data_dir)
        assert set(ACCOUNTS) <= set(first)

        made = flask(data_dir, "login-link", "--portal", *ACCOUNTS[-1])
        assert made.stdout.startswith(services(data_dir).base_url), made.stderr

        second = subprocess.run(DEMO, cwd=ROOT, env=environ(data_dir), capture_output=True, text=True, check=False)
        assert second.returncode == 1
        assert f"in use by a demo at {services(data_dir).base_url} (pid {running.pid})" in second.stderr

        running.send_signal(signal.SIGINT)
        assert running.wait(20) == 0
    assert output.read_text().endswith("All stopped.\n")
    assert eventually(lambda: not naming(str(data_dir)))
    for secret in re.findall(r"/signin/(\S+)", shown):
        assert not any(secret in log.read_text(errors="replace") for log in (data_dir / "logs").iterdir())

    with demo(data_dir, output) as running:
        kept = accounts(data_dir)  # a job may have invited more people by then
        assert set(first) <= set(kept) and len(kept) == len(set(kept))
        for name in ("worker-1", "valkey", "postgres"):
            os.kill(services(data_dir).pids[name], signal.SIGKILL)
            again = f"{name} .*starting it again"
            assert eventually(lambda again=again: re.search(again, output.read_text(), re.IGNORECASE), 30), again
        assert eventually(lambda: _ready(services(data_dir).base_url), 30)
        running.kill()
        running.wait()
        assert eventually(lambda: not naming(str(data_dir)), 15), naming(str(data_dir))
        assert attach(data_dir) is None


def _ready(base_url: str) -> bool:
    try:
        return answer(f"{base_url}/ready")["status"] == "ok"
    except OSError:
        return False


def refused(data_dir: Path, **more: str) -> str:
    done = subprocess.run(DEMO, cwd=ROOT, env=environ(data_dir, **more), capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert not (data_dir / "postgres").exists()
    return done.stderr


def test_a_taken_port_is_said(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = refused(tmp_path / "var", PORT=str(port))
    assert said.startswith(f"Port {port} on 127.0.0.1 cannot be used: address already in use.")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"PORT": "http"}, "PORT is 'http'"),
        ({"QUITTANCE_MODE": "live"}, "sandbox mode only"),
    ],
)
def test_what_the_demo_refuses(tmp_path: Path, more: dict[str, str], said: str) -> None:
    assert said in refused(tmp_path / "var", **more)
