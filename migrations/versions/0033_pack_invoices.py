"""Seat packs have an invoice of their own; the notice near a credit limit"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0033"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('funds_policies', sa.Column('near_limit_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('seat_packs', sa.Column('quote', postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.add_column('seat_packs', sa.Column('tax_minor', sa.BigInteger(), server_default='0', nullable=False))
    op.add_column('seat_packs', sa.Column('invoice_id', sa.Uuid(), nullable=True))
    op.create_unique_constraint(op.f('uq_seat_packs_invoice_id'), 'seat_packs', ['invoice_id'])
    op.create_foreign_key(op.f('fk_seat_packs_invoice_id'), 'seat_packs', 'invoices', ['invoice_id'], ['id'])
    op.create_check_constraint(op.f('ck_seat_packs_quoted'), 'seat_packs', 'invoice_id IS NULL OR quote IS NOT NULL')


def downgrade() -> None:
    op.drop_constraint(op.f('ck_seat_packs_quoted'), 'seat_packs', type_='check')
    op.drop_constraint(op.f('fk_seat_packs_invoice_id'), 'seat_packs', type_='foreignkey')
    op.drop_constraint(op.f('uq_seat_packs_invoice_id'), 'seat_packs', type_='unique')
    op.drop_column('seat_packs', 'invoice_id')
    op.drop_column('seat_packs', 'tax_minor')
    op.drop_column('seat_packs', 'quote')
    op.drop_column('funds_policies', 'near_limit_at')
