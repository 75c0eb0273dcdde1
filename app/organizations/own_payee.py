"""The payee an organization is itself: it earns its part of bookings with its consultants and is paid as others are."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.core.clock import utc_now
from app.core.scope import Actor
from app.db.session import ScopedSession
from app.db.types import new_id
from app.organizations.models import Organization
from app.organizations.states import PROVIDES, OrganizationStatus
from app.payees.models import Engagement, Payee
from app.payees.states import PayeeKind


def find(session: Session, organization_id: UUID) -> UUID | None:
    """The organization's own payee; None for one that has no part of bookings to earn."""
    return session.scalar(select(Payee.id).where(Payee.own_organization_id == organization_id))


def ensure(session: ScopedSession, actor: Actor, organization_id: UUID) -> UUID | None:
    """Make an organization that provides a payee, engaged by itself; once, whoever asks how often.

    None for the house, for one that only buys, and before it is launched. The caller has checked the permission.
    """
    with session.elevated("an organization becomes a payee of its own"):
        of = session.get_one(Organization, organization_id)
        if of.kind not in PROVIDES or of.is_house or of.status is OrganizationStatus.DRAFT:
            return None
        now = utc_now()
        made: UUID | None = session.scalar(
            insert(Payee)
            .values(
                id=new_id(), kind=PayeeKind.ORGANIZATION, name=of.name, legal_name=of.legal_name, country=of.country,
                own_organization_id=of.id, created_at=now,
            )
            .on_conflict_do_nothing(index_elements=["own_organization_id"])
            .returning(Payee.id)
        )  # fmt: skip
        if made is None:
            return find(session, organization_id)
        session.add(Engagement(id=new_id(), organization_id=of.id, payee_id=made, currency=of.currency, terms_days=0))
        session.flush()
        audit.record(
            session, actor, "payee.created", "payee", made,
            organization_id=of.id, name=of.name, kind=PayeeKind.ORGANIZATION.value,
        )  # fmt: skip
        return made


def rename(session: ScopedSession, organization: Organization) -> None:
    """The payee is called as the organization is."""
    with session.elevated("an organization's own payee follows its name"):
        found = session.scalar(select(Payee).where(Payee.own_organization_id == organization.id))
        if found is not None:
            found.name, found.legal_name = organization.name, organization.legal_name
