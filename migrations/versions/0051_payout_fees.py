"""What rails take beside the amount"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


revision = "0051"
down_revision = "0047"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('payout_attempts', sa.Column('fee_minor', sa.BigInteger(), nullable=True))
    op.add_column('payout_attempts', sa.Column('fee_currency', sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column('payout_attempts', 'fee_currency')
    op.drop_column('payout_attempts', 'fee_minor')
