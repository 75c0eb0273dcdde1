"""What must hold at any moment of invoices: (code, what is wrong, query of the rows that break it)."""

from __future__ import annotations

INVOICES = (
    (
        "invoices.lines",
        "An invoice is not the sum of its lines.",
        """SELECT i.id AS subject, i.number || ': net ' || i.net_minor || ', lines ' || l.net || '; tax ' || i.tax_minor
            || ', lines ' || l.tax AS detail
        FROM invoices i JOIN (SELECT invoice_id, sum(net_minor) AS net, sum(tax_minor) AS tax FROM invoice_lines
            GROUP BY 1) l ON l.invoice_id = i.id
        WHERE i.net_minor <> l.net OR i.tax_minor <> l.tax""",
    ),
    (
        "invoices.paid",
        "What an invoice says was paid and credited is not what was set against it.",
        """SELECT i.id AS subject, i.number || ': paid ' || i.paid_minor || ', credited ' || i.credited_minor AS detail
        FROM invoices i LEFT JOIN (SELECT invoice_id,
            coalesce(sum(amount_minor) FILTER (WHERE paid_with <> 'credit'), 0) AS paid,
            coalesce(sum(amount_minor) FILTER (WHERE paid_with = 'credit'), 0) AS credited
            FROM invoice_payments GROUP BY 1) p ON p.invoice_id = i.id
        WHERE i.kind <> 'credit_note'
            AND (i.paid_minor <> coalesce(p.paid, 0) OR i.credited_minor <> coalesce(p.credited, 0))""",
    ),
    (
        "invoices.status",
        "An invoice is called paid and is not, or the other way round.",
        """SELECT id AS subject, number || ' is ' || status AS detail FROM invoices
        WHERE kind <> 'credit_note' AND number IS NOT NULL
            AND (status = 'paid') <> (total_minor = paid_minor + credited_minor)""",
    ),
    (
        "invoices.numbers",
        "The numbers of a series have a gap.",
        """SELECT issuer_id AS subject, kind || ' of ' || fiscal_year || ': ' || count(*) || ' up to ' || max(serial)
            AS detail
        FROM invoices WHERE serial IS NOT NULL GROUP BY issuer_id, kind, fiscal_year
        HAVING count(*) <> max(serial) OR min(serial) <> 1""",
    ),
    (
        "invoices.tax",
        "The tax in the books is not the tax on the documents.",
        """SELECT coalesce(l.organization_id, i.organization_id) || ' ' || coalesce(l.currency, i.currency) AS subject,
            'books ' || coalesce(l.minor, 0) || ', documents ' || coalesce(i.minor, 0) AS detail
        FROM (SELECT organization_id, currency, -sum(amount_minor) AS minor FROM ledger_lines
            WHERE account = 'output_tax' GROUP BY 1, 2) l
        FULL JOIN (SELECT organization_id, currency,
                sum(CASE kind WHEN 'credit_note' THEN -tax_minor ELSE tax_minor END) AS minor
            FROM invoices WHERE number IS NOT NULL GROUP BY 1, 2) i USING (organization_id, currency)
        WHERE coalesce(l.minor, 0) <> coalesce(i.minor, 0)""",
    ),
    (
        "invoices.charges",
        "A line of an invoice is not the sum of the charges on it.",
        """SELECT l.id AS subject, l.description || ': ' || l.net_minor || ', charges ' || b.minor AS detail
        FROM invoice_lines l JOIN (SELECT line_id, sum(amount_minor) AS minor FROM billed_charges GROUP BY 1) b
            ON b.line_id = l.id
        WHERE l.net_minor <> b.minor""",
    ),
    (
        "invoices.forgotten",
        "An organization was charged, and it is on no invoice and waits for none.",
        """SELECT c.id AS subject, 'charged ' || c.amount_minor || ', back ' || c.refunded_minor AS detail
        FROM charges c JOIN consultations k ON k.id = c.subject_id AND c.subject_kind = 'consultation'
        LEFT JOIN unbilled_charges u ON u.charge_id = c.id LEFT JOIN billed_charges b ON b.charge_id = c.id
        WHERE c.provider = 'funds' AND c.status = 'succeeded' AND c.amount_minor > c.refunded_minor
            AND c.buyer_organization_id IS NOT NULL
            AND ((u.charge_id IS NULL) = (b.charge_id IS NULL)
                OR u.amount_minor <> c.amount_minor - c.refunded_minor)""",
    ),
    (
        "invoices.credited",
        "What went back of something billed has no credit note, or one of another amount.",
        """SELECT b.charge_id AS subject, 'back ' || r.minor || ', credited ' || coalesce(n.minor, 0) AS detail
        FROM billed_charges b JOIN charges c ON c.id = b.charge_id AND c.subject_kind = 'consultation'
        JOIN invoice_lines l ON l.id = b.line_id
        JOIN (SELECT charge_id, sum(amount_minor) AS minor FROM charge_returns WHERE status = 'succeeded' GROUP BY 1) r
            ON r.charge_id = b.charge_id
        LEFT JOIN (SELECT x.charge_id, sum(i.net_minor) AS minor FROM credited_returns t
            JOIN charge_returns x ON x.id = t.return_id JOIN invoices i ON i.id = t.note_id GROUP BY 1) n
            ON n.charge_id = b.charge_id
        WHERE c.amount_minor - b.amount_minor + coalesce(n.minor, 0) > r.minor
            OR (c.amount_minor - b.amount_minor + coalesce(n.minor, 0) < r.minor
                AND l.credited_minor < l.net_minor)""",
    ),
)
