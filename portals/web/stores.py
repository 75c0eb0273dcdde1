"""Whether what we depend on answers. Short waits: a load balancer asks every few seconds."""

from __future__ import annotations

from functools import cache

import redis
from sqlalchemy import text

from app.core.settings import settings
from app.db import migrate
from app.db.session import engine


@cache
def _redis(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2)


@cache
def _head() -> str | None:
    return migrate.head()


def database_answers() -> bool:
    with engine().connect() as connection:
        return connection.execute(text("SELECT 1")).scalar_one() == 1


def redis_answers() -> bool:
    return bool(_redis(settings().redis_url).ping())


def schema_is_current() -> bool:
    with engine().connect() as connection:
        return migrate.current(connection) == _head()
