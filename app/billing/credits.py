"""Credits of packs: used oldest first, given back, and gone when their time is over.

Whoever takes or gives back a credit holds its pack's row, so no credit is taken twice and no sum is read half-way.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select, text

from app.billing import packs, rules
from app.billing.models import CreditUse, SeatPack
from app.billing.states import CreditKind, PackStatus
from app.core.clock import utc_now
from app.core.errors import Conflict
from app.core.money import Money
from app.core.scope import Permission
from app.core.settings import settings
from app.db import locks
from app.db.session import ScopedSession
from app.db.types import new_id
from app.ledger import recipes
from app.ledger import service as ledger
from app.notify import service as notify
from app.notify.service import Letter
from app.organizations import queries as organizations

NONE_LEFT = "There is no credit left for this. Pay by card, or ask your organization to buy more."


@dataclass(frozen=True, slots=True)
class Credit:
    """One that is free, held for the caller until the end of its transaction."""

    organization_id: UUID
    pack_id: UUID
    ordinal: int
    value: Money


def next_one(session: ScopedSession, organization_id: UUID, offering_id: UUID, currency: str) -> Credit:
    """The credit to use now: of the pack that ends first, then of the one paid first. Nobody else gets it.

    The caller acts as the platform. Raises Conflict when there is none (any more).
    """
    locks.hold(session, "seat credits", organization_id, offering_id)
    query = select(SeatPack.id).where(
        SeatPack.organization_id == organization_id,
        SeatPack.offering_id == offering_id,
        SeatPack.currency == currency,
        SeatPack._status == PackStatus.ACTIVE,
        SeatPack.expires_on >= packs.today_of(session, organization_id),
    )
    for pack_id in session.scalars(query.order_by(SeatPack.expires_on, SeatPack.paid_at, SeatPack.id)).all():
        pack = packs.locked(session, pack_id)
        left = packs.values_left(session, pack) if pack.status is PackStatus.ACTIVE else {}
        if left:
            ordinal = min(left)
            return Credit(organization_id, pack.id, ordinal, Money(left[ordinal], pack.currency))
    raise Conflict(NONE_LEFT, fields={"paid_by": NONE_LEFT, "buyer": NONE_LEFT})


def use(session: ScopedSession, credit: Credit, consultation_id: UUID) -> None:
    """Take what `next_one` held, in the same transaction. The books follow with the consultation's charge."""
    session.add(
        CreditUse(
            id=new_id(), organization_id=credit.organization_id, pack_id=credit.pack_id, ordinal=credit.ordinal,
            value_minor=credit.value.minor, kind=CreditKind.USED, consultation_id=consultation_id, created_at=utc_now(),
        )
    )  # fmt: skip
    session.flush()


def give_back(session: ScopedSession, consultation_id: UUID) -> None:
    """The credit of a consultation is in its pack again, with time to use it. Twice is once. The caller acts as the
    platform; the books follow with the return of the charge.
    """
    pack_id = session.scalar(select(CreditUse.pack_id).where(CreditUse.consultation_id == consultation_id))
    if pack_id is None:
        return
    pack = packs.locked(session, pack_id)
    found = session.scalars(select(CreditUse).where(CreditUse.consultation_id == consultation_id)).one()
    if found.returned_at is not None:
        return
    found.returned_at = utc_now()
    session.flush()
    refunding = pack.status is PackStatus.REFUNDED and packs.going_back(session, pack.id)
    if not refunding:  # else the refund's end says what becomes of it
        packs.reopen(session, pack)


# The day of each organization is its own.
_DUE = text(
    """SELECT p.id FROM seat_packs p JOIN organizations o ON o.id = p.organization_id
    WHERE p.status = 'active' AND p.expires_on <= CAST(:latest AS date)
        AND p.expires_on < (CAST(:now AS timestamptz) AT TIME ZONE o.time_zone)::date
    ORDER BY p.id LIMIT :limit FOR UPDATE OF p SKIP LOCKED"""
)
_TAKE_OUT = text(
    """INSERT INTO credit_uses (organization_id, pack_id, ordinal, value_minor, kind)
    SELECT p.organization_id, p.id, k, p.price_minor / p.credits + CAST(k <= p.price_minor % p.credits AS int),
        'expired'
    FROM seat_packs p CROSS JOIN generate_series(1, p.credits) k
    WHERE p.id = ANY(:ids) AND NOT EXISTS (SELECT FROM credit_uses u
        WHERE u.pack_id = p.id AND u.ordinal = k AND u.returned_at IS NULL)
    RETURNING id"""
)
# A pack may end again, for a credit that came back: what ended at once is named by its first credit.
_GONE = """SELECT min(u.id::text) AS ref, p.organization_id, CAST(NULL AS uuid) AS payee_id,
    CAST(NULL AS text) AS rail, p.currency, sum(u.value_minor)::bigint AS amount_minor, p.title AS memo
    FROM credit_uses u JOIN seat_packs p ON p.id = u.pack_id WHERE u.id = ANY(:uses)
    GROUP BY p.id"""
_END = text("UPDATE seat_packs SET status = 'expired' WHERE id = ANY(:ids)")


def expire(session: ScopedSession, limit: int = 500) -> int:
    """Packs whose last day is over: what is left in them is the platform's. How many packs. Needs a platform scope."""
    now = utc_now()
    ids = list(session.execute(_DUE, {"now": now, "latest": now.date() + timedelta(days=1), "limit": limit}).scalars())
    if ids:
        uses = list(session.execute(_TAKE_OUT, {"ids": ids}).scalars())
        ledger.post_from(session, recipes.CREDITS_EXPIRED, _GONE, {"uses": uses})
        session.execute(_END, {"ids": ids})
    return len(ids)


_ENDING = text(
    """WITH due AS (
        SELECT p.id, p.credits - (SELECT count(*) FROM credit_uses u WHERE u.pack_id = p.id AND u.returned_at IS NULL)
            AS number FROM seat_packs p
        WHERE p.status = 'active' AND p.warned_at IS NULL AND p.expires_on <= CAST(:latest AS date)
        ORDER BY p.id LIMIT :limit FOR UPDATE OF p SKIP LOCKED
    )
    UPDATE seat_packs p SET warned_at = :now FROM due, organizations o
    WHERE p.id = due.id AND o.id = p.organization_id
    RETURNING p.id, p.organization_id, p.title, p.expires_on, due.number, o.name, o.slug"""
)


def warn(session: ScopedSession, limit: int = 500) -> int:
    """Tell those who buy credits a week before unused ones end; how many packs. Needs a platform scope."""
    now = utc_now()
    latest = now.date() + timedelta(days=rules.WARN_DAYS)
    found = session.execute(_ENDING, {"now": now, "latest": latest, "limit": limit}).all()
    readers = {
        organization_id: organizations.members_who(session, organization_id, Permission.CREDIT_BUY)
        for organization_id in {row.organization_id for row in found if row.number}
    }
    notify.queue_many(
        session,
        [
            Letter(
                email,
                "credits_ending",
                f"{row.number} credits end on {row.expires_on:%Y-%m-%d}: {row.title}",
                {"name": name, "organization": row.name, "number": int(row.number), "title": row.title,
                 "last_day": row.expires_on.isoformat(), "url": f"{settings().base_url}/org/{row.slug}/credits"},
                organization_id=row.organization_id,
                dedupe_key=f"credits:{row.id}:{row.expires_on}:{email}",
            )
            for row in found
            if row.number
            for name, email in readers[row.organization_id]
        ],
    )  # fmt: skip
    return len(found)
