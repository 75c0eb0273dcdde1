"""Invariants that must hold at any moment, each as a query that returns the rows that break it.

`examine` runs them all; no finding means healthy. Every check is named, so that a fault is a sentence, not a number.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.settings import settings
from app.reporting.billing_checks import INVOICES
from app.reporting.client_checks import CLIENTS
from app.reporting.reconciliation_checks import RECONCILIATION

MOST = 20  # findings shown per check


@dataclass(frozen=True, slots=True)
class Check:
    """`sql` yields rows (subject, detail) of what is wrong; `:live` is bound where it occurs."""

    code: str
    says: str
    sql: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault: which rule, which thing, and what was seen."""

    code: str
    message: str
    subject: str
    detail: str


LEDGER = (
    Check(
        "ledger.zero_sum",
        "A ledger entry does not sum to zero.",
        """SELECT entry_id AS subject, currency || ' ' || sum(amount_minor) AS detail FROM ledger_lines
        GROUP BY entry_id, currency HAVING sum(amount_minor) <> 0""",
    ),
    Check(
        "ledger.empty_entry",
        "A ledger entry has no lines.",
        """SELECT e.id AS subject, e.kind AS detail FROM ledger_entries e
        WHERE NOT EXISTS (SELECT FROM ledger_lines l WHERE l.entry_id = e.id)""",
    ),
    Check(
        "ledger.balance",
        "A kept balance differs from the sum of its lines.",
        """SELECT coalesce(b.organization_id, l.organization_id) || ' ' || coalesce(b.account, l.account) AS subject,
            'kept ' || coalesce(b.balance_minor, 0) || ', lines ' || coalesce(l.total, 0) AS detail
        FROM ledger_balances b FULL JOIN (
            SELECT organization_id, account, coalesce(payee_id, '00000000-0000-0000-0000-000000000000') AS payee_id,
                currency, -sum(amount_minor) AS total FROM ledger_lines
            WHERE account IN ('funds', 'prepaid_credits', 'payee_held', 'payee_available', 'payee_in_transit')
            GROUP BY 1, 2, 3, 4
        ) l USING (organization_id, account, payee_id, currency)
        WHERE coalesce(b.balance_minor, 0) <> coalesce(l.total, 0)""",
    ),
    Check(
        "ledger.queues",
        "What the queues and payouts hold for a payee differs from the books.",
        """SELECT coalesce(b.payee_id, q.payee_id) || ' ' || coalesce(b.account, q.account) AS subject,
            'books ' || coalesce(b.total, 0) || ', rows ' || coalesce(q.total, 0) AS detail
        FROM (SELECT payee_id, account, currency, organization_id, balance_minor AS total FROM ledger_balances
              WHERE account LIKE 'payee%') b
        FULL JOIN (
            SELECT payee_id, 'payee_available' AS account, currency, organization_id, sum(amount_minor) AS total
            FROM ready_earnings GROUP BY payee_id, currency, organization_id
            UNION ALL SELECT payee_id, 'payee_held', currency, organization_id, sum(amount_minor)
            FROM held_earnings GROUP BY payee_id, currency, organization_id
            UNION ALL SELECT payee_id, 'payee_in_transit', currency, organization_id, sum(amount_minor) FROM payouts
            WHERE status IN ('pending', 'approved', 'on_hold', 'processing')
            GROUP BY payee_id, currency, organization_id
        ) q USING (payee_id, account, currency, organization_id)
        WHERE coalesce(b.total, 0) <> coalesce(q.total, 0)""",
    ),
    Check(
        "ledger.clearing",
        "What is with the rails differs from the books.",
        """SELECT coalesce(l.organization_id, p.organization_id) || ' ' || coalesce(l.currency, p.currency) AS subject,
            'books ' || coalesce(l.total, 0) || ', payouts ' || coalesce(p.total, 0) AS detail
        FROM (SELECT organization_id, currency, sum(amount_minor) AS total FROM ledger_lines
            WHERE account = 'clearing' GROUP BY 1, 2) l
        FULL JOIN (SELECT p.organization_id, p.currency, sum(p.amount_minor) AS total FROM payouts p
            JOIN payout_attempts a ON a.payout_id = p.id AND a.status = 'accepted' GROUP BY 1, 2) p
            USING (organization_id, currency)
        WHERE coalesce(l.total, 0) <> coalesce(p.total, 0)""",
    ),
    Check(
        "ledger.receivable",
        "What organizations still have to cover differs from the books.",
        """SELECT coalesce(l.organization_id, q.organization_id) || ' ' || coalesce(l.currency, q.currency) AS subject,
            'books ' || coalesce(l.total, 0) || ', rows ' || coalesce(q.total, 0) AS detail
        FROM (SELECT organization_id, currency, sum(amount_minor) AS total FROM ledger_lines
            WHERE account = 'receivable' GROUP BY 1, 2) l
        FULL JOIN (SELECT organization_id, currency, sum(amount_minor) AS total FROM (
                SELECT organization_id, currency, amount_minor FROM ready_earnings
                UNION ALL SELECT organization_id, currency, amount_minor FROM held_earnings
                UNION ALL SELECT organization_id, currency, amount_minor FROM payouts
                WHERE NOT funded AND status IN ('pending', 'approved', 'on_hold', 'processing')) r GROUP BY 1, 2) q
            USING (organization_id, currency)
        WHERE coalesce(l.total, 0) <> coalesce(q.total, 0)""",
    ),
    Check(
        "funds.over_limit",
        "An organization's funds are below its credit limit.",
        """SELECT b.organization_id || ' ' || b.currency AS subject,
            b.balance_minor || ' of -' || coalesce(f.credit_limit_minor, 0) AS detail
        FROM ledger_balances b LEFT JOIN funds_policies f USING (organization_id, currency)
        WHERE b.account = 'funds' AND b.balance_minor < -coalesce(f.credit_limit_minor, 0)
        -- what clients got back of what was paid out already is owed beyond every limit
        AND b.balance_minor + coalesce((SELECT sum(r.amount_minor + r.promotion_minor) FROM charge_returns r
            WHERE r.organization_id = b.organization_id AND r.currency = b.currency AND r.status = 'succeeded'), 0)
        -- so is what open invoices add to what was booked: their tax, debit notes, and seat credits not there yet
        + coalesce((SELECT sum(i.total_minor - CASE WHEN i.kind = 'debit_note' OR k.status = 'pending' THEN 0
                ELSE i.net_minor END) FROM invoices i LEFT JOIN seat_packs k ON k.invoice_id = i.id
            WHERE i.organization_id = b.organization_id AND i.currency = b.currency AND i.status = 'sent'
                AND i.kind <> 'credit_note'), 0)
            < -coalesce(f.credit_limit_minor, 0)""",
    ),
)

