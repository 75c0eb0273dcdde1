"""What must hold at any moment of clients' money: (code, what is wrong, query of the rows that break it)."""

from __future__ import annotations

CLIENTS = (
    (
        "clients.charge",
        "A charge is not its fee, the organization's share and what was earned by it, with the promotion.",
        """SELECT c.id AS subject, 'charged ' || c.amount_minor || ' and ' || c.promotion_minor || ', fee '
            || c.fee_minor || ', organization ' || k.organization_minor || ', earned ' || coalesce(e.minor, 0) AS detail
        FROM charges c JOIN consultations k ON k.id = c.subject_id
        LEFT JOIN (SELECT s.consultation_id, sum(e.amount_minor) AS minor FROM consultation_shares s
            JOIN earnings e ON e.organization_id = s.organization_id AND e.source_kind = 'consultation_share'
                AND e.source_id = s.id GROUP BY 1) e ON e.consultation_id = k.id
        WHERE c.subject_kind = 'consultation' AND c.status = 'succeeded'
        AND c.amount_minor + c.promotion_minor <> c.fee_minor + k.organization_minor + coalesce(e.minor, 0)""",
    ),
    (
        "clients.return",
        "What went back to a client is not what all sides gave back.",
        """SELECT r.id AS subject, 'back ' || r.amount_minor || ' and ' || r.promotion_minor || ', fee ' || r.fee_minor
            || ', organization ' || r.organization_minor || ', reversed ' || coalesce(e.minor, 0) AS detail
        FROM charge_returns r JOIN charges c ON c.id = r.charge_id AND c.subject_kind = 'consultation'
        LEFT JOIN (SELECT b.return_id, -sum(e.amount_minor) AS minor FROM consultation_returns b
            JOIN earnings e ON e.organization_id = b.organization_id AND e.source_kind = 'consultation_return'
                AND e.source_id = b.id GROUP BY 1) e ON e.return_id = r.id
        WHERE CASE WHEN r.status IN ('succeeded', 'came_back') THEN r.amount_minor + r.promotion_minor - r.fee_minor
            - r.organization_minor ELSE 0 END <> coalesce(e.minor, 0)""",
    ),
    (
        "clients.came_back",
        "A return that came back was not undone by earnings of what consultants gave back, or one that stands was.",
        """SELECT b.return_id AS subject, 'gave back ' || sum(b.amount_minor) || ', undone '
            || coalesce(sum(e.amount_minor), 0) AS detail
        FROM consultation_returns b JOIN charge_returns r ON r.id = b.return_id
        LEFT JOIN earnings e ON e.organization_id = b.organization_id
            AND e.source_kind = 'consultation_return_undone' AND e.source_id = b.id
        GROUP BY b.return_id, r.status
        HAVING coalesce(sum(e.amount_minor), 0)
            <> CASE WHEN r.status = 'came_back' THEN sum(b.amount_minor) ELSE 0 END""",
    ),
    (
        "clients.organization",
        "What an organization earned of a booking, or gave back of it, is not its part.",
        """SELECT k.id AS subject,
            'part ' || k.organization_minor || ', earned ' || coalesce(e.amount_minor::text, 'none') AS detail
        FROM consultations k JOIN charges c ON c.subject_kind = 'consultation' AND c.subject_id = k.id
        LEFT JOIN payees p ON p.own_organization_id = k.organization_id
        LEFT JOIN earnings e ON e.organization_id = k.organization_id
            AND e.source_kind = 'consultation_organization' AND e.source_id = k.id
        WHERE CASE WHEN e.id IS NOT NULL
            THEN c.status <> 'succeeded' OR (e.amount_minor, e.payee_id) IS DISTINCT FROM (k.organization_minor, p.id)
            ELSE c.status = 'succeeded' AND k.organization_minor > 0 AND c.succeeded_at > p.created_at END
        UNION ALL
        SELECT r.id, 'part ' || r.organization_minor || ', gave back ' || coalesce(-b.amount_minor, 0) || ', got again '
            || coalesce(u.amount_minor, 0)
        FROM charge_returns r JOIN charges c ON c.id = r.charge_id AND c.subject_kind = 'consultation'
        JOIN earnings e ON e.organization_id = c.organization_id
            AND e.source_kind = 'consultation_organization' AND e.source_id = c.subject_id
        LEFT JOIN earnings b ON b.organization_id = c.organization_id
            AND b.source_kind = 'consultation_organization_return' AND b.source_id = r.id
        LEFT JOIN earnings u ON u.organization_id = c.organization_id
            AND u.source_kind = 'consultation_organization_undone' AND u.source_id = r.id
        WHERE (coalesce(-b.amount_minor, 0), coalesce(u.amount_minor, 0)) IS DISTINCT FROM (
            CASE WHEN r.status IN ('succeeded', 'came_back') THEN r.organization_minor ELSE 0 END,
            CASE WHEN r.status = 'came_back' THEN r.organization_minor ELSE 0 END)""",
    ),
    (
        "clients.refunded",
        "What a charge says went back is not the sum of its returns.",
        """SELECT c.id AS subject, 'kept ' || c.refunded_minor || ', returns ' || coalesce(r.minor, 0) AS detail
        FROM charges c LEFT JOIN (SELECT charge_id, sum(amount_minor) AS minor FROM charge_returns
            WHERE status = 'succeeded' GROUP BY 1) r ON r.charge_id = c.id
        WHERE c.refunded_minor <> coalesce(r.minor, 0)""",
    ),
    (
        "clients.processor_fee",
        "What a provider kept of a charge is not what the books have of it.",
        """SELECT c.id AS subject, 'kept ' || coalesce(c.processor_fee_minor, 0) || ', books '
            || coalesce(l.minor, 0) AS detail
        FROM charges c LEFT JOIN (SELECT e.organization_id, e.ref, l.currency, sum(l.amount_minor) AS minor
            FROM ledger_entries e JOIN ledger_lines l ON l.entry_id = e.id AND l.account = 'processor_fees'
            WHERE e.kind = 'processor_fee' GROUP BY 1, 2, 3) l
            ON l.organization_id = c.organization_id AND l.ref = c.id::text
        WHERE (coalesce(c.processor_fee_minor, 0), c.processor_fee_currency)
            IS DISTINCT FROM (coalesce(l.minor, 0), coalesce(l.currency, c.processor_fee_currency))""",
    ),
    (
        "clients.split",
        "A consultation's parts are not what its own rates make of its price.",
        """SELECT id AS subject, platform_minor || ' and ' || organization_minor || ', computed ' || p || ' and '
            || least(o, list_minor - p) AS detail
        FROM (SELECT id, list_minor, platform_minor, organization_minor,
                (list_minor * (pricing ->> 'platform_bps')::bigint * 2 + 10000) / 20000 AS p,
                (list_minor * (pricing ->> 'organization_bps')::bigint * 2 + 10000) / 20000 AS o
            FROM consultations) k
        WHERE platform_minor <> p OR organization_minor <> least(o, list_minor - p)""",
    ),
    (
        "clients.prepaid",
        "The prepaid credits of the books are not what an organization's unused credits are worth.",
        """SELECT coalesce(l.organization_id, p.organization_id) || ' ' || coalesce(l.currency, p.currency) AS subject,
            'books ' || coalesce(l.minor, 0) || ', credits ' || coalesce(p.minor, 0) AS detail
        FROM (SELECT organization_id, currency, -sum(amount_minor) AS minor FROM ledger_lines
            WHERE account = 'prepaid_credits' GROUP BY 1, 2) l
        FULL JOIN (SELECT k.organization_id, k.currency, sum(k.price_minor - coalesce(u.minor, 0)) AS minor
            FROM seat_packs k LEFT JOIN (SELECT pack_id, sum(value_minor) AS minor FROM credit_uses
                WHERE returned_at IS NULL GROUP BY 1) u ON u.pack_id = k.id
            WHERE k.paid_at IS NOT NULL OR (k.status = 'pending' AND k.invoice_id IS NOT NULL)
            GROUP BY 1, 2) p USING (organization_id, currency)
        WHERE coalesce(l.minor, 0) <> coalesce(p.minor, 0)""",
    ),
    (
        "clients.credits",
        "A credit is worth another amount than its pack's price makes it, or a pack that has ended has some left.",
        """SELECT k.id AS subject, k.status || ', credit ' || coalesce(u.ordinal::text, 'left') AS detail
        FROM seat_packs k LEFT JOIN credit_uses u ON u.pack_id = k.id
        WHERE u.ordinal > k.credits OR u.organization_id <> k.organization_id OR k.paid_at IS NULL AND u.id IS NOT NULL
            OR u.value_minor <> k.price_minor / k.credits + (u.ordinal <= k.price_minor % k.credits)::int
            OR k.status = 'expired' AND k.credits <> (SELECT count(*) FROM credit_uses t
                WHERE t.pack_id = k.id AND t.returned_at IS NULL)""",
    ),
    (
        "clients.pack",
        "A pack was not paid by its charge, or it has credits though nobody paid.",
        """SELECT k.id AS subject, k.status || ', charge ' || coalesce(c.status, 'none') AS detail FROM seat_packs k
        LEFT JOIN charges c ON c.subject_kind = 'seat_pack' AND c.subject_id = k.id
        WHERE (k.paid_at IS NOT NULL) <> (c.status IS NOT DISTINCT FROM 'succeeded')
            OR (k.organization_id, k.price_minor + CASE c.provider WHEN 'funds' THEN 0 ELSE k.tax_minor END, k.currency)
                IS DISTINCT FROM (c.organization_id, c.amount_minor, c.currency)""",
    ),
    (
        "clients.pack_invoice",
        "A pack has no invoice of its own though it was sold with one, or one of another price.",
        """SELECT k.id AS subject, k.status || ', invoice ' || coalesce(i.number, 'none') || ': '
            || coalesce(i.net_minor, 0) AS detail
        FROM seat_packs k LEFT JOIN invoices i ON i.id = k.invoice_id
        WHERE k.paid_at IS NOT NULL AND k.quote IS NOT NULL AND i.id IS NULL
            OR i.id IS NOT NULL AND (i.organization_id, i.currency, i.net_minor, i.total_minor - i.net_minor, i.origin)
                IS DISTINCT FROM (k.organization_id, k.currency, k.price_minor, k.tax_minor, 'pack')""",
    ),
    (
        "clients.by_credit",
        "A booking paid by credit is not what its credit is worth, or its credit is not back though the charge is.",
        """SELECT c.subject_id AS subject, 'charged ' || c.amount_minor || ', credit ' || coalesce(u.value_minor, 0)
            || ', back ' || c.refunded_minor AS detail
        FROM (SELECT * FROM charges WHERE provider = 'credit' AND status = 'succeeded') c
        FULL JOIN (SELECT * FROM credit_uses WHERE kind = 'used') u ON u.consultation_id = c.subject_id
        WHERE (c.amount_minor, c.buyer_organization_id) IS DISTINCT FROM (u.value_minor, u.organization_id)
            OR (u.returned_at IS NOT NULL) <> (c.refunded_minor = c.amount_minor)""",
    ),
    (
        "clients.between",
        "What one organization gave another is not what the other got.",
        """SELECT rail AS subject, currency || ' ' || sum(amount_minor) AS detail FROM ledger_lines
        WHERE account = 'cash' AND rail IN ('funds', 'credit') GROUP BY rail, currency HAVING sum(amount_minor) <> 0""",
    ),
    (
        "clients.simulated_in_live",
        "A charge of live mode is only simulated.",
        "SELECT id AS subject, status AS detail FROM charges WHERE :live AND simulated AND status = 'succeeded'",
    ),
)
