"""What a line can be about: payouts that left or came back, released files, deposits, invoices, our own transfers.

One SELECT for each kind, all with the same columns: target_id, account, currency, amount_minor (as it would stand on
the statement), day, label, who, page_id, settled, and what is needed to look for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.errors import Conflict, Invalid, NotFound
from app.core.money import Money
from app.rails import accounts
from app.reconciliation.states import TargetKind

K = TargetKind
FOUND = 20
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

# Attempts that reached the bank. One that failed may have been debited all the same, and come back.
_ATTEMPTS = f"""SELECT a.id AS target_id, {accounts.sql("a.rail")} AS account, p.currency,
    {{sign}} p.amount_minor AS amount_minor, CAST(coalesce(e.released_at, a.created_at) AS date) AS day,
    'Q-' || upper(right(CAST(p.id AS text), 8)) AS label, p.payee_id, p.organization_id, p.id AS page_id,
    a.status AS settled, a.key, a.number, a.rail, a.rail_reference, a.export_id, p.id AS payout_id,
    CASE WHEN a.status = 'failed' THEN 1 ELSE 0 END AS rank
    FROM payout_attempts a JOIN payouts p ON p.id = a.payout_id LEFT JOIN payout_exports e ON e.id = a.export_id
    WHERE a.status IN ('accepted', 'succeeded', 'returned', 'failed')
    AND (a.export_id IS NULL OR e.status = 'released')"""
_UNTAKEN = " AND NOT EXISTS (SELECT FROM taken_targets t WHERE t.kind = '{kind}' AND t.target_id = {id})"
_NOT_IN_A_SUM = " AND NOT EXISTS (SELECT FROM taken_targets t WHERE t.kind = 'export' AND t.target_id = a.export_id)"
# Whatever became of it, it left; what came back is in the account it left from.
_TRANSFERS = """SELECT w.id AS target_id, {account} AS account, w.currency,
    {sign} w.amount_minor AS amount_minor, w.sent_on AS day, w.reference AS label,
    CAST(NULL AS uuid) AS payee_id, CAST(NULL AS uuid) AS organization_id,
    w.id AS page_id, w.status AS settled, 0 AS rank FROM own_transfers w WHERE true"""
_ENDED_IN = "CASE WHEN w.status = 'came_back' THEN w.from_account ELSE w.to_account END"

BASE: dict[TargetKind, str] = {
    K.PAYOUT: _ATTEMPTS.format(sign="-") + _UNTAKEN.format(kind="payout", id="a.id") + _NOT_IN_A_SUM,
    K.RETURN: _ATTEMPTS.format(sign="") + _UNTAKEN.format(kind="return", id="a.id"),
    K.EXPORT: f"""SELECT e.id AS target_id, {accounts.sql("e.rail")} AS account, e.currency,
        -e.total_minor AS amount_minor, CAST(e.released_at AS date) AS day, e.number AS label,
        CAST(NULL AS uuid) AS payee_id, e.organization_id, e.id AS page_id, e.status AS settled, 0 AS rank
        FROM payout_exports e WHERE e.status = 'released'"""
    + _UNTAKEN.format(kind="export", id="e.id")
    + """ AND NOT EXISTS (SELECT FROM payout_attempts a JOIN taken_targets t ON t.kind = 'payout' AND t.target_id = a.id
        WHERE a.export_id = e.id)""",
    K.DEPOSIT: """SELECT d.id AS target_id, 'bank' AS account, d.currency, d.amount_minor, d.sent_on AS day,
        d.reference AS label, CAST(NULL AS uuid) AS payee_id, d.organization_id, d.id AS page_id, d.status AS settled,
        0 AS rank FROM deposits d WHERE d.status IN ('announced', 'confirmed')"""
    + _UNTAKEN.format(kind="deposit", id="d.id"),
    # The whole transfer, also what it was more than the invoice: the posting knows it.
    K.INVOICE_PAYMENT: """SELECT n.id AS target_id, l.rail AS account, l.currency, l.amount_minor,
        CAST(n.created_at AS date) AS day, substr(n.ref, 6) AS label, CAST(NULL AS uuid) AS payee_id,
        n.organization_id, n.id AS page_id, 'confirmed' AS settled, n.memo, 0 AS rank
        FROM ledger_entries n JOIN ledger_lines l ON l.entry_id = n.id AND l.account = 'cash'
        WHERE n.kind = 'invoice_paid' AND n.ref LIKE 'bank:%'"""
    + _UNTAKEN.format(kind="invoice_payment", id="n.id"),
    K.TRANSFER_OUT: _TRANSFERS.format(account="w.from_account", sign="-")
    + _UNTAKEN.format(kind="transfer_out", id="w.id"),
    K.TRANSFER_IN: _TRANSFERS.format(account=_ENDED_IN, sign="") + _UNTAKEN.format(kind="transfer_in", id="w.id"),
}
_PLAIN = "upper(regexp_replace({0}, '[^A-Za-z0-9]', '', 'g'))"
# Every way a bank may write which attempt it was: our key, the number people know, the id of short files, the rail's
# own reference, the number of a check.
_ATTEMPT_TOKENS = f"""SELECT c.*, t.token, t.how FROM ({{base}}) c CROSS JOIN LATERAL (VALUES
    ({_PLAIN.format("c.key")}, 'reference'), ({_PLAIN.format("c.label")}, 'reference'),
    (upper(right(CAST(c.payout_id AS text), 12)) || 'A' || substr('{_DIGITS}', CAST(c.number / 36 % 36 AS int) + 1, 1)
        || substr('{_DIGITS}', CAST(c.number % 36 AS int) + 1, 1), 'reference'),
    (CASE WHEN c.rail = 'check' THEN 'CHECK:' || ltrim(c.rail_reference, '0')
        ELSE {_PLAIN.format("c.rail_reference")} END,
        CASE WHEN c.rail = 'check' THEN 'check_number' ELSE 'reference' END)
    ) AS t (token, how) WHERE length(t.token) >= 6"""
_EXPORT_TOKENS = f"""SELECT c.*, t.token, 'export' AS how FROM ({{base}}) c CROSS JOIN LATERAL (VALUES
    ({_PLAIN.format("c.label")}), (upper(replace(CAST(c.target_id AS text), '-', ''))),
    (upper(replace(CAST(c.target_id AS text), '-', '')) || '1')) AS t (token)"""
_LABEL_TOKENS = f"""SELECT c.*, {_PLAIN.format("c.label")} AS token, 'reference' AS how FROM ({{base}}) c"""
_INVOICE_TOKENS = f"""SELECT c.*, t.token, 'reference' AS how FROM ({{base}}) c CROSS JOIN LATERAL (VALUES
    ({_PLAIN.format("c.label")}), ({_PLAIN.format("coalesce(c.memo, '')")})) AS t (token)"""
_WITH_TOKENS = {
    K.PAYOUT: _ATTEMPT_TOKENS, K.RETURN: _ATTEMPT_TOKENS, K.EXPORT: _EXPORT_TOKENS, K.DEPOSIT: _LABEL_TOKENS,
    K.INVOICE_PAYMENT: _INVOICE_TOKENS, K.TRANSFER_OUT: _LABEL_TOKENS, K.TRANSFER_IN: _LABEL_TOKENS,
}  # fmt: skip


def with_tokens(kind: TargetKind, condition: str) -> str:
    """Candidates of a kind with everything they can be known by, one row for each; `condition` is our own SQL."""
    return _WITH_TOKENS[kind].format(base=BASE[kind] + condition)


def kinds_for(amount_minor: int) -> tuple[TargetKind, ...]:
    """What a line of this sign can be about."""
    if amount_minor < 0:
        return (K.PAYOUT, K.EXPORT, K.TRANSFER_OUT)
    return (K.DEPOSIT, K.INVOICE_PAYMENT, K.RETURN, K.TRANSFER_IN)


@dataclass(frozen=True, slots=True)
class Target:
    """One thing a line can be about; `amount` as it stands on the statement, `settled` its state now."""

    kind: TargetKind
    id: UUID
    account: str
    amount: Money
    day: date
    label: str
    who: str
    page_id: UUID
    settled: str


_NAMED = """SELECT c.target_id, c.account, c.currency, c.amount_minor, c.day, c.label, c.page_id, c.settled,
    coalesce(y.name, o.name, '') AS who FROM ({base}) c
    LEFT JOIN payees y ON y.id = c.payee_id LEFT JOIN organizations o ON o.id = c.organization_id WHERE {where}"""


def find(session: Session, kind: TargetKind, target_id: UUID) -> Target:
    """Raises Conflict for what another line is about by now, or what never was there."""
    if kind not in BASE:
        raise NotFound("A line cannot be about that.")
    row = session.execute(text(_NAMED.format(base=BASE[kind], where="c.target_id = :id")), {"id": target_id}).first()
    if row is None:
        said = session.scalar(_WHOLE_OR_PART[kind], {"id": target_id}) if kind in _WHOLE_OR_PART else None
        raise Conflict(said or "Another line is about that already, or it is not there any more. Search again.")
    return _target(kind, row)


# The money of a payout in a file is in the sum of the file as well: a line is about the one or the other.
_WHOLE_OR_PART = {
    K.PAYOUT: text(
        """SELECT 'Another line is about the whole of ' || e.number || ' already, and this payout is in it.'
        FROM payout_attempts a JOIN payout_exports e ON e.id = a.export_id
        JOIN taken_targets t ON t.kind = 'export' AND t.target_id = e.id WHERE a.id = :id"""
    ),
    K.EXPORT: text(
        """SELECT 'Lines of their own are about ' || count(*) || ' of the payouts in ' || e.number || ' already.'
        FROM payout_exports e JOIN payout_attempts a ON a.export_id = e.id
        JOIN taken_targets t ON t.kind = 'payout' AND t.target_id = a.id WHERE e.id = :id GROUP BY e.number"""
    ),
}
_INSIDE = text(
    """SELECT e.number AS export, 'Q-' || upper(right(CAST(a.payout_id AS text), 8)) AS payout
    FROM payout_attempts a JOIN payout_exports e ON e.id = a.export_id
    WHERE a.id = ANY(:attempts) AND e.id = ANY(:exports) ORDER BY a.id LIMIT 1"""
)


def refuse_counting_twice(session: Session, chosen: Sequence[tuple[TargetKind, UUID]]) -> None:
    """Raises Invalid where a file and a payout inside it are chosen together."""
    asked = {
        "attempts": [one for kind, one in chosen if kind is K.PAYOUT],
        "exports": [one for kind, one in chosen if kind is K.EXPORT],
    }
    found = session.execute(_INSIDE, asked).first() if all(asked.values()) else None
    if found is not None:
        raise Invalid(f"{found.payout} is in {found.export} already: choose the whole file, or payouts of it.")


# A part payment or two payouts in one debit: the amount is another, the reference or the name stands in the line.
# Punctuation is left out by `translate`: a pattern for each of a hundred thousand payouts takes seconds.
_LOOSE = "upper(translate({0}, ' -_/.,:;()''’&+', ''))"
_SAID = " OR ".join(
    f"length({name}) >= 5 AND strpos({_LOOSE.format('CAST(:said AS text)')}, {_LOOSE.format(name)}) > 0"
    for name in ("c.label", "coalesce(y.name, o.name, '')")  # an organization is not named by its payees' money
)
_NAMED_IN_LINE = f"(c.day BETWEEN CAST(:day AS date) - 45 AND CAST(:day AS date) + 1 AND ({_SAID}))"


def search(
    session: Session, *, account: str, amount: Money, words: str, said: str = "", day: date | None = None
) -> list[Target]:
    """What a person may mean, nearest amount first. Without `words`: what has exactly this amount, or what the text
    `said` of a line of that `day` names."""
    asked: dict[str, Any] = {
        "account": account, "currency": amount.currency, "minor": amount.minor,
        "words": f"%{words.strip().lower()}%", "plain": _as_amount(words, amount.currency), "most": FOUND,
        "said": said, "day": day,
    }  # fmt: skip
    where = "c.account = :account AND c.currency = :currency"
    if words.strip():
        where += " AND (lower(c.label) LIKE :words OR lower(coalesce(y.name, '')) LIKE :words"
        where += " OR lower(coalesce(o.name, '')) LIKE :words OR abs(c.amount_minor) = :plain)"
    else:
        where += f" AND (c.amount_minor = :minor OR {_NAMED_IN_LINE})"
    order = " ORDER BY abs(c.amount_minor - :minor), c.day DESC, c.target_id LIMIT :most"
    found: list[Target] = []
    for kind in kinds_for(amount.minor):
        rows = session.execute(text(_NAMED.format(base=BASE[kind], where=where) + order), asked)
        found += [_target(kind, row) for row in rows]
    return sorted(found, key=lambda one: abs(one.amount.minor - amount.minor))[:FOUND]


def _as_amount(words: str, currency: str) -> int:
    try:
        return abs(Money.parse(words.replace(",", ""), currency).minor)
    except ValueError:
        return -1


def _target(kind: TargetKind, row: Any) -> Target:
    return Target(
        kind, row.target_id, row.account, Money(row.amount_minor, row.currency), row.day, row.label, row.who,
        row.page_id, str(row.settled),
    )  # fmt: skip


_NAMES = {
    "attempt": """SELECT a.id, 'Q-' || upper(right(CAST(p.id AS text), 8)) AS label, y.name AS who, p.id AS page_id
        FROM payout_attempts a JOIN payouts p ON p.id = a.payout_id JOIN payees y ON y.id = p.payee_id""",
    "export": """SELECT a.id, a.number AS label, o.name AS who, a.id AS page_id FROM payout_exports a
        JOIN organizations o ON o.id = a.organization_id""",
    "deposit": """SELECT a.id, a.reference AS label, o.name AS who, a.id AS page_id FROM deposits a
        JOIN organizations o ON o.id = a.organization_id""",
    "entry": """SELECT a.id, coalesce(a.memo, a.ref) AS label, o.name AS who, a.id AS page_id FROM ledger_entries a
        JOIN organizations o ON o.id = a.organization_id""",
    "transfer": """SELECT a.id, a.reference AS label, a.from_account || ' → ' || a.to_account AS who, a.id AS page_id
        FROM own_transfers a""",
}
_NAMED_BY = {
    K.PAYOUT: "attempt", K.RETURN: "attempt", K.EXPORT: "export", K.DEPOSIT: "deposit", K.INVOICE_PAYMENT: "entry",
    K.TRANSFER_OUT: "transfer", K.TRANSFER_IN: "transfer",
}  # fmt: skip


def names(session: Session, wanted: Sequence[tuple[TargetKind, UUID]]) -> dict[tuple[TargetKind, UUID], Any]:
    """(kind, id) → label, who and page_id, of targets that are taken too; a statement for each kind there is."""
    by_table: dict[str, set[UUID]] = {}
    for kind, target_id in wanted:
        if kind in _NAMED_BY:
            by_table.setdefault(_NAMED_BY[kind], set()).add(target_id)
    rows = {
        (table, row.id): row
        for table, ids in by_table.items()
        for row in session.execute(text(f"{_NAMES[table]} WHERE a.id = ANY(:ids)"), {"ids": list(ids)})
    }
    found = {(kind, one): rows.get((_NAMED_BY.get(kind, ""), one)) for kind, one in wanted}
    return {key: row for key, row in found.items() if row is not None}
