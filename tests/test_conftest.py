"""The test bench itself: rows go after each test, reference rows stay, nobody leaves the machine."""

from __future__ import annotations

import socket

import psycopg
import pytest

from app.core.settings import settings
from tests.conftest import NetworkRefused


def _address(url: str) -> str:
    return url.replace("+psycopg", "")


def _write(url: str) -> int:
    with psycopg.connect(_address(url)) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS bench_probe (id int PRIMARY KEY)")
        connection.execute("INSERT INTO bench_probe VALUES (1)")
        row = connection.execute("SELECT count(*) FROM bench_probe").fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize("turn", [1, 2])
def test_rows_of_one_test_are_gone_in_the_next(database_url: str, turn: int) -> None:
    assert _write(database_url) == 1
    assert settings().database_url == database_url


def test_the_login_role_is_bound_by_policies(superuser: psycopg.Connection[tuple[bool, ...]]) -> None:
    found = superuser.execute("SELECT rolsuper, rolbypassrls, rolcreaterole FROM pg_roles WHERE rolname = 'quittance'")
    assert found.fetchone() == (False, False, True)


def test_without_asking_for_a_database_there_is_none() -> None:
    assert settings().database_url == ""


def test_the_network_is_refused() -> None:
    with pytest.raises(NetworkRefused), socket.socket() as outside:
        outside.connect(("192.0.2.1", 80))
    with pytest.raises(NetworkRefused):
        socket.create_connection(("example.com", 80), timeout=1)
