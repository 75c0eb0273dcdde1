"""Every command finds its database and Redis: the environment's, a running demo's, or its own while it runs."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import click

from app.core.settings import settings
from app.db.embedded import CannotStart, ensure_services
from app.db.migrate import upgrade

P = ParamSpec("P")
R = TypeVar("R")


def around(command: Callable[P, R], *, migrate: bool = True) -> Callable[P, R]:
    """Run `command` with its services there. A database of our own is migrated first if `migrate`."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        given = settings()
        if migrate:
            logging.getLogger("alembic").setLevel(logging.WARNING)  # its steps are no news for this command
        if not given.sandbox and not (given.database_url and given.redis_url):
            raise click.ClickException("Live mode needs DATABASE_URL and REDIS_URL.")
        try:
            with ensure_services(
                given.data_dir,
                what=f"flask {click.get_current_context().info_name}",
                prepare=upgrade if migrate else None,
            ):
                return command(*args, **kwargs)
        except CannotStart as error:
            raise click.ClickException(str(error)) from error

    run.with_services = True  # type: ignore[attr-defined]
    return run
