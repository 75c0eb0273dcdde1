"""Appointments that were held, as organizations tell of them: one or many, once by the organization's own number."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.consultations.models import Appointment
from app.consultations.states import AppointmentSource, AppointmentStatus
from app.core.clock import utc_now
from app.core.errors import Conflict, Invalid, NotFound
from app.core.scope import Actor, Permission
from app.db.session import ScopedSession
from app.payees.models import Engagement, Payee
from app.payees.states import PayeeKind

LONGEST_NUMBER, LONGEST_DESCRIPTION, AT_ONCE = 100, 200, 1_000
NOT_ENGAGED = "No consultant of the organization is meant by this."
_AHEAD = "An appointment is written down after it was held."


@dataclass(frozen=True, slots=True)
class Held:
    """One appointment that was held: the organization's own number, whose it was and when. Nothing of the patient."""

    external_id: str
    payee_id: UUID
    completed_at: datetime
    description: str = ""


@dataclass(frozen=True, slots=True)
class Recorded:
    new: int
    known: int


_RECORD = text(
    """INSERT INTO appointments (organization_id, payee_id, external_id, completed_at, description, source, status,
        currency, recorded_by, created_at)
    SELECT :organization_id, x.payee_id, x.external_id, x.completed_at, x.description, :source, 'completed',
        g.currency, :actor, :now
    FROM jsonb_to_recordset(CAST(:rows AS jsonb))
        AS x (payee_id uuid, external_id text, completed_at timestamptz, description text)
    JOIN engagements g ON g.organization_id = :organization_id AND g.payee_id = x.payee_id
    ON CONFLICT (organization_id, external_id) DO NOTHING"""
)


def record(
    session: ScopedSession, actor: Actor, organization_id: UUID, source: AppointmentSource, held: Sequence[Held]
) -> Recorded:
    """Write appointments down; a known number adds nothing, whatever else it says now.

    Raises Forbidden; Invalid for somebody the organization does not engage as a consultant, and for the future.
    """
    actor.require(Permission.APPOINTMENT_RECORD)
    actor.require_organization(organization_id)
    if not held:
        return Recorded(0, 0)
    now = utc_now()
    if any(one.completed_at > now for one in held):
        raise Invalid(_AHEAD, fields={"completed_at": _AHEAD})
    rows = [
        {
            "payee_id": str(one.payee_id),
            "external_id": one.external_id,
            "completed_at": one.completed_at.isoformat(),
            "description": one.description,
        }
        for one in {one.external_id: one for one in reversed(held)}.values()
    ]
    with session.elevated("appointments of an organization whose consultants were checked"):
        _only_consultants(session, organization_id, {one.payee_id for one in held})
        written = session.execute(
            _RECORD,
            {
                "organization_id": organization_id,
                "rows": json.dumps(rows[::-1]),
                "source": source.value,
                "actor": actor.label,
                "now": now,
            },
        )
    new = int(getattr(written, "rowcount", 0))
    if new:
        audit.record(
            session, actor, "appointments.recorded", "organization", organization_id, organization_id=organization_id,
            source=source.value, new=new, number=held[0].external_id if new == 1 else None,
        )  # fmt: skip
    return Recorded(new, len(held) - new)


def _only_consultants(session: Session, organization_id: UUID, payee_ids: set[UUID]) -> None:
    engaged = select(Engagement.payee_id).join(Payee, Payee.id == Engagement.payee_id)
    ours = engaged.where(
        Engagement.organization_id == organization_id,
        Engagement.payee_id.in_(payee_ids),
        Payee.kind == PayeeKind.CONSULTANT,
    )
    if payee_ids - set(session.scalars(ours)):
        raise Invalid(NOT_ENGAGED, fields={"payee_id": NOT_ENGAGED})


def dismiss(session: Session, actor: Actor, organization_id: UUID, appointment_id: UUID, reason: str) -> None:
    """Take an appointment out before it is paid: it was written down by mistake.

    Raises Forbidden, NotFound; Conflict when it has its earning already, Invalid without a reason.
    """
    actor.require(Permission.APPOINTMENT_RECORD)
    actor.require_organization(organization_id)
    if not reason.strip():
        raise Invalid("Give a reason.", fields={"reason": "Give a reason."})
    query = select(Appointment).where(
        Appointment.id == appointment_id, Appointment.organization_id == organization_id
    )  # fmt: skip
    found = session.scalar(query.with_for_update())
    if found is None:
        raise NotFound("There is no such appointment.")
    if found.status is not AppointmentStatus.COMPLETED:
        raise Conflict("This appointment is in an earning already, or was taken out before.")
    found.status = AppointmentStatus.DISMISSED
    audit.timeline(
        session, actor, "appointment", found.id, "dismissed", from_state="completed", note=reason.strip(),
        organization_id=organization_id, payee_id=found.payee_id,
    )  # fmt: skip
    audit.record(
        session, actor, "appointment.dismissed", "appointment", found.id, organization_id=organization_id,
        number=found.external_id, reason=reason.strip(),
    )  # fmt: skip


def by_reference(session: Session, organization_id: UUID, names: set[str]) -> dict[str, UUID | None]:
    """Who is meant by the organization's own number, e-mail address or name of a consultant, in any case.

    None for what means more than one; what means nobody is left out. The number goes before the address and the name.
    """
    wanted = {name.strip().lower() for name in names if name.strip()}
    if not wanted:
        return {}
    rows = session.execute(
        select(
            Engagement.payee_id, func.lower(Engagement.reference).label("reference"),
            func.lower(Payee.email).label("email"), Payee.name_search.label("name"),
        )
        .join(Payee, Payee.id == Engagement.payee_id)
        .where(
            Engagement.organization_id == organization_id,
            Payee.kind == PayeeKind.CONSULTANT,
            func.lower(Engagement.reference).in_(wanted)
            | func.lower(Payee.email).in_(wanted)
            | Payee.name_search.in_(wanted),
        )
    ).all()  # fmt: skip
    found: dict[str, UUID | None] = {}
    for column in ("name", "email", "reference"):  # the later one wins
        by: dict[str, set[UUID]] = {}
        for row in rows:
            if (value := getattr(row, column)) in wanted:
                by.setdefault(value, set()).add(row.payee_id)
        found |= {value: next(iter(ids)) if len(ids) == 1 else None for value, ids in by.items()}
    return found


def set_rate(session: Session, actor: Actor, organization_id: UUID, payee_id: UUID, rate_minor: int | None) -> None:
    """What a consultant gets for each appointment from the next run on, in the engagement's currency; None: as usual.

    Raises Forbidden, NotFound, Invalid for an amount that is not above zero.
    """
    actor.require(Permission.CONSULTATION_MANAGE)
    actor.require_organization(organization_id)
    if rate_minor is not None and rate_minor <= 0:
        raise Invalid("The rate is above zero.", fields={"rate": "More than zero, or nothing for the usual rate."})
    query = (
        select(Engagement)
        .join(Payee, Payee.id == Engagement.payee_id)
        .where(
            Engagement.organization_id == organization_id,
            Engagement.payee_id == payee_id,
            Payee.kind == PayeeKind.CONSULTANT,
        )
    )
    found = session.scalar(query.with_for_update(of=Engagement))
    if found is None:
        raise NotFound("There is no such consultant.")
    before, found.flat_rate_minor = found.flat_rate_minor, rate_minor
    if before != rate_minor:
        audit.record(
            session, actor, "engagement.flat_rate", "payee", payee_id, organization_id=organization_id,
            before_minor=before, rate_minor=rate_minor, currency=found.currency,
        )  # fmt: skip