PAYOUTS = (
    Check(
        "payout.items",
        "The items of a payout do not add up to it.",
        """SELECT p.id AS subject, 'payout ' || p.amount_minor || ', items ' || coalesce(i.total, 0) AS detail
        FROM payouts p LEFT JOIN (SELECT payout_id, sum(amount_minor) AS total FROM payout_items GROUP BY payout_id) i
            ON i.payout_id = p.id
        WHERE coalesce(i.total, 0) <> p.amount_minor""",
    ),
    Check(
        "payout.paid_without_evidence",
        "A payout is PAID though neither a rail nor two people said so.",
        """SELECT p.id AS subject, p.rail AS detail FROM payouts p WHERE p.status = 'paid' AND NOT EXISTS (
            SELECT FROM payout_attempts a WHERE a.payout_id = p.id AND a.status = 'succeeded'
            AND a.evidence ? 'succeeded' AND (a.rail_reference IS NOT NULL OR a.export_id IS NOT NULL
                OR EXISTS (SELECT FROM payout_verdicts v
                    WHERE v.payout_id = p.id AND v.outcome = 'paid' AND v.status = 'confirmed')))""",
    ),
    Check(
        "payout.fee",
        "What a rail took for a payout is not what the books have of it.",
        """SELECT a.payout_id AS subject, 'kept ' || a.fee_minor || ', books ' || coalesce(l.minor, 0) AS detail
        FROM payout_attempts a LEFT JOIN (SELECT e.organization_id, e.ref, l.currency, sum(l.amount_minor) AS minor
            FROM ledger_entries e JOIN ledger_lines l ON l.entry_id = e.id AND l.account = 'processor_fees'
            WHERE e.kind = 'payout_fee' GROUP BY 1, 2, 3) l
            ON l.organization_id = a.organization_id AND l.ref = a.key AND l.currency = a.fee_currency
        WHERE a.fee_minor > 0 AND a.status IN ('succeeded', 'returned') AND a.fee_minor <> coalesce(l.minor, 0)""",
    ),
    Check(
        "payout.paid_twice",
        "A payout has more than one successful attempt.",
        """SELECT payout_id AS subject, count(*) || ' attempts' AS detail FROM payout_attempts
        WHERE status = 'succeeded' GROUP BY payout_id HAVING count(*) > 1""",
    ),
    Check(
        "payout.file_not_released",
        "A payout is PAID by an export that nobody released.",
        """SELECT p.id AS subject, e.number AS detail FROM payouts p
        JOIN payout_attempts a ON a.payout_id = p.id AND a.status = 'succeeded'
        JOIN payout_exports e ON e.id = a.export_id WHERE p.status = 'paid' AND e.status <> 'released'""",
    ),
    Check(
        "payout.unapproved",
        "A payout went to a rail without an approval.",
        """SELECT p.id AS subject, p.status AS detail FROM payouts p WHERE p.status IN ('processing', 'paid')
        AND NOT EXISTS (SELECT FROM payout_approvals a WHERE a.payout_id = p.id
            AND a.account_id IS DISTINCT FROM p.requested_by_account_id)""",
    ),
    Check(
        "payout.unfunded",
        "A payout went to a rail without drawing on the organization's funds.",
        "SELECT id AS subject, status AS detail FROM payouts WHERE status IN ('processing', 'paid') AND NOT funded",
    ),
    Check(
        "payout.simulated_in_live",
        "A payout of live mode is only simulated.",
        """SELECT id AS subject, status AS detail FROM payouts
        WHERE :live AND simulated AND status IN ('processing', 'paid')""",
    ),
    Check(
        "earning.parts",
        "An earning is not in exactly one place: held, ready and in payouts do not add up to it.",
        """SELECT e.id AS subject, 'earning ' || e.amount_minor || ', found '
            || coalesce(h.amount_minor, 0) + coalesce(r.amount_minor, 0) + coalesce(i.total, 0) AS detail
        FROM earnings e
        LEFT JOIN held_earnings h ON h.earning_id = e.id
        LEFT JOIN ready_earnings r ON r.earning_id = e.id
        LEFT JOIN (SELECT i.earning_id, sum(i.amount_minor) AS total FROM payout_items i
            JOIN payouts p ON p.id = i.payout_id
            WHERE p.status IN ('pending', 'approved', 'processing', 'on_hold', 'paid') GROUP BY i.earning_id) i
            ON i.earning_id = e.id
        WHERE coalesce(h.amount_minor, 0) + coalesce(r.amount_minor, 0) + coalesce(i.total, 0) <> e.amount_minor
        AND NOT (h.earning_id IS NULL AND r.earning_id IS NULL AND i.earning_id IS NULL AND EXISTS (
            SELECT FROM ledger_entries l WHERE l.organization_id = e.organization_id
            AND l.kind = 'earning_cancelled' AND l.ref = e.id::text))""",
    ),
)

