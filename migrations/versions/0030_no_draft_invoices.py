"""Invoices are issued as they are written: no drafts, nothing void"""

from __future__ import annotations

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_ALWAYS = ("number", "serial", "fiscal_year", "issued_on", "snapshot", "snapshot_sha256")


def upgrade() -> None:
    op.execute("ALTER TABLE invoices DROP CONSTRAINT ck_invoices_invoicestatus")
    op.execute("ALTER TABLE invoices ADD CONSTRAINT ck_invoices_invoicestatus CHECK (status IN ('sent', 'paid'))")
    op.execute("ALTER TABLE invoices DROP CONSTRAINT ck_invoices_issued")
    for column in _ALWAYS:
        op.execute(f"ALTER TABLE invoices ALTER COLUMN {column} SET NOT NULL")
    op.execute("DROP INDEX uq_invoices_month")
    op.execute(
        "CREATE UNIQUE INDEX uq_invoices_month ON invoices (organization_id, currency, period_start)"
        " WHERE origin = 'month'"
    )


def downgrade() -> None:
    op.execute("DROP INDEX uq_invoices_month")
    op.execute(
        "CREATE UNIQUE INDEX uq_invoices_month ON invoices (organization_id, currency, period_start)"
        " WHERE origin = 'month' AND status <> 'void'"
    )
    for column in _ALWAYS:
        op.execute(f"ALTER TABLE invoices ALTER COLUMN {column} DROP NOT NULL")
    op.execute(
        "ALTER TABLE invoices ADD CONSTRAINT ck_invoices_issued CHECK ((status IN ('draft', 'void')) = (number IS NULL)"
        " AND (number IS NULL) = (issued_on IS NULL) AND (number IS NULL) = (snapshot IS NULL))"
    )
    op.execute("ALTER TABLE invoices DROP CONSTRAINT ck_invoices_invoicestatus")
    op.execute(
        "ALTER TABLE invoices ADD CONSTRAINT ck_invoices_invoicestatus"
        " CHECK (status IN ('draft', 'sent', 'paid', 'void'))"
    )
