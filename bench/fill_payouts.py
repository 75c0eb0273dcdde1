"""Payouts for lists: whatever the count, a filter finds the same share of them, or the same few, spread over the time.

So the page of a large table and the page of a small one show the same number of rows, and only the table differs.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.db.types import new_id
from app.payouts import content
from bench import fill

FEW = 60  # what the narrow filters find
PENDING_SHARE = 30  # of a hundred
DAYS = 400

_BATCHES = """INSERT INTO batches (organization_id, number, title, status, created_by, submitted_by, approved_by,
        approved_at, started_at, created_at)
    SELECT :organization_id, 'PB-2025-' || n, 'Payout run', 'done', 'Maker', 'Maker', 'Checker',
        now() - n * interval '1 hour', now() - n * interval '1 hour', now() - n * interval '1 hour'
    FROM generate_series(1, :count) n RETURNING id"""
# k counts the pending ones: the special rows sit evenly among them.
_PAYOUTS = """INSERT INTO payouts (id, organization_id, payee_id, batch_id, amount_minor, currency, rail, method_id,
        origin, status, hold_code, funded, requested_by, simulated, created_at, status_at, paid_at, first_approved_at)
    SELECT uuidv7(-q.ago), q.organization_id, q.payee_id,
        CASE WHEN q.share >= :pending AND q.n % 2 = 0 THEN (:batches)[1 + q.n % cardinality(:batches)] END,
        q.amount_minor, 'GBP', 'simulated', m.id, 'withdrawal', q.status,
        CASE WHEN q.status = 'on_hold' THEN 'awaiting_funds' END, q.status IN ('paid', 'processing'), 'bench', true,
        now() - q.ago, now() - q.ago, CASE WHEN q.status = 'paid' THEN now() - q.ago END,
        CASE WHEN q.share = 7 THEN now() - q.ago END
    FROM (
        SELECT p.n, p.share, p.ago, p.status,
            CASE WHEN p.special = 0 THEN CAST(:rare_organization AS uuid) WHEN p.special = 1 OR p.n % 2 = 0
                THEN CAST(:even_organization AS uuid) ELSE CAST(:odd_organization AS uuid) END AS organization_id,
            CASE WHEN p.special = 0 THEN CAST(:rare_organizations_payee AS uuid)
                 WHEN p.special = 1 THEN CAST(:rare_payee AS uuid)
                 WHEN p.n % 2 = 0 THEN (:even_payees)[1 + abs(hashint8(p.n)) % cardinality(:even_payees)]
                 ELSE (:odd_payees)[1 + abs(hashint8(p.n)) % cardinality(:odd_payees)] END AS payee_id,
            CASE WHEN p.special = 2 THEN 9000000 + p.n % 1000 ELSE 100 + abs(hashint8(-p.n)) % 10000 END AS amount_minor
        FROM (
            SELECT n, n % 100 AS share, n * (make_interval(days => :days) / :count) AS ago,
                CASE WHEN n % 100 < :pending THEN (n / 100 * :pending + n % 100) % :every END AS special,
                CASE WHEN n % 100 < :pending THEN 'pending' WHEN n % 100 < 40 THEN 'approved'
                     WHEN n % 100 < 50 THEN 'processing' WHEN n % 100 < 55 THEN 'failed'
                     WHEN n % 100 < 60 THEN 'on_hold' ELSE 'paid' END AS status
            FROM generate_series(1, :count) n
        ) p
    ) q JOIN methods m ON m.payee_id = q.payee_id"""
_ITEMS = """INSERT INTO payout_items (payout_id, earning_id, organization_id, payee_id, amount_minor)
    SELECT id, uuidv7(), organization_id, payee_id, amount_minor FROM payouts"""


@dataclass(frozen=True)
class Names:
    """What to ask for, to find half of the pending payouts, or the few."""

    organization: str = "even"
    few_organization: str = "rare"
    payee: str = "joinery"
    few_payee: str = "quillfeather"
    amount: str = "50.00"
    few_amount: str = "90000.00"


def payouts(session: Session, count: int) -> Names:
    """Two large organizations and a small one, a payee for every ten payouts, one signed payout in a hundred."""
    half = max(count // 20, 10)
    even, even_payees = fill.organization(session, "even", half)
    odd, odd_payees = fill.organization(session, "odd", half)
    rare, rare_organizations_payees = fill.organization(session, "rare", 1)
    session.execute(text("UPDATE payees SET name = 'Quillfeather & Daughters' WHERE id = :id"), {"id": even_payees[0]})
    batches = session.execute(text(_BATCHES), {"organization_id": odd, "count": max(count // 1000, 1)}).scalars().all()
    arrays = {"batches": batches, "even_payees": even_payees[1:], "odd_payees": odd_payees}
    statement = _PAYOUTS
    for name in arrays:
        statement = statement.replace(f":{name})", f"CAST(:{name} AS uuid[]))")
    session.execute(
        text(statement),
        {
            **arrays,
            "count": count,
            "days": DAYS,
            "pending": PENDING_SHARE,
            "every": max(count * PENDING_SHARE // 100 // FEW, 3),
            "even_organization": even,
            "odd_organization": odd,
            "rare_organization": rare,
            "rare_payee": even_payees[0],
            "rare_organizations_payee": rare_organizations_payees[0],
        },
    )
    session.execute(text(_ITEMS))
    signed: list[UUID] = list(
        session.execute(text("SELECT id FROM payouts WHERE first_approved_at IS NOT NULL")).scalars()
    )
    content.sign(session, signed, new_id(), "Somebody")
    return Names()
