"""What must hold of statements and the months that are closed: (code, sentence, SQL), as `doctor` runs them."""

from __future__ import annotations

from app.ledger.journal import MONTH_NUMBERS
from app.rails import accounts


def _posted(account: str, kind: str) -> str:
    """What an account of the books holds beside the parts of the lines that were posted to it."""
    return f"""SELECT coalesce(b.currency, p.currency) AS subject,
        'books ' || coalesce(b.total, 0) || ', lines ' || coalesce(p.total, 0) AS detail
    FROM (SELECT currency, -sum(amount_minor) AS total FROM ledger_lines WHERE account = '{account}' GROUP BY 1) b
    FULL JOIN (SELECT l.currency, sum(q.amount_minor) AS total FROM standing_matches m
        JOIN statement_match_parts q ON q.match_id = m.id JOIN statement_lines l ON l.id = m.line_id
        WHERE q.kind = '{kind}' GROUP BY 1) p USING (currency)
    WHERE coalesce(b.total, 0) <> coalesce(p.total, 0)"""


RECONCILIATION = (
    (
        "statements.line_state",
        "A statement line is not in exactly one place: waiting, or explained once.",
        """SELECT l.id AS subject, count(o.line_id) || ' waiting, ' || count(s.id) || ' explained' AS detail
        FROM statement_lines l LEFT JOIN open_statement_lines o ON o.line_id = l.id
        LEFT JOIN standing_matches s ON s.line_id = l.id
        GROUP BY l.id HAVING count(o.line_id) + count(s.id) <> 1""",
    ),
    (
        "statements.parts",
        "The parts of a match do not add up to its line.",
        """SELECT m.id AS subject, 'line ' || l.amount_minor || ', parts ' || coalesce(p.total, 0) AS detail
        FROM statement_matches m JOIN statement_lines l ON l.id = m.line_id
        LEFT JOIN (SELECT match_id, sum(amount_minor) AS total FROM statement_match_parts GROUP BY 1) p
            ON p.match_id = m.id
        WHERE m.undoes_id IS NULL AND coalesce(p.total, 0) <> l.amount_minor""",
    ),
    (
        "statements.taken",
        "What lines are about differs from what their matches say.",
        """SELECT coalesce(t.target_id, p.target_id) AS subject, coalesce(t.kind, p.kind) AS detail
        FROM taken_targets t FULL JOIN (
            SELECT q.kind, q.target_id, q.match_id FROM standing_matches m
            JOIN statement_match_parts q ON q.match_id = m.id WHERE q.target_id IS NOT NULL
        ) p USING (kind, target_id, match_id) WHERE t.target_id IS NULL OR p.target_id IS NULL""",
    ),
    (
        "statements.counted_twice",
        "A line is about a file of payouts, and another about a payout in it.",
        """SELECT a.id AS subject, 'in export ' || CAST(a.export_id AS text) AS detail FROM payout_attempts a
        JOIN taken_targets p ON p.kind = 'payout' AND p.target_id = a.id
        JOIN taken_targets e ON e.kind = 'export' AND e.target_id = a.export_id""",
    ),
    ("statements.suspense", "Suspense in the books differs from the lines in suspense.",
     _posted("suspense", "suspense")),
    ("statements.write_offs", "Write-offs in the books differ from the lines written off.",
     _posted("write_offs", "write_off")),
    (
        "statements.one_person",
        "A line was written off by the person who proposed it.",
        """SELECT line_id AS subject, decided_by AS detail FROM write_offs
        WHERE status = 'approved' AND decided_by_account_id IS NOT DISTINCT FROM proposed_by_account_id""",
    ),
    (
        "transfers.on_their_way",
        "What is on its way between our accounts differs from the books.",
        """SELECT coalesce(b.currency, t.currency) AS subject,
            'books ' || coalesce(b.total, 0) || ', transfers ' || coalesce(t.total, 0) AS detail
        FROM (SELECT currency, sum(amount_minor) AS total FROM ledger_lines WHERE account = 'transfers' GROUP BY 1) b
        FULL JOIN (SELECT currency, sum(amount_minor) AS total FROM own_transfers WHERE status = 'sent' GROUP BY 1) t
            USING (currency)
        WHERE coalesce(b.total, 0) <> coalesce(t.total, 0)""",
    ),
    (
        "ledger.clearing_account",
        "What is with the rails of an account differs from the books.",
        f"""SELECT coalesce(l.account, p.account) || ' ' || coalesce(l.currency, p.currency) AS subject,
            'books ' || coalesce(l.total, 0) || ', payouts ' || coalesce(p.total, 0) AS detail
        FROM (SELECT rail AS account, currency, sum(amount_minor) AS total FROM ledger_lines
            WHERE account = 'clearing' GROUP BY 1, 2) l
        FULL JOIN (SELECT {accounts.sql("a.rail")} AS account, p.currency, sum(p.amount_minor) AS total FROM payouts p
            JOIN payout_attempts a ON a.payout_id = p.id AND a.status = 'accepted' GROUP BY 1, 2) p
            USING (account, currency)
        WHERE coalesce(l.total, 0) <> coalesce(p.total, 0)""",
    ),
    (
        "months.closed",
        "The books of a closed month are not what they were when it was closed.",
        f"""SELECT c.month AS subject, 'closed with ' || (c.numbers ->> 'books') || ', now ' || n.books AS detail
        FROM (SELECT * FROM closed_months ORDER BY month DESC LIMIT 3) c
        CROSS JOIN LATERAL ({MONTH_NUMBERS.format(month="c.month")}) n
        WHERE n.books <> CAST(c.numbers ->> 'books' AS text)""",
    ),
)  # fmt: skip
