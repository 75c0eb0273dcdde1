"""Who waits for the monthly run, and who may withdraw before it (decision 16).

Doctors, and consultants of provider organizations, are paid by the month. With `instant_payout` they withdraw what is
ready at any hour; so does everybody else.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.consultations.earning_lines import following
from app.consultations.entitlements import Entitlement, entitled
from app.consultations.profile_models import ConsultantProfile
from app.consultations.states import Practice
from app.core.clock import today
from app.core.errors import Forbidden
from app.organizations.models import Organization
from app.organizations.states import OrganizationKind
from app.payees.models import Engagement, Payee
from app.payees.states import PayeeKind
from app.payouts.calculating import local_today


def by_the_month(practice: Practice | None, kind: OrganizationKind) -> bool:
    """Whether an organization pays a consultant with the run of the month. `practice` None: one without a profile."""
    provides = kind in (OrganizationKind.PROVIDER, OrganizationKind.HYBRID)
    return practice is Practice.DOCTOR or (provides and practice is not Practice.ADVISOR)


def next_run(time_zone: str) -> date:
    """The first of the next month where the organization is."""
    return following(local_today(time_zone))


def waits(session: Session, payee_id: UUID) -> Mapping[UUID, date]:
    """Organizations of which this payee cannot withdraw now, with the day their next run is calculated."""
    rows = session.execute(
        select(
            Organization.id, Organization.kind, Organization.time_zone, ConsultantProfile.practice,
            ConsultantProfile.premium_until,
        )
        .join(Engagement, Engagement.organization_id == Organization.id)
        .join(Payee, Payee.id == Engagement.payee_id)
        .outerjoin(ConsultantProfile, ConsultantProfile.payee_id == Payee.id)
        .where(Engagement.payee_id == payee_id, Payee.kind == PayeeKind.CONSULTANT)
    )  # fmt: skip
    return {
        row.id: next_run(row.time_zone)
        for row in rows
        if by_the_month(row.practice, row.kind) and not entitled(row, Entitlement.INSTANT_PAYOUT, today())
    }


def sentence(until: date) -> str:
    """What somebody who has to wait is told."""
    return (
        f"What you earn here is paid by the month; the next payout is calculated on {until:%B} {until.day}. "
        "With the premium plan you can withdraw at any hour."
    )


def refuse(session: Session, organization_id: UUID, payee_id: UUID) -> None:
    """Raises Forbidden for a withdrawal that has to wait for the run."""
    until = waits(session, payee_id).get(organization_id)
    if until is not None:
        raise Forbidden(sentence(until))
