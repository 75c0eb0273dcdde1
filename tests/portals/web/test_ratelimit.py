"""Limits are counted across workers in Redis, and a lost Redis locks nobody out."""

from __future__ import annotations

from flask import Flask

from portals.web.ratelimit import limiter
from tests.portals.web.sample import make_app


def _limited(uri: str | None = None) -> Flask:
    """With no `uri` the application takes the one of its settings."""
    app = make_app(RATELIMIT_STORAGE_URI=uri) if uri else make_app(shared_limits=True)
    app.add_url_rule("/sign-in", view_func=limiter.limit("2 per minute")(lambda: "ok"))
    return app


def test_too_many_tries_wait(redis_url: str) -> None:
    client = _limited().test_client()
    assert [client.get("/sign-in").status_code for _ in range(3)] == [200, 200, 429]
    told = client.get("/sign-in")
    assert int(told.headers["Retry-After"]) <= 60 and "Wait a minute" in told.text
    other_worker = _limited().test_client()
    assert other_worker.get("/sign-in").status_code == 429


def test_a_lost_redis_lets_people_in() -> None:
    client = _limited("redis://127.0.0.1:1/0").test_client()
    assert client.get("/sign-in").status_code == 200
