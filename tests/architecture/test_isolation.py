"""The demo's rows under each scope: a tenant sees its own, all of its own, nothing else, and writes nowhere else."""

from __future__ import annotations

from contextlib import nullcontext
from uuid import UUID

import pytest
from sqlalchemy import TextClause, Uuid, text
from sqlalchemy.exc import ProgrammingError

from app.core.scope import Scope
from app.db.base import PROTECTION, Visibility
from app.db.session import unit_of_work
from app.metadata import metadata
from tests.architecture.conftest import Superuser

OWNED = [
    name for name in sorted(metadata.tables)
    if PROTECTION[name].visibility in (Visibility.ORGANIZATION, Visibility.PAYEE)
]  # fmt: skip
OF_PAYEES = [name for name in OWNED if PROTECTION[name].visibility is Visibility.PAYEE]


def seen(scope: Scope, table: str) -> set[str]:
    with unit_of_work(scope) as session:
        return set(session.execute(text(f"SELECT t::text FROM {table} t")).scalars())


def there(superuser: Superuser, table: str, column: str, value: UUID) -> set[str]:
    rows = superuser.execute(f"SELECT t::text FROM {table} t WHERE {column} = %s", [value]).fetchall()
    return {row[0] for row in rows}


def organizations(superuser: Superuser) -> list[UUID]:
    return [row[0] for row in superuser.execute("SELECT id FROM organizations ORDER BY id")]


def test_an_organization_sees_exactly_its_own_rows(world: None, superuser: Superuser) -> None:
    filled = 0
    for organization_id in organizations(superuser):
        for table in OWNED:
            own = there(superuser, table, "organization_id", organization_id)
            assert seen(Scope.organization(organization_id), table) == own, table
            filled += bool(own)
    assert filled > 15  # the demo has rows to see


def test_a_payee_sees_exactly_their_own_rows(world: None, superuser: Superuser) -> None:
    payees = [row[0] for row in superuser.execute("SELECT DISTINCT payee_id FROM engagements ORDER BY 1 LIMIT 4")]
    filled = 0
    for payee_id in payees:
        scope = Scope.payee(payee_id)
        for table in OF_PAYEES:
            own = there(superuser, table, "payee_id", payee_id)
            assert seen(scope, table) == own, table
            filled += bool(own)
        for table in set(OWNED) - set(OF_PAYEES):
            assert seen(scope, table) == set(), table
    assert filled > 10


def test_people_of_payees_are_seen_where_they_are_engaged(world: None, superuser: Superuser) -> None:
    for organization_id in organizations(superuser):
        rows = superuser.execute(
            """SELECT p::text FROM payees p WHERE EXISTS
            (SELECT FROM engagements e WHERE e.payee_id = p.id AND e.organization_id = %s)""",
            [organization_id],
        ).fetchall()
        assert seen(Scope.organization(organization_id), "payees") == {row[0] for row in rows}


def test_no_row_is_written_into_another_organization(world: None, superuser: Superuser) -> None:
    """A copy of the other's row, with a new id: the policy refuses it (or the table is closed to the role)."""
    tried = 0
    for table in OWNED:
        found = superuser.execute(
            f"""SELECT organization_id, to_jsonb(t)::text FROM {table} t
            WHERE organization_id IS NOT NULL ORDER BY 1 LIMIT 1"""
        ).fetchone()
        if found is None:
            continue  # the demo has no row in it
        other = next(one for one in organizations(superuser) if one != found[0])
        key = [column for column in metadata.tables[table].primary_key if column.name.endswith("id")]
        fresh = ", ".join(f"'{c.name}', {'gen_random_uuid()' if isinstance(c.type, Uuid) else 2**60}" for c in key)
        copied = text(
            f"""INSERT INTO {table} OVERRIDING SYSTEM VALUE SELECT (jsonb_populate_record(NULL::{table},
            CAST(:row AS jsonb) || jsonb_build_object({fresh}))).*"""
        )
        # The audit trail takes lines from everybody; they are read by the organization they are about.
        refused = not PROTECTION[table].anyone_adds
        with pytest.raises(ProgrammingError, match=r"row-level|permission denied") if refused else nullcontext():
            write(Scope.organization(other), copied, found[1])
        tried += 1
    assert tried > 15


def write(scope: Scope, statement: TextClause, row: str) -> None:
    with unit_of_work(scope) as session:
        session.execute(statement, {"row": row})
