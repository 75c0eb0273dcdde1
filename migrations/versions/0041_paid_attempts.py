"""What was paid lately can be found to be asked about again"""

from __future__ import annotations

from alembic import op

revision = "0041"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "CREATE INDEX ix_payout_attempts_paid ON payout_attempts (settled_at, id) WHERE status = 'succeeded'"
    )


def downgrade() -> None:
    op.execute("DROP INDEX ix_payout_attempts_paid")
