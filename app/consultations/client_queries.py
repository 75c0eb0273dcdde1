"""What clients read of their own consultations: with whom, what they paid, what went back."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select, text

from app.charges.client_models import Charge, ChargeReturn
from app.consultations.cards import View
from app.consultations.models import Consultation
from app.consultations.profile_models import ConsultantProfile
from app.consultations.states import ConsultationStatus
from app.core.clock import utc_now
from app.core.errors import NotFound
from app.db import paging
from app.db.session import ScopedSession

_C = Consultation
_COLUMNS = (
    _C.id, _C.payee_id, _C.offering_id, _C.title, _C.kind, _C._status.label("status"), _C.starts_at, _C.ends_at,
    _C.clock_at, _C.paid_by, _C.currency, _C.price_minor, _C.list_minor, _C.consultant_minor, _C.client_first_name,
    _C.client_time_zone, _C.locale, _C.video_url, _C.cancelled_at, _C.cancelled_by, _C.cancel_reason, _C.completed_at,
    _C.version, _C.created_at, _C.project_id, ConsultantProfile.name.label("consultant"),
    ConsultantProfile.slug.label("consultant_slug"),
)  # fmt: skip
_NEWEST = paging.Key((_C.starts_at, _C.id), ("starts_at", "id"))
_SOONEST = paging.Key((_C.starts_at, _C.id), ("starts_at", "id"), descending=False)


def _of(account_id: UUID) -> paging.AnySelect:
    return (
        select(*_COLUMNS)
        .join(ConsultantProfile, ConsultantProfile.payee_id == _C.payee_id)
        .where(_C.client_account_id == account_id)
    )


def consultations(
    session: ScopedSession, account_id: UUID, view: View, cursor: str | None = None, limit: int = paging.DEFAULT_LIMIT
) -> paging.Page:
    """What comes (also what is to be paid yet), soonest first; what was, and what was called off, newest first."""
    coming = (ConsultationStatus.PENDING, ConsultationStatus.BOOKED)
    query, now = _of(account_id), utc_now()
    if view is View.UPCOMING:
        query = query.where(_C._status.in_(coming), _C.ends_at > now)
    elif view is View.CANCELLED:
        query = query.where(_C._status.in_((ConsultationStatus.CANCELLED, ConsultationStatus.EXPIRED)))
    else:
        left_out = (ConsultationStatus.CANCELLED, ConsultationStatus.EXPIRED, ConsultationStatus.PENDING)
        query = query.where(_C._status.not_in(left_out), _C.ends_at <= now)
    return paging.fetch(session, query, _SOONEST if view is View.UPCOMING else _NEWEST, cursor, limit)


def everything(
    session: ScopedSession, account_id: UUID, cursor: str | None = None, limit: int = paging.DEFAULT_LIMIT
) -> paging.Page:
    """All of a client's, the latest start first."""
    return paging.fetch(session, _of(account_id), _NEWEST, cursor, limit)


def consultation(session: ScopedSession, account_id: UUID, consultation_id: UUID) -> paging.AnyRow:
    """Raises NotFound for somebody else's."""
    found = session.execute(_of(account_id).where(_C.id == consultation_id)).one_or_none()
    if found is None:
        raise NotFound("There is no such consultation.")
    return found


_PROJECT = text("SELECT reference || ' ' || title FROM projects WHERE id = :id")


def project_of(session: ScopedSession, project_id: UUID) -> str | None:
    """Reference and title of the project a client named; the caller has seen that the booking is theirs."""
    with session.elevated("the project a client named on their own booking"):
        found: str | None = session.scalar(_PROJECT, {"id": project_id})
    return found


def charge_of(session: ScopedSession, consultation_id: UUID) -> Charge | None:
    return session.scalar(
        select(Charge).where(Charge.subject_kind == "consultation", Charge.subject_id == consultation_id)
    )


def returns_of(session: ScopedSession, charge_id: UUID) -> Sequence[paging.AnyRow]:
    """amount_minor, currency, status, created_at, decided_at: what goes back of a charge, oldest first."""
    return session.execute(
        select(
            ChargeReturn.id, ChargeReturn.amount_minor, ChargeReturn.currency, ChargeReturn._status.label("status"),
            ChargeReturn.kind, ChargeReturn.created_at, ChargeReturn.decided_at,
        )
        .where(ChargeReturn.charge_id == charge_id)
        .order_by(ChargeReturn.id)
    ).all()  # fmt: skip
