"""`flask login-link` and how commands find their services."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask

from app.identity.states import Portal
from tests.factories import people
from tests.portals.conftest import Browser
from tests.stores import environment

Superuser = psycopg.Connection[tuple[Any, ...]]
ROOT = Path(__file__).parents[3]


def test_the_printed_address_signs_in_once(app: Flask, client: Browser, superuser: Superuser) -> None:
    people.account(Portal.ADMIN, "admin@example.test")
    with environment(BASE_URL="https://pay.example.test"):
        made = app.test_cli_runner().invoke(args=["login-link", "--portal", "admin", "Admin@example.test"])
    assert made.exit_code == 0
    url = made.stdout.strip()
    assert url.startswith("https://pay.example.test/admin/signin/")
    path = url.removeprefix("https://pay.example.test")
    assert client.post(path).location == "/admin/"
    assert client.get("/admin/settings/security").status_code == 200
    noted = superuser.execute("SELECT actor, role FROM audit_records WHERE action = 'account.login_link'").fetchone()
    assert noted
    assert noted[0].startswith("operator ")
    assert noted[1] == "operator"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--portal", "admin", "nobody@example.test"), "No active account nobody@example.test in the admin portal."),
        (("--portal", "admin", "nonsense"), "Write an e-mail address"),
        (("--portal", "kitchen", "a@example.test"), "'kitchen' is not one of"),
    ],
)
def test_what_cannot_be_is_said_so(app: Flask, arguments: tuple[str, ...], said: str) -> None:
    made = app.test_cli_runner().invoke(args=["login-link", *arguments])
    assert made.exit_code != 0
    assert said in made.output
    assert "Traceback" not in made.output


def flask(*words: str, **env: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    return subprocess.run(
        [sys.executable, "-m", "flask", *words], cwd=ROOT, env=kept | env, capture_output=True, text=True, timeout=120
    )


def test_live_mode_starts_no_database_of_its_own(tmp_path: Path) -> None:
    made = flask("login-link", "--portal", "admin", "a@example.test", QUITTANCE_MODE="live", DATA_DIR=str(tmp_path))
    assert made.returncode == 1
    assert "Live mode needs DATABASE_URL and REDIS_URL." in made.stderr
    assert not (tmp_path / "postgres").exists()


@pytest.mark.faults
def test_a_command_alone_starts_its_services_and_leaves_none(tmp_path: Path) -> None:
    for _turn in range(2):  # the second one finds the first one's database
        made = flask("login-link", "--portal", "admin", "a@example.test", DATA_DIR=str(tmp_path), LOG_FORMAT="text")
        assert made.returncode == 1
        assert "No active account a@example.test" in made.stderr
    assert not (tmp_path / "postgres" / "postmaster.pid").exists()
    current = flask("db", "current", DATA_DIR=str(tmp_path))
    assert "(head)" in current.stdout
    assert flask("worker", "--burst", DATA_DIR=str(tmp_path)).returncode == 0
