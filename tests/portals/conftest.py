"""A browser without JavaScript (or with htmx) in front of the whole application.

def test_bills(sign_in):
    browser = sign_in(Portal.VENDOR, "vendor@example.test")     # the account must exist (tests.factories.people)
    answer = browser.get("/vendor/bills")
    browser.post("/vendor/bills", {"title": "…"})               # the CSRF token is added
    browser.htmx("POST", "/org/oxford/requests/…/approval")     # as htmx sends it: a fragment comes back
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer
from werkzeug.test import TestResponse

from app.consultations import hours
from app.consultations.states import Practice
from app.core.scope import Scope
from app.db.session import unit_of_work
from app.identity import service as identity
from app.identity.sessions import Browser as Agent
from app.identity.states import Portal
from portals.factory import create_app
from portals.web.ratelimit import limiter
from tests.app.consultations import making
from tests.factories import consultations, people
from tests.stores import environment

HTMX = {"HX-Request": "true", "HX-Request-Type": "partial"}


class Browser(FlaskClient):
    """Keeps its cookies; adds the CSRF token of its session to what it posts."""

    def csrf_token(self) -> str:
        with self.session_transaction() as cookie:
            raw = cookie.setdefault("csrf_token", hashlib.sha1(os.urandom(64)).hexdigest())
        assert self.application.secret_key is not None
        return str(URLSafeTimedSerializer(self.application.secret_key, salt="wtf-csrf-token").dumps(raw))

    def post(self, path: str, data: Mapping[str, Any] | None = None, *, csrf: bool = True, **more: Any) -> TestResponse:
        sent = dict(data or {})
        if csrf:
            sent["csrf_token"] = self.csrf_token()
        return super().post(path, data=sent, **more)

    def htmx(self, method: str, path: str, data: Mapping[str, Any] | None = None, **more: Any) -> TestResponse:
        headers = {**HTMX, "X-CSRFToken": self.csrf_token(), **more.pop("headers", {})}
        return self.open(path, method=method, data=dict(data or {}), headers=headers, **more)

    def sign_in(self, portal: Portal, email: str) -> Browser:
        """Open a session of an account that exists, without the mail."""
        with unit_of_work(Scope.platform("tests")) as session:
            link = identity.issue_link(session, portal, email)
            assert link is not None, f"no account {email} in {portal}"
            opened = identity.use_link(session, portal, link.token, Agent("pytest", "127.0.0.1"))
        with self.session_transaction() as cookie:
            cookie.clear()
            cookie["_user_id"], cookie["_fresh"] = opened.token, True
            cookie.permanent = True
        return self


@pytest.fixture(scope="session")
def _application(_worker: Any) -> Flask:
    """Made once per test process; it asks for its settings anew at each request."""
    with environment(DATABASE_URL=_worker.database_url, REDIS_URL=_worker.redis_url):
        made = create_app()
    made.test_client_class = Browser
    made.config["PROPAGATE_EXCEPTIONS"] = False  # a fault is a 500 page, as in production
    remember_limits(made)
    return made


def remember_limits(made: Flask) -> None:
    """The limiter is one per process: an application with servers of its own takes it along, and keeps it."""
    made.extensions["limiter as made"] = dict(vars(limiter))


def limits_anew(made: Flask) -> Flask:
    """Counting starts again, in this application's Redis, even after another test's Redis was lost."""
    vars(limiter).update(made.extensions["limiter as made"])
    limiter._storage_dead = False
    if limiter._fallback_limiter:
        limiter._fallback_limiter.storage.reset()
    return made


@pytest.fixture
def app(_application: Flask, redis_url: str) -> Flask:
    """The application on an empty database. Push no application context around requests: they would share `g`."""
    return limits_anew(_application)


@pytest.fixture
def client(app: Flask) -> Browser:
    """A browser nobody has signed in with."""
    made = app.test_client()
    assert isinstance(made, Browser)
    return made


@pytest.fixture
def sign_in(app: Flask) -> Callable[[Portal, str], Browser]:
    """`sign_in(portal, email)` gives a browser of its own with that account's session."""

    def signed_in(portal: Portal, email: str) -> Browser:
        made = app.test_client()
        assert isinstance(made, Browser)
        return made.sign_in(portal, email)

    return signed_in


@pytest.fixture
def advisor(database_url: str) -> UUID:
    """Ada Vance, every day from 8 to 12."""
    payee_id = consultations.consultant(name="Ada Vance", practice=Practice.ADVISOR)
    with unit_of_work(Scope.payee(payee_id)) as session:
        hours.set_week(session, making.actor_of(payee_id), payee_id, {n: [(480, 720)] for n in range(7)}, "UTC")
    return payee_id


@pytest.fixture
def noor(advisor: UUID, sign_in: Callable[[Portal, str], Browser]) -> Browser:
    """A client who may book Ada."""
    people.account(Portal.CLIENT, "noor@client.test")
    return sign_in(Portal.CLIENT, "noor@client.test")
