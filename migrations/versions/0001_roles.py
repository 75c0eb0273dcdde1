"""Roles and extensions"""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ROLES = ("quittance_app", "quittance_platform")


def upgrade() -> None:
    for extension in ("btree_gist", "pg_trgm", "citext", "unaccent"):
        op.execute(f"CREATE EXTENSION IF NOT EXISTS {extension}")
    for role in ROLES:
        # Roles belong to the whole cluster: another database of it may have made them.
        op.execute(f"""DO $$ BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN
                CREATE ROLE {role} NOLOGIN NOSUPERUSER NOBYPASSRLS;
            END IF;
            IF NOT pg_has_role(current_user, '{role}', 'SET') THEN
                EXECUTE format('GRANT {role} TO %I', current_user);
            END IF;
        END $$""")
        op.execute(f"GRANT USAGE ON SCHEMA public TO {role}")
        op.execute(f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role}")


def downgrade() -> None:
    for role in ROLES:
        op.execute(f"ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON TABLES FROM {role}")
