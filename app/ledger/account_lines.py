"""Pages of the lines of one liability account with the balance after each. Credit-positive: what we owe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.errors import Invalid
from app.core.money import Money
from app.db import paging
from app.ledger.models import NOBODY
from app.ledger.recipes import PER_PAYEE, Account

# What people read for each kind of posting, from the side of who owns the account.
LABELS: dict[str, str] = {
    "deposit_confirmed": "Deposit",
    "earning_held": "Bill approved, not due yet",
    "earning_ready": "Bill approved",
    "earning_released": "Bill due",
    "earning_cancelled": "Approval taken back",
    "earning_withheld": "Waits again",
    "payout_reserved": "Taken into a payout",
    "payout_released": "Back from a payout",
    "payout_funded": "Payout",
    "payout_unfunded": "Payout given back",
    "payout_paid": "Paid out",
    "payout_returned": "Payout returned",
    "charge_succeeded": "Booking paid",
    "charge_returned": "Booking refunded",
    "promotion_borne": "Discount the platform bears",
    "promotion_returned": "Discount taken back",
    "platform_fee": "Platform’s part",
    "platform_fee_returned": "Platform’s part given back",
    "booking_covered": "Booking of a member",
    "booking_uncovered": "Booking of a member given back",
    "credits_covered": "Seat credits bought",
    "credits_uncovered": "Seat credits given back",
}


@dataclass(frozen=True, slots=True)
class AccountLine:
    """`amount` as it changed what we owe; `balance` after it. `ref` is the id of what caused it."""

    id: int
    at: datetime
    kind: str
    label: str
    ref: str
    memo: str | None
    amount: Money
    balance: Money


# The kept balance less what came later is the balance after a line: no sum from the beginning of time.
_LINES = """WITH page AS (
        SELECT l.id, l.entry_id, -l.amount_minor AS amount_minor FROM ledger_lines l
        WHERE {account} AND l.account = :account AND l.currency = :currency
            AND (CAST(:after AS bigint) IS NULL OR l.id {compare} :after)
        ORDER BY l.id {direction} LIMIT :limit
    ), newest AS (SELECT id FROM page ORDER BY id DESC LIMIT 1),
    later AS (
        SELECT coalesce(sum(-l.amount_minor), 0) AS amount_minor FROM ledger_lines l, newest
        WHERE {account} AND l.account = :account AND l.currency = :currency AND l.id > newest.id
    ), kept AS (
        SELECT coalesce(sum(b.balance_minor), 0) AS balance_minor FROM ledger_balances b
        WHERE {balance} AND b.account = :account AND b.currency = :currency
    )
    SELECT page.id, e.created_at AS at, e.kind, e.ref, e.memo, page.amount_minor,
        CAST(kept.balance_minor - later.amount_minor
            - coalesce(sum(page.amount_minor) OVER (ORDER BY page.id DESC
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS bigint) AS balance_minor
    FROM page JOIN ledger_entries e ON e.id = page.entry_id CROSS JOIN later CROSS JOIN kept
    ORDER BY page.id DESC"""


def lines(
    session: Session,
    account: Account,
    currency: str,
    *,
    organization_id: UUID | None = None,
    payee_id: UUID | None = None,
    cursor: str | None = None,
    limit: int = paging.DEFAULT_LIMIT,
) -> paging.Page:
    """One page of AccountLine, newest first.

    Funds: of an organization. Payee accounts: of a payee, in all its organizations or in one. Raises Invalid for a
    broken cursor.
    """
    limit = max(1, min(limit, paging.MAX_LIMIT))
    backwards, after = _read_cursor(cursor)
    rows = list(
        session.execute(
            text(_statement(account, organization_id, payee_id, backwards)),
            {
                "account": account.value,
                "currency": currency,
                "organization_id": organization_id,
                "payee_id": payee_id or NOBODY,
                "after": after,
                "limit": limit + 1,
            },
        )
    )
    more = len(rows) > limit
    rows = (rows[1:] if backwards else rows[:limit]) if more else rows
    items: Sequence[AccountLine] = [
        AccountLine(
            row.id, row.at, row.kind, LABELS.get(row.kind, row.kind.replace("_", " ").capitalize()), row.ref, row.memo,
            Money(row.amount_minor, currency), Money(row.balance_minor, currency),
        )
        for row in rows
    ]  # fmt: skip
    older = more if not backwards else bool(rows)
    newer = (more if backwards else bool(cursor)) and bool(rows)
    return paging.Page(
        items,
        next_cursor=paging.encode("n", [items[-1].id]) if items and older else None,
        previous_cursor=paging.encode("p", [items[0].id]) if newer else None,
    )


def _statement(account: Account, organization_id: UUID | None, payee_id: UUID | None, backwards: bool) -> str:
    if (account in PER_PAYEE) != (payee_id is not None) or (payee_id is None and organization_id is None):
        raise ValueError(f"{account} is not an account of that")
    owner = [] if organization_id is None else ["{0}.organization_id = :organization_id"]
    line = [*owner, "{0}.payee_id = :payee_id" if payee_id else "{0}.payee_id IS NULL"]
    kept = [*owner, "{0}.payee_id = :payee_id"]
    return _LINES.format(
        account=" AND ".join(line).format("l"),
        balance=" AND ".join(kept).format("b"),
        compare=">" if backwards else "<",
        direction="ASC" if backwards else "DESC",
    )


def _read_cursor(cursor: str | None) -> tuple[bool, int | None]:
    if not cursor:
        return False, None
    direction, values = paging.decode(cursor, 1)
    try:
        number = int(values[0])
        if not 0 < number < 2**63:
            raise ValueError
        return direction == "p", number
    except (ValueError, TypeError):
        raise Invalid("This page link is not valid any more. Start from the first page.") from None
