"""The web server while what it depends on is away, and whose address it believes."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from app.core.scope import Scope
from app.db.session import unit_of_work
from app.identity import service as identity
from app.identity.states import Portal
from portals.factory import create_app
from tests.conftest import OwnStores
from tests.factories import people
from tests.portals.conftest import Browser
from tests.stores import environment

Superuser = psycopg.Connection[tuple[Any, ...]]


def browser() -> Browser:
    made = create_app()
    made.test_client_class = Browser
    client = made.test_client()
    assert isinstance(client, Browser)
    return client


@pytest.mark.faults
def test_a_lost_database_is_said_and_comes_back(own_stores: OwnStores) -> None:
    client = browser()
    people.account(Portal.ADMIN, "admin@example.test")
    client.sign_in(Portal.ADMIN, "admin@example.test")
    client.application.config["PROPAGATE_EXCEPTIONS"] = False
    own_stores.postgres.stop()
    assert client.get("/health").status_code == 200
    ready = client.get("/ready")
    assert ready.status_code == 503
    assert ready.json == {"status": "unavailable", "database": "no answer", "redis": "ok", "migrations": "no answer"}
    page = client.get("/admin/settings/security")
    assert page.status_code == 500
    assert "Something went wrong" in page.text
    assert "psycopg" not in page.text
    own_stores.postgres.start()
    assert client.get("/ready").status_code == 200
    assert client.get("/admin/settings/security").status_code == 200


@pytest.mark.faults
def test_a_lost_redis_keeps_nobody_out(own_stores: OwnStores) -> None:
    client = browser()
    people.account(Portal.ADMIN, "admin@example.test")
    own_stores.valkey.stop()
    ready = client.get("/ready")
    assert (ready.status_code, ready.json["redis"] if ready.json else "") == (503, "no answer")
    assert client.post("/admin/signin", {"email": "admin@example.test"}).status_code == 303
    client.sign_in(Portal.ADMIN, "admin@example.test")
    assert client.get("/admin/settings/security").status_code == 200
    own_stores.valkey.start()
    assert client.get("/ready").status_code == 200


@pytest.mark.parametrize(("proxies", "believed"), [("0", "127.0.0.1"), ("1", "203.0.113.9")])
def test_forwarded_addresses_are_believed_from_trusted_proxies_only(
    redis_url: str, superuser: Superuser, proxies: str, believed: str
) -> None:
    people.account(Portal.ADMIN, "admin@example.test")
    with environment(TRUSTED_PROXIES=proxies):
        client = browser()
        with unit_of_work(Scope.platform("tests")) as session:
            link = identity.issue_link(session, Portal.ADMIN, "admin@example.test")
            assert link
        forged = {"X-Forwarded-For": "198.51.100.7, 203.0.113.9"}
        assert client.post(f"/admin/signin/{link.token}", headers=forged).status_code == 303
    assert superuser.execute("SELECT ip FROM sign_in_sessions").fetchall() == [(believed,)]
    assert superuser.execute("SELECT ip FROM audit_records WHERE action = 'signed_in'").fetchall() == [(believed,)]


def test_https_gets_the_stricter_cookie(redis_url: str) -> None:
    with environment(BASE_URL="https://pay.example.test"):
        answer = browser().get("/vendor/signin", base_url="https://pay.example.test")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-quittance=")
    assert "Secure" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie
