"""What a batch would pay (preview) and making its payouts (plan), set-based.

The plan moves rows of the narrow queue table into payout items and sums what it claimed; earnings are not rewritten.
Measured against the obvious SQL in `bench/planning.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.clock import utc_now
from app.core.money import Money
from app.core.scope import Actor
from app.core.settings import settings
from app.db import locks
from app.db.planning import room
from app.ledger import recipes
from app.ledger import service as ledger
from app.methods.queries import usable_method_join, usable_method_parameters
from app.methods.rules import BLOCKED_TEXT, Blocked
from app.payouts.funding import spendable
from app.payouts.models import Batch
from app.tax.queries import form_missing

_NET = """SELECT r.payee_id, r.currency, CAST(sum(r.amount_minor) AS bigint) AS amount_minor, count(*) AS lines
    FROM ready_earnings r WHERE r.organization_id = :organization_id
    AND (CAST(:currency AS text) IS NULL OR r.currency = :currency)
    AND (r.payee_id IS NOT DISTINCT FROM (SELECT own_p.id FROM payees own_p
        WHERE own_p.own_organization_id = :organization_id)) = :own GROUP BY r.payee_id, r.currency"""


def candidates(net: str, first: str = "") -> str:
    """SQL with a row per payee and currency of `net`: payable by `rail`, or blocked and why. `first`: another WHEN of
    the reasons, that comes before all others. Execute with `organization_id` and `usable_method_parameters()`."""
    return f"""SELECT net.payee_id, net.currency, net.amount_minor, net.lines, m.method_id, m.rail, m.usable_from_at,
        CASE {first} WHEN net.amount_minor <= 0 THEN 'carried' WHEN e.status <> 'active' THEN e.status
             WHEN {form_missing(":organization_id", "net.payee_id", "net.currency")} THEN 'tax_form'
             ELSE m.blocked END AS blocked
    FROM ({net}) net
    JOIN engagements e ON e.organization_id = :organization_id AND e.payee_id = net.payee_id
    {usable_method_join("net.payee_id", "net.currency")}"""


_CANDIDATES = candidates(_NET)

_BLOCKED = {
    "carried": "Credits are larger than the bills: carried forward to the next batch.",
    "paused": "The engagement is paused. The payee can withdraw what is ready.",
    "suspended": "The engagement is suspended; nothing is paid out until that ends.",
    "ended": "The engagement has ended. The payee can withdraw what is ready.",
    "tax_form": "You ask for a signed Form W-9 before you pay, and there is none yet. The payee fills it in under "
    "Settings, Tax form.",
}


def blocked_text(code: str) -> str:
    """Why a payee is not in a batch, as a sentence."""
    return _BLOCKED.get(code) or BLOCKED_TEXT[Blocked(code)]


@dataclass(frozen=True, slots=True)
class Funding:
    """What a batch needs of one currency, against funds plus credit."""

    needed: Money
    spendable: Money

    @property
    def short(self) -> Money:
        return max(self.needed - self.spendable, Money(0, self.needed.currency))


@dataclass(frozen=True, slots=True)
class Preview:
    """`rails`: (rail, currency, payees, lines, amount_minor). `blocked`: reason → (payees, amount by currency)."""

    rails: Sequence[Any]
    funding: Sequence[Funding]
    blocked: Sequence[Any]
    blocked_lines: Sequence[Any]

    @property
    def payees(self) -> int:
        return sum(row.payees for row in self.rails)


def preview(
    session: Session, organization_id: UUID, *, currency: str | None = None, rail: str | None = None, own: bool = False
) -> Preview:
    """A dry run: nothing is written. `blocked_lines` holds the first 200 payees that cannot be paid.

    `own`: of the organization's own earnings, instead of everybody else's.
    """
    parameters = {
        "own": own,
        "organization_id": organization_id,
        "currency": currency,
        "rail": rail,
        **usable_method_parameters(),
    }
    by_rail = session.execute(
        text(
            f"""SELECT rail, currency, count(*) AS payees, CAST(sum(lines) AS bigint) AS lines,
            CAST(sum(amount_minor) AS bigint) AS amount_minor FROM ({_CANDIDATES}) c
            WHERE blocked IS NULL AND (CAST(:rail AS text) IS NULL OR rail = :rail)
            GROUP BY rail, currency ORDER BY currency, rail"""
        ),
        parameters,
    ).all()
    blocked = session.execute(
        text(
            f"""SELECT blocked, currency, count(*) AS payees, CAST(sum(amount_minor) AS bigint) AS amount_minor
            FROM ({_CANDIDATES}) c WHERE blocked IS NOT NULL GROUP BY blocked, currency ORDER BY blocked, currency"""
        ),
        parameters,
    ).all()
    lines = session.execute(
        text(
            f"""SELECT c.*, p.name FROM ({_CANDIDATES}) c JOIN payees p ON p.id = c.payee_id
            WHERE blocked IS NOT NULL ORDER BY blocked, p.name_search, p.id LIMIT 200"""
        ),
        parameters,
    ).all()
    needed: dict[str, int] = {}
    for row in by_rail:
        needed[row.currency] = needed.get(row.currency, 0) + row.amount_minor
    funding = [
        Funding(Money(minor, code), spendable(session, organization_id, code)) for code, minor in sorted(needed.items())
    ]
    return Preview(by_rail, funding, blocked, lines)


_PLAN = text(
    f"""WITH candidate AS ({_CANDIDATES}),
    planned AS (
        INSERT INTO payouts (organization_id, payee_id, batch_id, amount_minor, currency, rail, method_id, origin,
            status, requested_by, requested_by_account_id, simulated, created_at, status_at)
        SELECT :organization_id, payee_id, :batch_id, amount_minor, currency, rail, method_id, 'batch',
            'pending', :actor, :account_id, :simulated, :now, :now
        FROM candidate WHERE blocked IS NULL AND (CAST(:rail AS text) IS NULL OR rail = :rail) ORDER BY payee_id
        RETURNING id, payee_id, currency
    ), claimed AS (
        DELETE FROM ready_earnings r USING planned
        WHERE r.organization_id = :organization_id AND r.payee_id = planned.payee_id AND r.currency = planned.currency
        RETURNING planned.id AS payout_id, r.earning_id, r.payee_id, r.amount_minor
    ), item AS (
        INSERT INTO payout_items (payout_id, earning_id, organization_id, payee_id, amount_minor)
        SELECT payout_id, earning_id, :organization_id, payee_id, amount_minor FROM claimed
    ), noted AS (
        INSERT INTO timeline_events
            (organization_id, payee_id, subject_kind, subject_id, at, actor, to_state, note)
        SELECT :organization_id, payee_id, 'payout', id, :now, :actor, 'pending', :note FROM planned
    )
    SELECT count(*) FROM planned"""
)
_RESERVE = """SELECT p.id || ':' || p.reservation AS ref, p.organization_id, p.payee_id, CAST(NULL AS text) AS rail,
    p.currency, p.amount_minor, CAST(NULL AS text) AS memo FROM payouts p WHERE p.batch_id = :batch_id"""


def plan(session: Session, actor: Actor, batch: Batch) -> int:
    """Make the payouts of a batch from everything ready; returns how many. All or nothing.

    The lock keeps withdrawals out while the sums are taken, so that items always add up to their payout.
    """
    locks.hold(session, "claims", batch.organization_id)
    session.flush()
    room(session)
    count = session.execute(
        _PLAN,
        {
            "organization_id": batch.organization_id,
            "batch_id": batch.id,
            "currency": batch.currency,
            "rail": batch.rail,
            "own": batch.own,
            "actor": actor.label,
            "account_id": actor.account_id,
            "simulated": settings().sandbox,
            "now": utc_now(),
            "note": f"Planned in batch {batch.number}.",
            **usable_method_parameters(),
        },
    ).scalar_one()
    ledger.post_from(session, recipes.PAYOUT_RESERVED, _RESERVE, {"batch_id": batch.id})
    return int(count)
