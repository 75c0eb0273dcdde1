"""Reads about seat packs: what an organization bought, what is left, and of what."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.billing.models import CreditUse, SeatPack
from app.charges.client_models import Charge
from app.core.clock import utc_now
from app.core.errors import NotFound
from app.core.money import Money
from app.db import paging

SUBJECT = "seat_pack"
_TAKEN = (
    select(func.count())
    .where(CreditUse.pack_id == SeatPack.id, CreditUse.returned_at.is_(None))
    .correlate(SeatPack)
    .scalar_subquery()
)
_USED = (
    select(func.count())
    .where(CreditUse.pack_id == SeatPack.id, CreditUse.returned_at.is_(None), CreditUse.kind == "used")
    .correlate(SeatPack)
    .scalar_subquery()
)
_COLUMNS = (
    SeatPack.id, SeatPack.organization_id, SeatPack.offering_id, SeatPack.title, SeatPack.credits, SeatPack.list_minor,
    SeatPack.price_minor, SeatPack.currency, SeatPack.expires_on, SeatPack.bought_by, SeatPack.paid_at,
    SeatPack.created_at, SeatPack.invoice_id, SeatPack.tax_minor, SeatPack._status.label("status"), _USED.label("used"),
    (SeatPack.credits - _TAKEN).label("left"),
)  # fmt: skip
_NEWEST = paging.Key((SeatPack.created_at, SeatPack.id), ("created_at", "id"))


def packs(
    session: Session, organization_id: UUID, cursor: str | None = None, limit: int = paging.DEFAULT_LIMIT
) -> paging.Page:
    """The columns of a pack with `used` and `left` (credits, as far as it is paid), newest first."""
    query = select(*_COLUMNS).where(SeatPack.organization_id == organization_id)
    return paging.fetch(session, query, _NEWEST, cursor, limit)


def pack(session: Session, organization_id: UUID, pack_id: UUID) -> paging.AnyRow:
    """The columns of one pack. Raises NotFound for another organization's."""
    found = session.execute(
        select(*_COLUMNS).where(SeatPack.organization_id == organization_id, SeatPack.id == pack_id)
    ).one_or_none()
    if found is None:
        raise NotFound("There is no such pack.")
    return found


def pack_of(session: Session, invoice_id: UUID) -> UUID | None:
    """The pack that an invoice is for, if it is for one."""
    return session.scalar(select(SeatPack.id).where(SeatPack.invoice_id == invoice_id))


def charge_of(session: Session, pack_id: UUID) -> Charge | None:
    return session.scalar(select(Charge).where(Charge.subject_kind == SUBJECT, Charge.subject_id == pack_id))


@dataclass(frozen=True, slots=True)
class Balance:
    """What an organization has for one offering: credits bought in packs that can be used, left in them, their worth,
    and the last day of the pack that ends first."""

    organization_id: UUID
    offering_id: UUID
    title: str
    bought: int
    left: int
    worth: Money
    first_ends_on: date


_BALANCES = text(
    """SELECT p.organization_id, p.offering_id, (array_agg(p.title ORDER BY p.created_at DESC))[1] AS title,
        sum(p.credits)::bigint AS bought, sum(p.credits - coalesce(u.number, 0))::bigint AS left,
        sum(p.price_minor - coalesce(u.minor, 0))::bigint AS minor, p.currency, min(p.expires_on) AS first_ends_on
    FROM seat_packs p JOIN organizations o ON o.id = p.organization_id
    LEFT JOIN LATERAL (SELECT count(*) AS number, sum(value_minor) AS minor FROM credit_uses
        WHERE pack_id = p.id AND returned_at IS NULL) u ON true
    WHERE p.status = 'active' AND p.organization_id = ANY(:organizations)
        AND (CAST(:offering_id AS uuid) IS NULL OR p.offering_id = :offering_id)
        AND p.expires_on >= (CAST(:now AS timestamptz) AT TIME ZONE o.time_zone)::date
        AND p.credits > coalesce(u.number, 0)
    GROUP BY p.organization_id, p.offering_id, p.currency
    ORDER BY title, p.offering_id, p.currency LIMIT 500"""
)


def balances(
    session: Session, organization_ids: Collection[UUID], offering_id: UUID | None = None
) -> Sequence[Balance]:
    """Of packs with something left, by offering (or of one), by title; as far as the scope sees them."""
    if not organization_ids:
        return []
    rows = session.execute(
        _BALANCES, {"organizations": list(organization_ids), "offering_id": offering_id, "now": utc_now()}
    )
    return [
        Balance(
            row.organization_id, row.offering_id, row.title, row.bought, row.left, Money(row.minor, row.currency),
            row.first_ends_on,
        )
        for row in rows
    ]  # fmt: skip
