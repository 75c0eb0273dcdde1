"""Calls of attempts, payouts that wait for the payee, rails that are off"""

from __future__ import annotations

from alembic import op

revision = "0037"
down_revision = "0033"
branch_labels = None
depends_on = None

_CODES = "'awaiting_funds', 'review', 'method_changed', 'no_method', 'suspended'"


def upgrade() -> None:
    op.execute("ALTER TABLE payout_attempts ADD COLUMN call text")
    op.execute("ALTER TABLE payouts ADD COLUMN waiting_message text, ADD COLUMN waiting_cure text")
    _codes(f"{_CODES}, 'rail_off'")


def downgrade() -> None:
    op.execute("UPDATE payouts SET hold_code = 'review' WHERE hold_code = 'rail_off'")
    _codes(_CODES)
    op.execute("ALTER TABLE payouts DROP COLUMN waiting_cure, DROP COLUMN waiting_message")
    op.execute("ALTER TABLE payout_attempts DROP COLUMN call")


def _codes(words: str) -> None:
    op.execute("ALTER TABLE payouts DROP CONSTRAINT ck_payouts_holdcode")
    op.execute(f"ALTER TABLE payouts ADD CONSTRAINT ck_payouts_holdcode CHECK (hold_code IN ({words}))")
