"""Seat credits where they meet bookings: what packs can be bought for, who used which credit, what a member has."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from app.billing import queries
from app.billing.models import CreditUse, SeatPack
from app.billing.queries import Balance
from app.billing.rules import Sold
from app.consultations.models import Consultation
from app.consultations.payments import ways
from app.consultations.profile_models import ConsultantProfile, Offering
from app.consultations.states import PaidBy
from app.core.errors import NotFound
from app.db import paging
from app.db.session import ScopedSession
from app.organizations import queries as organizations

_COLUMNS = (
    CreditUse.id, CreditUse.created_at, CreditUse.pack_id, CreditUse.ordinal, CreditUse.value_minor, CreditUse.kind,
    CreditUse.returned_at, CreditUse.consultation_id, SeatPack.title, SeatPack.currency,
    Consultation.client_first_name, Consultation.starts_at, Consultation._status.label("status"),
    ConsultantProfile.name.label("consultant"),
    (Consultation.organization_id == Consultation.buyer_organization_id).label("own"),
)  # fmt: skip
_NEWEST = paging.Key((CreditUse.created_at, CreditUse.id), ("created_at", "id"))


def sold(session: ScopedSession, offering_id: UUID) -> Sold:
    """What a pack would be bought for: a length of the platform's, or something of one listed consultant, at the price
    of today. What has a time of its own is booked once and has no packs. Raises NotFound.
    """
    row = session.execute(
        select(Offering, ConsultantProfile.name, ConsultantProfile.listed)
        .outerjoin(ConsultantProfile, ConsultantProfile.payee_id == Offering.payee_id)
        .where(Offering.id == offering_id, Offering.active, Offering.starts_at.is_(None))
    ).one_or_none()
    if row is None or (row.Offering.payee_id is not None and not row.listed):
        raise NotFound("This is not offered (any more).")
    title = f"{row.Offering.title} with {row.name}" if row.name else f"{row.Offering.title} with any advisor"
    return Sold(row.Offering.id, title, row.Offering.price)


def uses(
    session: ScopedSession,
    organization_id: UUID,
    pack_id: UUID | None = None,
    cursor: str | None = None,
    limit: int = paging.DEFAULT_LIMIT,
) -> paging.Page:
    """What became of the organization's credits (or of one pack's), newest first: the columns of a use, `title` and
    `currency` of its pack, and of the consultation the member's first name, start, status and consultant."""
    query: paging.AnySelect = (
        select(*_COLUMNS)
        .join(SeatPack, SeatPack.id == CreditUse.pack_id)
        .outerjoin(Consultation, Consultation.id == CreditUse.consultation_id)
        .outerjoin(ConsultantProfile, ConsultantProfile.payee_id == Consultation.payee_id)
        .where(CreditUse.organization_id == organization_id)
    )
    if pack_id is not None:
        query = query.where(CreditUse.pack_id == pack_id)
    return paging.fetch(session, query, _NEWEST, cursor, limit)


def of_member(session: ScopedSession, email: str, offering_id: UUID) -> dict[UUID, Balance]:
    """By organization: what somebody who reads an address can book an offering with."""
    mine = [
        one.organization_id
        for one in organizations.memberships_of_address(session, email)
        if PaidBy.CREDIT in ways(one)
    ]
    with session.elevated("credits of the organizations a client is a member of"):
        found: Sequence[Balance] = queries.balances(session, mine, offering_id)
    return {one.organization_id: one for one in found if one.left}


def payer_of(session: ScopedSession, consultation_id: UUID) -> str | None:
    """The name of the organization that stands behind a booking, for its client."""
    with session.elevated("the name of an organization that buys"):
        buyer_id = session.scalar(select(Consultation.buyer_organization_id).where(Consultation.id == consultation_id))
        return organizations.names(session, [buyer_id]).get(buyer_id) if buyer_id else None