TENANCY = (
    Check(
        "tenancy.items",
        "A payout item joins two organizations or payees.",
        """SELECT i.payout_id AS subject, i.earning_id::text AS detail FROM payout_items i
        LEFT JOIN payouts p ON p.id = i.payout_id LEFT JOIN earnings e ON e.id = i.earning_id
        WHERE (i.organization_id, i.payee_id) IS DISTINCT FROM (p.organization_id, p.payee_id)
        OR (i.organization_id, i.payee_id) IS DISTINCT FROM (e.organization_id, e.payee_id)""",
    ),
    Check(
        "tenancy.queues",
        "A held or ready earning names another organization or payee than its earning.",
        """SELECT q.earning_id AS subject, q.organization_id::text AS detail FROM (
            SELECT earning_id, organization_id, payee_id, currency FROM held_earnings
            UNION ALL SELECT earning_id, organization_id, payee_id, currency FROM ready_earnings) q
        LEFT JOIN earnings e ON e.id = q.earning_id
        WHERE (q.organization_id, q.payee_id, q.currency)
            IS DISTINCT FROM (e.organization_id, e.payee_id, e.currency)""",
    ),
    Check(
        "tenancy.attempts",
        "An attempt or approval names another organization or payee than its payout.",
        """SELECT a.payout_id AS subject, a.organization_id::text AS detail FROM (
            SELECT payout_id, organization_id, payee_id FROM payout_attempts
            UNION ALL SELECT payout_id, organization_id, payee_id FROM payout_approvals) a
        JOIN payouts p ON p.id = a.payout_id
        WHERE (a.organization_id, a.payee_id) IS DISTINCT FROM (p.organization_id, p.payee_id)""",
    ),
    Check(
        "tenancy.methods",
        "A payout goes to a method of another payee.",
        """SELECT p.id AS subject, p.method_id::text AS detail FROM payouts p JOIN methods m ON m.id = p.method_id
        WHERE m.payee_id <> p.payee_id""",
    ),
    Check(
        "tenancy.batches",
        "A payout is in a batch of another organization.",
        """SELECT p.id AS subject, b.number AS detail FROM payouts p JOIN batches b ON b.id = p.batch_id
        WHERE b.organization_id <> p.organization_id""",
    ),
    Check(
        "tenancy.requests",
        "An earning names another organization, payee or amount than its payment request.",
        """SELECT e.id AS subject, r.id::text AS detail FROM earnings e
        JOIN payment_requests r ON r.id = e.source_id AND e.source_kind = 'payment_request'
        WHERE (r.organization_id, r.payee_id, r.currency, r.approved_minor)
            IS DISTINCT FROM (e.organization_id, e.payee_id, e.currency, e.amount_minor)
        AND r.status = 'approved'""",
    ),
)

