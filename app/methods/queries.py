"""Reads about payout methods. Nothing here opens a sealed destination."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.clock import utc_now
from app.core.money import CURRENCIES
from app.db.paging import AnyRow
from app.methods.rules import Blocked
from app.rails.registry import available


def usable_method_join(payee: str, currency: str) -> str:
    """SQL joins that choose how a payee is paid in a currency, one row for each row joined to.

    `payee` and `currency` are SQL expressions of what is joined to. The result has the alias `m`: `method_id` and
    `rail` (null unless it can be used now), `blocked` (a `Blocked`, null when it can be used), `chosen_id`,
    `usable_from_at`. Execute with `usable_method_parameters()`. Hash joins: a row per payee, not a look-up.
    """
    # The default for this currency goes before the default for any; LATERAL without FROM is folded in by the planner.
    return f"""LEFT JOIN methods m_own ON m_own.payee_id = {payee} AND m_own.currency = {currency}
        AND m_own.is_default AND m_own.status = 'active'
    LEFT JOIN methods m_any ON m_any.payee_id = {payee} AND m_any.currency IS NULL
        AND m_any.is_default AND m_any.status = 'active'
    CROSS JOIN LATERAL (SELECT coalesce(m_own.id, m_any.id) AS chosen_id,
        CASE WHEN m_own.id IS NULL THEN m_any.rail ELSE m_own.rail END AS chosen_rail,
        CASE WHEN m_own.id IS NULL THEN m_any.usable_from_at ELSE m_own.usable_from_at END AS usable_from_at,
        CASE WHEN m_own.id IS NULL THEN m_any.unusable_because ELSE m_own.unusable_because END AS because) m_chosen
    CROSS JOIN LATERAL (SELECT CASE WHEN m_chosen.chosen_id IS NULL THEN '{Blocked.NO_METHOD.value}'
        WHEN NOT (m_chosen.chosen_rail = ANY(:method_rails)
            OR m_chosen.chosen_rail || ':' || {currency} = ANY(:method_rail_currencies)) THEN '{Blocked.RAIL.value}'
        WHEN m_chosen.because IS NOT NULL THEN '{Blocked.PROVIDER.value}'
        WHEN m_chosen.usable_from_at > :method_now THEN '{Blocked.COOLING_OFF.value}' END AS blocked) m_state
    CROSS JOIN LATERAL (SELECT m_state.blocked, m_chosen.chosen_id, m_chosen.usable_from_at,
        CASE WHEN m_state.blocked IS NULL THEN m_chosen.chosen_id END AS method_id,
        CASE WHEN m_state.blocked IS NULL THEN m_chosen.chosen_rail END AS rail) m"""


def usable_method_parameters(now: datetime | None = None) -> dict[str, Any]:
    """What `usable_method_join` is executed with: rails that work here for every currency, and for single ones."""
    rails = available()
    return {
        "method_rails": [rail.name for rail in rails if not rail.currencies],
        "method_rail_currencies": [
            f"{rail.name}:{code}" for rail in rails for code in sorted(rail.currencies & CURRENCIES)
        ],
        "method_now": now or utc_now(),
    }


@dataclass(frozen=True, slots=True)
class UsableMethod:
    """How a payee is paid in a currency; `blocked` says why not, with `usable_from_at` when it only cools off."""

    method_id: UUID | None
    rail: str | None
    blocked: Blocked | None
    usable_from_at: datetime | None


def usable_method(session: Session, payee_id: UUID, currency: str) -> UsableMethod:
    row = session.execute(
        text(
            f"""SELECT m.method_id, m.rail, m.blocked, m.usable_from_at
            FROM (SELECT CAST(:payee_id AS uuid) AS payee_id, CAST(:currency AS text) AS currency) wanted
            {usable_method_join("wanted.payee_id", "wanted.currency")}"""
        ),
        {"payee_id": payee_id, "currency": currency, **usable_method_parameters()},
    ).one()
    return UsableMethod(row.method_id, row.rail, Blocked(row.blocked) if row.blocked else None, row.usable_from_at)


def usable_methods(session: Session, wanted: Sequence[tuple[UUID, str]]) -> dict[tuple[UUID, str], UsableMethod]:
    """The same for the (payee, currency) pairs of a page, in one statement."""
    pairs = sorted(set(wanted), key=str)
    rows = session.execute(
        text(
            f"""SELECT wanted.payee_id, wanted.currency, m.method_id, m.rail, m.blocked, m.usable_from_at
            FROM unnest(CAST(:payee_ids AS uuid[]), CAST(:currencies AS text[])) AS wanted (payee_id, currency)
            {usable_method_join("wanted.payee_id", "wanted.currency")}"""
        ),
        {
            "payee_ids": [payee_id for payee_id, _ in pairs],
            "currencies": [currency for _, currency in pairs],
            **usable_method_parameters(),
        },
    )
    return {
        (row.payee_id, row.currency): UsableMethod(
            row.method_id, row.rail, Blocked(row.blocked) if row.blocked else None, row.usable_from_at
        )
        for row in rows
    }


_METHODS = text(
    """SELECT m.id, m.rail, m.label, m.last4, m.currency, m.is_default, m.status, m.usable_from_at, m.created_at,
        m.added_by, m.unusable_because, m.notice_code, m.notice_said, m.noticed_at,
        (SELECT count(DISTINCT o.payee_id) FROM methods o WHERE o.details_index = m.details_index
            AND o.payee_id <> m.payee_id AND o.status = 'active') AS shared
    FROM methods m WHERE m.payee_id = :payee_id AND (m.status = 'active' OR :disabled_too)
    ORDER BY m.status, m.is_default DESC, m.created_at DESC, m.id"""
)


def methods(session: Session, payee_id: UUID, *, disabled_too: bool = False) -> Sequence[AnyRow]:
    """id, rail, label, last4, currency, is_default, status, usable_from_at, created_at, added_by, shared;
    unusable_because of its provider, notice_code, notice_said and noticed_at of what the bank said of the account.

    `shared`: how many other payees this reader may see are paid at the same destination.
    """
    return session.execute(_METHODS, {"payee_id": payee_id, "disabled_too": disabled_too}).all()


_SHARED = text(
    """SELECT DISTINCT o.payee_id, p.name FROM methods m
    JOIN methods o ON o.details_index = m.details_index AND o.payee_id <> m.payee_id AND o.status = 'active'
    JOIN payees p ON p.id = o.payee_id
    WHERE m.payee_id = :payee_id AND m.status = 'active' ORDER BY p.name, o.payee_id LIMIT 20"""
)


def shared_with(session: Session, payee_id: UUID) -> Sequence[AnyRow]:
    """payee_id and name of up to 20 other payees paid at the same destination: a mistake, or a fraud."""
    return session.execute(_SHARED, {"payee_id": payee_id}).all()


_WITHOUT = text(
    """SELECT count(*) FROM (SELECT FROM engagements e
        JOIN payees p ON p.id = e.payee_id AND p.own_organization_id IS NULL
        WHERE e.organization_id = :organization_id AND e.status = 'active' AND NOT EXISTS (SELECT FROM methods m
            WHERE m.payee_id = e.payee_id AND m.is_default AND m.status = 'active') LIMIT :most) found"""
)


def count_without_method(session: Session, organization_id: UUID, most: int = 100_000) -> int:
    """Active payees of the organization who cannot be paid for want of a method, counted up to `most`."""
    return int(session.execute(_WITHOUT, {"organization_id": organization_id, "most": most}).scalar_one())
