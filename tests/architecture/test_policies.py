"""The database guards every table as its base class says, and nothing more is open."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from app.core.scope import Scope
from app.db import rls
from app.db.base import PROTECTION, Visibility
from app.db.session import unit_of_work
from app.metadata import metadata

Superuser = psycopg.Connection[tuple[Any, ...]]
TABLES = sorted(metadata.tables)
# Search runs in a security-definer function as the owner of the tables; these let the owner, and nobody else, read.
FOR_SEARCH = {("payees", "payees_search"), ("engagements", "engagements_search")} | {
    (table, f"{table}_search") for table in ("messages", "message_threads")
}
POLICIES = """SELECT tablename, policyname, permissive, roles::text, cmd, qual, with_check FROM pg_policies
    WHERE schemaname = %s ORDER BY 1, 2"""


def policies(connection: Superuser, schema: str) -> list[tuple[Any, ...]]:
    connection.execute(f"SET LOCAL search_path = {schema}, public")
    return connection.execute(POLICIES, [schema]).fetchall()


def test_policies_are_those_of_the_base_classes(superuser: Superuser) -> None:
    """The statements of the metadata, written onto empty copies, read back the same as what the migrations made."""
    with superuser.transaction(force_rollback=True):
        superuser.execute("CREATE SCHEMA expected")
        superuser.execute("SET LOCAL search_path = expected, public")
        for name in TABLES:
            superuser.execute(f"CREATE TABLE expected.{name} (LIKE public.{name})")
        for name in TABLES:
            for statement in rls.statements(metadata.tables[name]):
                superuser.execute(statement)
        expected = policies(superuser, "expected")
        found = policies(superuser, "public")
    extra = {(row[0], row[1]) for row in found} - {(row[0], row[1]) for row in expected}
    assert extra == FOR_SEARCH
    assert [row for row in found if (row[0], row[1]) not in FOR_SEARCH] == expected
    assert {(row[3], row[4]) for row in found if (row[0], row[1]) in FOR_SEARCH} == {("{quittance}", "SELECT")}


def test_every_table_is_known_and_forced(superuser: Superuser) -> None:
    rows = superuser.execute(
        """SELECT relname, relrowsecurity, relforcerowsecurity FROM pg_class
        WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace AND relname <> 'alembic_version'"""
    ).fetchall()
    assert sorted(row[0] for row in rows) == TABLES
    assert [row for row in rows if not (row[1] and row[2])] == []


def test_what_only_grows_cannot_be_changed(superuser: Superuser) -> None:
    for name in TABLES:
        for role in (rls.APP_ROLE, rls.PLATFORM_ROLE):
            for right in ("UPDATE", "DELETE", "TRUNCATE"):
                row = superuser.execute("SELECT has_table_privilege(%s, %s, %s)", [role, name, right]).fetchone()
                allowed = bool(row and row[0])
                if right == "TRUNCATE":
                    assert not allowed, f"{role} may empty {name}"
                else:
                    assert allowed != PROTECTION[name].append_only, f"{role} and {right} on {name}"


def test_nobody_steps_past_the_policies(superuser: Superuser) -> None:
    rows = superuser.execute(
        "SELECT rolname FROM pg_roles WHERE rolname LIKE 'quittance%%' AND (rolsuper OR rolbypassrls)", []
    ).fetchall()
    assert rows == []


@pytest.mark.parametrize("name", TABLES)
def test_nobody_in_particular_sees_global_tables_only(database_url: str, superuser: Superuser, name: str) -> None:
    """A public scope reads no row of any tenant, and the platform's own tables not at all."""
    filled = superuser.execute(f"SELECT count(*) FROM {name}").fetchone()
    assert filled
    with unit_of_work(Scope.public()) as session:
        seen = session.execute(text(f"SELECT count(*) FROM {name}")).scalar_one()
    if PROTECTION[name].visibility is Visibility.GLOBAL:
        assert seen == filled[0]
    else:
        assert seen == 0


def test_every_global_table_says_why() -> None:
    from app.db.base import Record

    for mapper in Record.__subclasses__():
        assert mapper.__global_reason__
