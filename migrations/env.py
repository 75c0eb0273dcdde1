"""Alembic's environment. New tables get their row-level security policies written into the revision by themselves."""

from __future__ import annotations

from typing import Any

from alembic import context
from alembic.operations.ops import CreateTableOp, ExecuteSQLOp, MigrationScript
from sqlalchemy import create_engine, pool, text

from app.core.settings import settings
from app.db import rls
from app.db.types import Sealed
from app.metadata import metadata


def with_policies(_context: Any, _revision: Any, directives: list[MigrationScript]) -> None:
    for script in directives:
        assert script.upgrade_ops is not None
        created = [op for op in script.upgrade_ops.ops if isinstance(op, CreateTableOp)]
        for op in created:
            script.upgrade_ops.ops += [ExecuteSQLOp(sql) for sql in rls.statements(metadata.tables[op.table_name])]


def render_item(kind: str, item: Any, _autogen: Any) -> str | bool:
    """Our own column types are plain text to the database."""
    return "sa.Text()" if kind == "type" and isinstance(item, Sealed) else False


def run() -> None:
    given = context.config.attributes.get("connection")
    if given is not None:
        migrate(given)
        return
    engine = create_engine(
        context.config.get_main_option("sqlalchemy.url") or settings().database_url, poolclass=pool.NullPool
    )
    with engine.connect() as connection:
        migrate(connection)


def migrate(connection: Any) -> None:
    # A migration that cannot get its lock gives up instead of queueing every request behind it.
    connection.execute(text("SET lock_timeout = '5s'"))
    connection.commit()
    context.configure(
        connection=connection,
        target_metadata=metadata,
        process_revision_directives=with_policies,
        render_item=render_item,
        compare_type=True,
        compare_server_default=False,
    )
    with context.begin_transaction():
        context.run_migrations()


run()
