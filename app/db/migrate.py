"""Migrations without Flask: for the demo's supervisor, tests and the readiness check."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, pool

FOLDER = Path(__file__).parents[2] / "migrations"


def config(url: str = "") -> Config:
    made = Config(str(FOLDER / "alembic.ini"))
    made.set_main_option("script_location", str(FOLDER))
    made.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return made


def upgrade(url: str) -> None:
    """Bring the database at `url` to the newest revision. Harmless when it is there already."""
    command.upgrade(config(url), "head")


def head() -> str | None:
    return ScriptDirectory.from_config(config()).get_current_head()


def current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def drift(url: str) -> list[str]:
    """What the models say that the migrated database does not; empty when they agree."""
    from alembic.autogenerate import compare_metadata

    from app.metadata import metadata  # not at the top: app.db is below the tables it migrates

    with create_engine(url, poolclass=pool.NullPool).connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return [str(change) for change in compare_metadata(context, metadata)]