WORK = (
    Check(
        "deliverable.fee",
        "An approved deliverable has another earning than its fee, or an earning is of one that is not approved.",
        """SELECT d.reference AS subject,
            'fee ' || coalesce(d.fee_minor, 0) || ', earned ' || coalesce(e.amount_minor, 0) AS detail
        FROM deliverables d LEFT JOIN earnings e ON e.source_kind = 'deliverable' AND e.source_id = d.id
            AND e.organization_id = d.organization_id
        WHERE CASE WHEN d.status = 'approved' THEN (d.payee_id, d.fee_minor, d.currency)
                IS DISTINCT FROM (coalesce(e.payee_id, d.payee_id), e.amount_minor, e.currency)
            ELSE e.id IS NOT NULL END""",
    ),
)

QUEUES = (
    Check(
        "outbox.failed",
        "A job gave up.",
        """SELECT id AS subject, topic || ': ' || coalesce(last_error, '') AS detail FROM outbox
        WHERE failed_at IS NOT NULL""",
    ),
    Check(
        "outbox.stale",
        "A job has been waiting for more than ten minutes.",
        """SELECT id AS subject, topic || ' since ' || due_at AS detail FROM outbox
        WHERE done_at IS NULL AND failed_at IS NULL AND due_at < now() - interval '10 minutes'""",
    ),
    Check(
        "webhooks.failed",
        "A received event could not be applied.",
        "SELECT id AS subject, source || ' ' || event_id AS detail FROM webhook_events WHERE status = 'failed'",
    ),
    Check(
        "webhooks.stale",
        "A received event has been waiting for more than ten minutes.",
        """SELECT id AS subject, source || ' ' || event_id AS detail FROM webhook_events
        WHERE status = 'received' AND created_at < now() - interval '10 minutes'""",
    ),
    Check(
        "webhooks.unsealed",
        "A received delivery has been kept unsealed for more than an hour.",
        """SELECT id AS subject, source || ' ' || event_id AS detail FROM webhook_events
        WHERE body IS NOT NULL AND created_at < now() - interval '1 hour'""",
    ),
    Check(
        "attempts.unknown",
        "An attempt has had no answer for more than an hour.",
        """SELECT payout_id AS subject, rail || ' ' || status AS detail FROM payout_attempts
        WHERE status IN ('submitted', 'unknown') AND export_id IS NULL AND created_at < now() - interval '1 hour'""",
    ),
    Check(
        "batches.stuck",
        "A batch has been planning or running for more than an hour without an open job.",
        """SELECT b.id AS subject, b.number || ' ' || b.status AS detail FROM batches b
        WHERE b.status IN ('planning', 'running') AND coalesce(b.started_at, b.created_at) < now() - interval '1 hour'
        AND NOT EXISTS (SELECT FROM outbox o WHERE o.done_at IS NULL AND o.failed_at IS NULL
            AND o.topic IN ('batch.plan', 'batch.chunk'))""",
    ),
)

