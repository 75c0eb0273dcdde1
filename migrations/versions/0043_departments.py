"""Departments of members, and of what they booked as it was then"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0038"
branch_labels = None
depends_on = None

_LENGTH = "char_length(department) BETWEEN 1 AND 60"


def upgrade() -> None:
    for table in ("members", "member_invitations", "member_import_rows", "consultations"):
        op.add_column(table, sa.Column("department", sa.Text(), nullable=True))
    for table in ("members", "member_invitations"):
        op.create_check_constraint(op.f(f"ck_{table}_department"), table, _LENGTH)
    op.create_check_constraint(
        op.f("ck_consultations_department"), "consultations", "department IS NULL OR buyer_organization_id IS NOT NULL"
    )
    op.create_index(
        "ix_members_department",
        "members",
        ["organization_id", "department"],
        postgresql_where=sa.text("department IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_members_department", "members")
    for table in ("members", "member_invitations", "consultations"):
        op.drop_constraint(op.f(f"ck_{table}_department"), table)
    for table in ("members", "member_invitations", "member_import_rows", "consultations"):
        op.drop_column(table, "department")
