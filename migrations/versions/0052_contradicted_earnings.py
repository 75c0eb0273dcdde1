"""Earnings that wait because a rail took back its word"""

from __future__ import annotations

from alembic import op

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None

WORDS = ("terms", "review_window", "acceptance", "return_window", "session", "dispute", "refund", "invoice")


def upgrade() -> None:
    _hold_reasons((*WORDS, "contradicted"))


def downgrade() -> None:
    op.execute("UPDATE held_earnings SET reason = 'dispute' WHERE reason = 'contradicted'")
    _hold_reasons(WORDS)


def _hold_reasons(words: tuple[str, ...]) -> None:
    listed = ", ".join(f"'{word}'" for word in words)
    op.execute("ALTER TABLE held_earnings DROP CONSTRAINT ck_held_earnings_holdreason")
    op.execute(f"ALTER TABLE held_earnings ADD CONSTRAINT ck_held_earnings_holdreason CHECK (reason IN ({listed}))")
