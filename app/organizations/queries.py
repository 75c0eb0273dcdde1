"""Reads about organizations, members and memberships."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.errors import NotFound
from app.core.scope import ROLE_PERMISSIONS, Permission
from app.db import paging
from app.db.session import ScopedSession
from app.organizations.models import FundsPolicy, Member, Organization
from app.organizations.states import RANKS, BillingMode, MemberStatus, OrganizationStatus, Role
from app.payees.models import Engagement
from app.payees.states import EngagementStatus


@dataclass(frozen=True, slots=True)
class Membership:
    """One organization an account may act for."""

    member_id: UUID
    organization_id: UUID
    slug: str
    name: str
    role: Role
    organization_status: OrganizationStatus
    billing_mode: BillingMode
    department: str | None = None

    @property
    def rank(self) -> int:
        return self.role.rank


_MEMBERSHIP = (
    Member.id, Organization.id, Organization.slug, Organization.name, Member.role, Organization.status,
    Organization.billing_mode, Member.department,
)  # fmt: skip


def memberships(session: ScopedSession, account_id: UUID) -> list[Membership]:
    """Active memberships of an account, by name of the organization. Read before an organization scope exists."""
    query = (
        select(*_MEMBERSHIP)
        .join(Organization, Organization.id == Member.organization_id)
        .where(Member.account_id == account_id, Member.status == MemberStatus.ACTIVE)
        .order_by(Organization.name, Organization.id)
    )
    with session.elevated("memberships of the account that signs in"):
        return [Membership(*row) for row in session.execute(query)]


def memberships_of_address(session: ScopedSession, email: str) -> list[Membership]:
    """Active memberships of whoever proved to read an address, which may be signed in elsewhere."""
    query = (
        select(*_MEMBERSHIP)
        .join(Organization, Organization.id == Member.organization_id)
        .where(
            Member.email == email.lower(),
            Member.status == MemberStatus.ACTIVE,
            Organization.status == OrganizationStatus.ACTIVE,
        )
        .order_by(Organization.name, Organization.id)
        .limit(50)
    )
    with session.elevated("memberships of an address"):
        return [Membership(*row) for row in session.execute(query)]


@dataclass(frozen=True, slots=True)
class Payer:
    """One organization that engages a payee, with the terms between them."""

    organization_id: UUID
    slug: str
    name: str
    time_zone: str
    currency: str
    terms_days: int
    reference: str | None
    status: EngagementStatus
    status_reason: str | None = None
    status_by_platform: bool = False


def payers(session: Session, payee_id: UUID) -> list[Payer]:
    """The organizations that engage a payee, by name; ended engagements last."""
    query = (
        select(
            Organization.id, Organization.slug, Organization.name, Organization.time_zone, Engagement.currency,
            Engagement.terms_days, Engagement.reference, Engagement.status, Engagement.status_reason,
            Engagement.status_by_platform,
        )
        .join(Organization, Organization.id == Engagement.organization_id)
        .where(Engagement.payee_id == payee_id)
        .order_by(Engagement.status == EngagementStatus.ENDED, Organization.name, Organization.id)
    )  # fmt: skip
    return [Payer(*tuple(row)) for row in session.execute(query)]


def by_slug(session: Session, slug: str) -> Organization:
    """Raises NotFound."""
    found = session.scalar(select(Organization).where(Organization.slug == slug))
    if found is None:
        raise NotFound(f"There is no organization “{slug}”.")
    return found


def by_id(session: Session, organization_id: UUID) -> Organization:
    """Raises NotFound."""
    found = session.get(Organization, organization_id)
    if found is None:
        raise NotFound("There is no such organization.")
    return found


def members(session: Session, organization_id: UUID) -> Sequence[paging.AnyRow]:
    """member_id, account_id, name, email, role, status, created_at; highest rank first."""
    rows = session.execute(
        select(
            Member.id.label("member_id"), Member.account_id, Member.name, Member.email, Member.role, Member.status,
            Member.created_at,
        ).where(Member.organization_id == organization_id, Member.status != MemberStatus.REMOVED)
    ).all()  # fmt: skip
    return sorted(rows, key=lambda row: (-RANKS[row.role], row.name.lower()))


def organizations(session: Session, cursor: str | None = None, limit: int = paging.DEFAULT_LIMIT) -> paging.Page:
    """id, slug, name, kind, status, currency, created_at; newest first."""
    query = select(
        Organization.id, Organization.slug, Organization.name, Organization.kind, Organization.status,
        Organization.currency, Organization.created_at,
    )  # fmt: skip
    key = paging.Key((Organization.created_at, Organization.id), ("created_at", "id"))
    return paging.fetch(session, query, key, cursor, limit)


def funds_policies(session: Session, organization_id: UUID) -> dict[str, FundsPolicy]:
    """By currency; a currency without a row has no credit."""
    rows = session.scalars(select(FundsPolicy).where(FundsPolicy.organization_id == organization_id))
    return {row.currency: row for row in rows}


def members_who(session: ScopedSession, organization_id: UUID, may: Permission) -> list[tuple[str, str]]:
    """Name and address of the active members whose role includes `may`; also asked while a payee acts."""
    roles = [role for role in Role if may in ROLE_PERMISSIONS[role.value]]
    query = (
        select(Member.name, Member.email)
        .where(Member.organization_id == organization_id, Member.status == MemberStatus.ACTIVE, Member.role.in_(roles))
        .order_by(Member.email)
    )
    with session.elevated("whom of the organization to write to"):
        return [(row.name, row.email) for row in session.execute(query)]


def names(session: Session, organization_ids: Iterable[UUID]) -> dict[UUID, str]:
    """Names of several organizations at once."""
    rows = session.execute(
        select(Organization.id, Organization.name).where(Organization.id.in_(list(organization_ids)))
    )
    return {row.id: row.name for row in rows}
