"""Recording earnings that are not a bill's: of projects and orders, whose amounts were just agreed to. One or many."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from app.core.clock import utc_now
from app.core.money import Money
from app.core.rates import WHOLE_BPS
from app.core.scope import Actor
from app.db.session import ScopedSession
from app.earnings.models import EarningKind, HoldReason
from app.earnings.rules import HOLD_TEXT
from app.earnings.service import OF_EARNINGS, Recorded
from app.ledger import recipes
from app.ledger import service as ledger


@dataclass(frozen=True, slots=True)
class NewEarning:
    """An earning above or below zero: held until `available_at` (None: until somebody acts), or ready when that passed.

    `basis_minor` and `share_bps`: what it was computed from, where it is a share; else the amount is its own basis.
    """

    organization_id: UUID
    payee_id: UUID
    amount: Money
    kind: EarningKind
    rule: str
    source_kind: str
    source_id: UUID
    earned_on: date
    description: str
    available_at: datetime | None
    hold_reason: HoldReason = HoldReason.TERMS
    reference: str | None = None
    basis_minor: int | None = None
    share_bps: int = WHOLE_BPS
    rule_detail: dict[str, Any] | None = None
    rule_version: int = 1


_RECORD = text(
    """WITH given AS MATERIALIZED (
        SELECT uuidv7() AS earning_id, x.* FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS x (
            organization_id uuid, payee_id uuid, kind text, amount_minor bigint, currency text, basis_minor bigint,
            rule text, share_bps bigint, source_kind text, source_id uuid, earned_on date, description text,
            reference text, rule_detail jsonb, rule_version bigint, available_at timestamptz, reason text, note text)
        WHERE NOT EXISTS (SELECT FROM earnings e WHERE e.organization_id = x.organization_id
            AND e.source_kind = x.source_kind AND e.source_id = x.source_id)
    ), made AS (
        INSERT INTO earnings (id, organization_id, payee_id, kind, amount_minor, currency, basis_minor, rule, share_bps,
            source_kind, source_id, earned_on, description, reference, rule_detail, rule_version, created_at)
        SELECT earning_id, organization_id, payee_id, kind, amount_minor, currency, basis_minor, rule, share_bps,
            source_kind, source_id, earned_on, description, reference, rule_detail, rule_version, :now FROM given
    ), held AS (
        INSERT INTO held_earnings (earning_id, organization_id, payee_id, currency, amount_minor, reason, available_at)
        SELECT earning_id, organization_id, payee_id, currency, amount_minor, reason, available_at
        FROM given WHERE available_at IS NULL OR available_at > :now
    ), ready AS (
        INSERT INTO ready_earnings (earning_id, organization_id, payee_id, currency, amount_minor, ready_at)
        SELECT earning_id, organization_id, payee_id, currency, amount_minor, :now
        FROM given WHERE available_at <= :now
    ), noted AS (
        INSERT INTO timeline_events
            (organization_id, payee_id, subject_kind, subject_id, at, actor, to_state, note, evidence)
        SELECT organization_id, payee_id, 'earning', earning_id, :now, :actor,
            CASE WHEN available_at <= :now THEN 'ready' ELSE 'held' END,
            CASE WHEN available_at <= :now THEN 'Ready to be paid.' ELSE note END,
            CASE WHEN available_at > :now THEN jsonb_build_object('available_at', available_at) END
        FROM given
    )
    SELECT coalesce(array_agg(earning_id) FILTER (WHERE available_at IS NULL OR available_at > :now), '{}') AS held,
           coalesce(array_agg(earning_id) FILTER (WHERE available_at <= :now), '{}') AS ready
    FROM given"""
)
_KNOWN = text(
    """SELECT id FROM earnings
    WHERE organization_id = :organization_id AND source_kind = :source_kind AND source_id = :source_id
    ORDER BY source_round LIMIT 1"""
)


def record_many(session: ScopedSession, actor: Actor, earnings: Sequence[NewEarning]) -> Recorded:
    """Earnings with their ledger entries, in a handful of statements for any number. A known source adds nothing.

    The caller has checked the permission to promise this money, and names a source once in `earnings`.
    """
    if not earnings:
        return Recorded(0, 0)
    rows = [
        {
            "organization_id": str(one.organization_id),
            "payee_id": str(one.payee_id),
            "kind": one.kind.value,
            "amount_minor": one.amount.minor,
            "currency": one.amount.currency,
            "basis_minor": one.amount.minor if one.basis_minor is None else one.basis_minor,
            "rule": one.rule,
            "share_bps": one.share_bps,
            "source_kind": one.source_kind,
            "source_id": str(one.source_id),
            "earned_on": one.earned_on.isoformat(),
            "description": one.description,
            "reference": one.reference,
            "rule_detail": one.rule_detail,
            "rule_version": one.rule_version,
            "available_at": one.available_at.isoformat() if one.available_at else None,
            "reason": one.hold_reason.value,
            "note": HOLD_TEXT[one.hold_reason],
        }
        for one in earnings
    ]
    session.flush()
    with session.elevated("earnings whose approval was checked"):
        placed = session.execute(_RECORD, {"rows": json.dumps(rows), "now": utc_now(), "actor": actor.label}).one()
        if placed.held:
            ledger.post_from(session, recipes.EARNING_HELD, OF_EARNINGS, {"ids": placed.held})
        if placed.ready:
            ledger.post_from(session, recipes.EARNING_READY, OF_EARNINGS, {"ids": placed.ready})
    return Recorded(len(placed.held), len(placed.ready))


def record(
    session: ScopedSession,
    actor: Actor,
    organization_id: UUID,
    payee_id: UUID,
    amount: Money,
    *,
    kind: EarningKind,
    rule: str,
    source_kind: str,
    source_id: UUID,
    earned_on: date,
    description: str,
    available_at: datetime,
    hold_reason: HoldReason = HoldReason.TERMS,
    reference: str | None = None,
) -> UUID:
    """One earning; returns its id, or the first one's when the source is known. See `record_many`."""
    one = NewEarning(
        organization_id, payee_id, amount, kind, rule, source_kind, source_id, earned_on, description, available_at,
        hold_reason, reference,
    )  # fmt: skip
    record_many(session, actor, [one])
    source = {"organization_id": organization_id, "source_kind": source_kind, "source_id": source_id}
    with session.elevated("the earning that was just recorded"):
        found: UUID = session.execute(_KNOWN, source).scalar_one()
    return found
