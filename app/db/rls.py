"""Row-level security: the policies every table gets from its base class. A test compares them with pg_policies."""

from __future__ import annotations

from sqlalchemy import Table

from app.db.base import PROTECTION, Visibility

APP_ROLE = "quittance_app"
PLATFORM_ROLE = "quittance_platform"

_ORGANIZATION = "nullif(current_setting('app.organization', true), '')::uuid"
_PAYEE = "nullif(current_setting('app.payee', true), '')::uuid"
_CLIENT = "nullif(current_setting('app.client', true), '')::uuid"


def _engaged(column: str) -> str:
    # A sub-select on engagements is itself under its policy, so only this organization's rows answer. EXISTS and not
    # IN: for a page of rows the planner looks each up, instead of reading all engagements of the organization first.
    return f"EXISTS (SELECT FROM engagements e WHERE e.payee_id = {column} AND e.organization_id = {_ORGANIZATION})"


def condition(table: Table) -> str | None:
    """What quittance_app may see and write of a table; None: nothing at all."""
    match PROTECTION[table.name].visibility:
        case Visibility.GLOBAL:
            return "true"
        case Visibility.ORGANIZATION:
            return f"organization_id = {_ORGANIZATION}"
        case Visibility.PAYEE:
            return f"organization_id = {_ORGANIZATION} OR payee_id = {_PAYEE}"
        case Visibility.PAYEE_OWN:
            column = f"{table.name}.id" if table.name == "payees" else f"{table.name}.payee_id"
            return f"{column} = {_PAYEE} OR {_engaged(column)}"
        case Visibility.CLIENT:
            return f"organization_id = {_ORGANIZATION} OR client_account_id = {_CLIENT}"
        case Visibility.CONSULTATION:
            return (
                f"organization_id = {_ORGANIZATION} OR payee_id = {_PAYEE} OR client_account_id = {_CLIENT}"
                f" OR buyer_organization_id = {_ORGANIZATION}"
            )
        case _:
            return None


def statements(table: Table) -> list[str]:
    """DDL that puts a new table under its policies. Row-level security is forced, so owners obey it too."""
    name = table.name
    sql = [
        f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY {name}_platform ON {name} TO {PLATFORM_ROLE} USING (true) WITH CHECK (true)",
    ]
    seen = condition(table)
    if seen:
        check = "" if PROTECTION[table.name].visibility is Visibility.GLOBAL else f" WITH CHECK ({seen})"
        sql.append(f"CREATE POLICY {name}_app ON {name} TO {APP_ROLE} USING ({seen}){check}")
    if PROTECTION[table.name].anyone_adds:
        sql.append(f"CREATE POLICY {name}_add ON {name} FOR INSERT TO {APP_ROLE} WITH CHECK (true)")
    if PROTECTION[table.name].append_only:
        sql.append(f"REVOKE UPDATE, DELETE, TRUNCATE ON {name} FROM {APP_ROLE}, {PLATFORM_ROLE}")
    return sql
