"""Charges on invoices: known by their charge, checked once a statement"""

from __future__ import annotations

from alembic import op

revision = "0032"
down_revision = "0030"
branch_labels = None
depends_on = None

# Four foreign keys were most of the time of closing a month. As in 0003: below rows that are never removed, what is
# added is checked once a statement. Row by row through the keys whatever the statement around it was told, so that it
# takes as long as what is added, not as what is there.
_BELONG = """
CREATE FUNCTION billed_charges_belong() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off
    SET enable_hashjoin = off SET enable_mergejoin = off SET enable_nestloop = on AS $$
BEGIN
    IF EXISTS (
        SELECT FROM (SELECT DISTINCT organization_id, invoice_id, line_id FROM added) a
        LEFT JOIN invoice_lines l ON l.id = a.line_id
        WHERE l.position IS NULL OR l.invoice_id <> a.invoice_id OR l.organization_id <> a.organization_id
    ) OR EXISTS (
        SELECT FROM added a LEFT JOIN charges c ON c.id = a.charge_id
        WHERE c.status IS NULL OR c.buyer_organization_id IS DISTINCT FROM a.organization_id
    ) THEN
        RAISE EXCEPTION 'a billed charge names a charge, an invoice or a line that is not of its organization'
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER billed_charges_belong AFTER INSERT ON billed_charges
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION billed_charges_belong();
CREATE TRIGGER billed_charges_moved AFTER UPDATE ON billed_charges
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION billed_charges_belong();
"""
_KEYS = (
    ("charge_id", "charges", ""),
    ("invoice_id", "invoices", " ON DELETE CASCADE"),
    ("line_id", "invoice_lines", " ON DELETE CASCADE"),
    ("organization_id", "organizations", ""),
)


def upgrade() -> None:
    for column, _table, _rule in _KEYS:
        op.execute(f"ALTER TABLE billed_charges DROP CONSTRAINT fk_billed_charges_{column}")
    op.execute("ALTER TABLE billed_charges DROP CONSTRAINT pk_billed_charges")
    op.execute("ALTER TABLE billed_charges DROP COLUMN id, DROP COLUMN created_at")
    op.execute("ALTER TABLE billed_charges DROP CONSTRAINT uq_billed_charges_charge_id")
    op.execute("ALTER TABLE billed_charges ADD CONSTRAINT pk_billed_charges PRIMARY KEY (charge_id)")
    op.execute(_BELONG)


def downgrade() -> None:
    op.execute("DROP TRIGGER billed_charges_moved ON billed_charges")
    op.execute("DROP TRIGGER billed_charges_belong ON billed_charges")
    op.execute("DROP FUNCTION billed_charges_belong()")
    op.execute("ALTER TABLE billed_charges DROP CONSTRAINT pk_billed_charges")
    op.execute("ALTER TABLE billed_charges ADD COLUMN id uuid NOT NULL DEFAULT uuidv7()")
    op.execute("ALTER TABLE billed_charges ADD COLUMN created_at timestamptz NOT NULL DEFAULT now()")
    op.execute("ALTER TABLE billed_charges ADD CONSTRAINT pk_billed_charges PRIMARY KEY (id)")
    op.execute("ALTER TABLE billed_charges ADD CONSTRAINT uq_billed_charges_charge_id UNIQUE (charge_id)")
    for column, table, rule in _KEYS:
        op.execute(
            f"ALTER TABLE billed_charges ADD CONSTRAINT fk_billed_charges_{column}"
            f" FOREIGN KEY ({column}) REFERENCES {table} (id){rule}"
        )
