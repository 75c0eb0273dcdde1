"""A signed-in browser on the application in this process: no server, no network, so that only the page is measured."""

from __future__ import annotations

from flask import Flask
from flask.testing import FlaskClient

from app.core.scope import Scope
from app.db.session import unit_of_work
from app.identity import service as identity
from app.identity.sessions import Browser as Agent
from app.identity.states import Portal


def admin(app: Flask, email: str = "admin@bench.test") -> FlaskClient:
    """A platform admin with an account of its own in the database that `settings()` names now."""
    with unit_of_work(Scope.platform("bench")) as session:
        identity.create_account(session, Portal.ADMIN, email, "Bench Admin")
    with unit_of_work(Scope.platform("bench")) as session:
        link = identity.issue_link(session, Portal.ADMIN, email)
        assert link is not None
        opened = identity.use_link(session, Portal.ADMIN, link.token, Agent("bench", "127.0.0.1"))
    client = app.test_client()
    with client.session_transaction() as cookie:
        cookie["_user_id"], cookie["_fresh"] = opened.token, True
        cookie.permanent = True
    return client


def fetch(client: FlaskClient, path: str) -> bytes:
    """The body of a page. Raises SystemExit for anything but 200."""
    answer = client.get(path)
    if answer.status_code != 200:
        raise SystemExit(f"{path} answered {answer.status}")
    return answer.get_data()
