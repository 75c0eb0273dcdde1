"""Whose payouts from a Stripe balance to a bank are to be asked for, because news of them may have been lost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.clock import utc_now
from app.methods.connect import NAME

AGAIN = timedelta(hours=20)  # an account asked a shorter time ago is left alone
USUAL = timedelta(
    days=7
)  # until a payout without a day of arrival should be there; one that was there may fail so long
QUIET = timedelta(days=3)  # so long after our money came Stripe has made a payout of it, or is asked
GIVEN_UP = timedelta(days=30)  # who leaves money in the balance for longer does so on purpose
# Under way and overdue, there but not for certain yet, and money of ours no payout was heard of since.
_DUE = text(
    """WITH wanted AS (
        SELECT c.account, c.made_at FROM connected_payouts c
        WHERE (c.status IN ('pending', 'in_transit')
            AND coalesce(c.arrival_on, (c.made_at + make_interval(days => :usual))::date) < :today)
        OR (c.status = 'paid' AND coalesce(c.arrival_on, c.made_at::date) >= :today - :usual)
        UNION ALL
        SELECT a.account, t.settled_at FROM payout_attempts t
        JOIN payouts p ON p.id = t.payout_id AND p.status = 'paid'
        JOIN connected_accounts a ON a.payee_id = p.payee_id AND a.gone_at IS NULL
        WHERE t.status = 'succeeded' AND t.rail = :rail AND t.settled_at >= :since AND t.settled_at < :quiet
            AND NOT EXISTS (SELECT FROM connected_payouts c WHERE c.payee_id = p.payee_id
                AND c.currency = p.currency AND c.made_at >= t.settled_at - interval '1 minute')
    )
    SELECT w.account, min(w.made_at) AS since FROM wanted w
    JOIN (SELECT account, min(payouts_read_at) AS read_at FROM connected_accounts
        WHERE gone_at IS NULL GROUP BY account) a ON a.account = w.account
    WHERE a.read_at IS NULL OR a.read_at < :again
    GROUP BY w.account, a.read_at ORDER BY a.read_at NULLS FIRST, w.account LIMIT :most"""
)


@dataclass(frozen=True, slots=True)
class Due:
    """An account, and since when what it paid out is of interest."""

    account: str
    since: datetime


def due(session: Session, most: int) -> list[Due]:
    """Accounts to ask, those not asked for longest first. Needs a platform scope."""
    now = utc_now()
    values = {
        "today": now.date(), "usual": USUAL.days, "rail": NAME, "since": now - GIVEN_UP, "quiet": now - QUIET,
        "again": now - AGAIN, "most": most,
    }  # fmt: skip
    return [Due(row.account, row.since) for row in session.execute(_DUE, values)]