SALES = (
    Check(
        "sales.commission",
        "The earnings of an order are not the commission on what is left of it.",
        """WITH kept AS (
            SELECT organization_id, source_id AS order_id, amount_minor FROM earnings WHERE source_kind = 'order'
            UNION ALL
            SELECT c.organization_id, c.order_id, e.amount_minor FROM order_changes c
            JOIN earnings e ON e.id = c.reversal_id
        ), sums AS (
            SELECT organization_id, order_id, sum(amount_minor) AS minor FROM kept GROUP BY 1, 2
        ), due AS (
            SELECT o.id, o.organization_id, CASE WHEN o.commission = 'earned'
                THEN ((o.basis_minor - o.refunded_minor) * o.commission_bps * 2 + 10000) / 20000 ELSE 0 END AS minor
            FROM orders o
        )
        SELECT coalesce(d.id, s.order_id) AS subject,
            'earned ' || coalesce(s.minor, 0) || ', due ' || coalesce(d.minor, 0) AS detail
        FROM due d FULL JOIN sums s ON s.order_id = d.id AND s.organization_id = d.organization_id
        WHERE coalesce(s.minor, 0) <> coalesce(d.minor, 0)""",
    ),
    Check(
        "sales.rate",
        "The commission rate of an engagement is not the last of its dated rates.",
        """SELECT g.id AS subject, 'now ' || g.commission_bps || ', dated ' || coalesce(r.bps::text, 'none') AS detail
        FROM engagements g JOIN payees p ON p.id = g.payee_id AND p.kind = 'creator'
        LEFT JOIN (
            SELECT DISTINCT ON (organization_id, payee_id) organization_id, payee_id, commission_bps AS bps
            FROM commission_rates ORDER BY organization_id, payee_id, valid_from DESC, id DESC
        ) r ON r.organization_id = g.organization_id AND r.payee_id = g.payee_id
        WHERE g.commission_bps <> coalesce(r.bps, 0)""",
    ),
    Check(
        "sales.taken_back",
        "What went back of an order is not the sum of its changes.",
        """SELECT o.id AS subject, 'kept ' || o.refunded_minor || ', changes ' || coalesce(c.taken, 0) AS detail
        FROM orders o LEFT JOIN (SELECT order_id, sum(taken_minor) AS taken FROM order_changes GROUP BY 1) c
        ON c.order_id = o.id WHERE o.refunded_minor <> coalesce(c.taken, 0)""",
    ),
    Check(
        "sales.waiting_change",
        "A change waits for an order that is there.",
        """SELECT c.id AS subject, c.source || ' ' || c.order_external_id AS detail FROM order_changes c
        JOIN orders o ON o.organization_id = c.organization_id AND o.source = c.source
            AND o.external_id = c.order_external_id
        WHERE c.order_id IS NULL""",
    ),
)

CHECKS = (
    *LEDGER,
    *PAYOUTS,
    *TENANCY,
    *WORK,
    *SALES,
    *(Check(*row) for row in (*CLIENTS, *INVOICES, *RECONCILIATION)),
    *QUEUES,
)


def examine(session: Session) -> list[Finding]:
    """Run every check under the platform scope; at most `MOST` findings each. Empty: healthy."""
    return [finding for check in CHECKS for finding in _run(session, check)]


def _run(session: Session, check: Check) -> list[Finding]:
    parameters = {"live": not settings().sandbox} if ":live" in check.sql else {}
    rows = session.execute(text(f"{check.sql} LIMIT {MOST}"), parameters)
    return [Finding(check.code, check.says, str(row.subject), str(row.detail)) for row in rows]
