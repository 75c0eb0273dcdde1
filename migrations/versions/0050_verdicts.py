"""What went out with an attempt, words of people about attempts"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


revision = "0050"
down_revision = "0048"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('payout_verdicts',
    sa.Column('id', sa.Uuid(), server_default=sa.text('uuidv7()'), nullable=False),
    sa.Column('payout_id', sa.Uuid(), nullable=False),
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('outcome', sa.Text(), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('status', sa.Enum('proposed', 'confirmed', 'rejected', name='verdictstatus', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('proposed_by', sa.Text(), nullable=False),
    sa.Column('proposed_by_account_id', sa.Uuid(), nullable=True),
    sa.Column('decided_by', sa.Text(), nullable=True),
    sa.Column('decided_by_account_id', sa.Uuid(), nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("outcome IN ('paid', 'failed')", name=op.f('ck_payout_verdicts_outcome')),
    sa.ForeignKeyConstraint(['payout_id'], ['payouts.id'], name=op.f('fk_payout_verdicts_payout_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_payout_verdicts'))
    )
    op.create_index('ix_payout_verdicts_payout', 'payout_verdicts', ['payout_id'], unique=False)
    op.create_index('uq_payout_verdicts_waiting', 'payout_verdicts', ['key'], unique=True, postgresql_where=sa.text("status = 'proposed'"))
    op.add_column('payout_attempts', sa.Column('payee_name', sa.Text(), nullable=True))
    op.add_column('payout_attempts', sa.Column('reference', sa.Text(), nullable=True))
    op.create_index('ix_payout_attempts_contradicted', 'payout_attempts', ['created_at'], unique=False, postgresql_where=sa.text("evidence ? 'contradicted'"))
    op.execute('ALTER TABLE payout_verdicts ENABLE ROW LEVEL SECURITY')
    op.execute('ALTER TABLE payout_verdicts FORCE ROW LEVEL SECURITY')
    op.execute('CREATE POLICY payout_verdicts_platform ON payout_verdicts TO quittance_platform USING (true) WITH CHECK (true)')
    _item_kinds("'balance', 'stuck', 'contradiction'")


def downgrade() -> None:
    _item_kinds("'balance', 'stuck'")
    op.drop_index('ix_payout_attempts_contradicted', table_name='payout_attempts', postgresql_where=sa.text("evidence ? 'contradicted'"))
    op.drop_column('payout_attempts', 'reference')
    op.drop_column('payout_attempts', 'payee_name')
    op.drop_index('uq_payout_verdicts_waiting', table_name='payout_verdicts', postgresql_where=sa.text("status = 'proposed'"))
    op.drop_index('ix_payout_verdicts_payout', table_name='payout_verdicts')
    op.drop_table('payout_verdicts')


def _item_kinds(words: str) -> None:
    op.execute(f"ALTER TABLE desk_items DROP CONSTRAINT ck_desk_items_itemkind, "
               f"ADD CONSTRAINT ck_desk_items_itemkind CHECK (kind IN ({words}))")
