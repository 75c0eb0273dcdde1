"""A signed-in browser on the application in this process: no server, no network, so that only the page is measured."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from app.core.scope import Scope
from app.db.session import engine, unit_of_work
from app.identity import service as identity
from app.identity.sessions import Browser as Agent
from app.identity.states import Portal

PLATFORM = Scope.platform("bench")


def admin(app: Flask, email: str = "admin@bench.test") -> FlaskClient:
    """A platform admin with a new account in the database that `settings()` names now."""
    with unit_of_work(PLATFORM) as session:
        identity.create_account(session, Portal.ADMIN, email, "Bench Admin")
    return sign_in(app, Portal.ADMIN, email)


def sign_in(app: Flask, portal: Portal, email: str) -> FlaskClient:
    """A browser with a session of an account that exists."""
    with unit_of_work(PLATFORM) as session:
        link = identity.issue_link(session, portal, email)
        assert link is not None
        opened = identity.use_link(session, portal, link.token, Agent("bench", "127.0.0.1"))
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


@contextmanager
def statements() -> Iterator[list[str]]:
    """Every statement that reaches the database inside the block."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    event.listen(engine(), "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine(), "before_cursor_execute", note)
