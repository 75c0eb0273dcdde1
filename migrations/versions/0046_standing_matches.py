"""Matches that nothing undid are said in one place; a booking is known whether its file told balances or not"""

from __future__ import annotations

from alembic import op

revision = "0046"
down_revision = "0042"
branch_labels = None
depends_on = None

STANDING = """
CREATE VIEW standing_matches WITH (security_invoker = true) AS
SELECT m.* FROM statement_matches m
WHERE m.undoes_id IS NULL AND NOT EXISTS (SELECT FROM statement_matches u WHERE u.undoes_id = m.id);
REVOKE ALL ON standing_matches FROM quittance_app, quittance_platform;
GRANT SELECT ON standing_matches TO quittance_platform;
"""
# The key of a booking without a number of the bank's own, as `Booking.identity` and `rules.dedupe_keys` make it;
# bookings that look alike are counted in the order in which they came. Nobody but this revision may change lines.
WITHOUT_BALANCE = """
ALTER TABLE statement_lines NO FORCE ROW LEVEL SECURITY;
UPDATE statement_lines l SET dedupe_key = k.digest || ':' || k.alike
FROM (
    SELECT id, digest, row_number() OVER (PARTITION BY account, digest ORDER BY statement_id, line, id) AS alike
    FROM (
        SELECT id, account, statement_id, line, encode(sha256(convert_to(concat_ws(E'\\x1f',
            to_char(booked_on, 'YYYY-MM-DD'), currency, amount_minor, description, counterparty, reference), 'UTF8')),
            'hex') AS digest
        FROM statement_lines WHERE bank_reference = ''
    ) d
) k WHERE k.id = l.id;
ALTER TABLE statement_lines FORCE ROW LEVEL SECURITY;
"""


def upgrade() -> None:
    op.execute(STANDING)
    op.execute(WITHOUT_BALANCE)


def downgrade() -> None:
    """Keys stay: they only decide what a later file adds."""
    op.execute("DROP VIEW standing_matches")
