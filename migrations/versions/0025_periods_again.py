"""A period whose payout was cancelled or rejected may be calculated again"""

from __future__ import annotations

from alembic import op


revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

INDEX = """
DROP INDEX uq_payouts_period;
CREATE UNIQUE INDEX uq_payouts_period ON payouts (organization_id, payee_id, currency, schedule, period_start)
    WHERE {which};
"""


def upgrade() -> None:
    op.execute(INDEX.format(which="schedule IS NOT NULL AND status NOT IN ('cancelled', 'rejected')"))


def downgrade() -> None:
    """Fails where a period was calculated again meanwhile: one of its payouts would have to go."""
    op.execute(INDEX.format(which="schedule IS NOT NULL"))
