"""Reads of who is a member and who is asked to be: lists by key, one of them, how many wait."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, Text, case, cast, func, or_, select
from sqlalchemy.orm import Session

from app.core.clock import utc_now
from app.core.errors import NotFound
from app.core.scope import ROLE_PERMISSIONS, Permission
from app.db import paging
from app.db.session import ScopedSession
from app.organizations.invitation_models import MemberImport, MemberInvitation
from app.organizations.models import Member, Organization
from app.organizations.states import RANKS, InvitationStatus, MemberStatus, Role


@dataclass(frozen=True, slots=True)
class MemberFilter:
    """`search` is part of a name or address. `department`: its name; empty for those without one."""

    search: str = ""
    role: Role | None = None
    status: MemberStatus | None = None
    department: str | None = None

    @property
    def any(self) -> bool:
        return bool(self.search or self.role or self.status or self.department is not None)


_BELOW = cast(case({role.value: -rank for role, rank in RANKS.items()}, value=Member.role), BigInteger)
_SORTED = func.lower(Member.name, type_=Text)
_MEMBER = (
    Member.id.label("member_id"), Member.account_id, Member.name, Member.email, Member.role, Member.status,
    Member.department, Member.created_at,
)  # fmt: skip


def members(
    session: Session,
    organization_id: UUID,
    wanted: MemberFilter = MemberFilter(),
    cursor: str | None = None,
    limit: int = paging.DEFAULT_LIMIT,
) -> paging.Page:
    """member_id, account_id, name, email, role, status, department, created_at; highest rank first, then by name."""
    query: paging.AnySelect = select(*_MEMBER, _BELOW.label("below"), _SORTED.label("sorted_name")).where(
        Member.organization_id == organization_id, Member.status != MemberStatus.REMOVED
    )
    if wanted.search:
        query = query.where(
            or_(
                Member.name.icontains(wanted.search, autoescape=True),
                Member.email.icontains(wanted.search, autoescape=True),
            )
        )
    if wanted.role is not None:
        query = query.where(Member.role == wanted.role)
    if wanted.status is not None:
        query = query.where(Member.status == wanted.status)
    if wanted.department is not None:
        query = query.where(Member.department.is_not_distinct_from(wanted.department or None))
    key = paging.Key((_BELOW, _SORTED, Member.id), ("below", "sorted_name", "member_id"), descending=False)
    return paging.fetch(session, query, key, cursor, limit)


def member(session: Session, organization_id: UUID, member_id: UUID) -> paging.AnyRow:
    """One row as in `members`. Raises NotFound, also for somebody who was removed."""
    row = session.execute(
        select(*_MEMBER).where(
            Member.id == member_id, Member.organization_id == organization_id, Member.status != MemberStatus.REMOVED
        )
    ).one_or_none()
    if row is None:
        raise NotFound("There is no such member.")
    return row


def whom_to_ask(session: Session, organization_id: UUID, may: Permission, limit: int = 3) -> list[str]:
    """Names of active members whose role includes `may`, the highest first."""
    able = [role for role in Role if may in ROLE_PERMISSIONS[role.value]]
    query = (
        select(Member.name)
        .where(Member.organization_id == organization_id, Member.status == MemberStatus.ACTIVE, Member.role.in_(able))
        .order_by(_BELOW, _SORTED, Member.id)
        .limit(limit)
    )
    return list(session.scalars(query))


def waiting(session: Session, organization_id: UUID) -> int:
    """How many joined and wait for approval, counted no further than a thousand."""
    return paging.capped_count(
        session,
        select(Member.id).where(Member.organization_id == organization_id, Member.status == MemberStatus.PENDING),
    )


def waits_for(session: ScopedSession, account_id: UUID) -> list[str]:
    """Names of the organizations that have yet to say yes to an account."""
    query = (
        select(Organization.name)
        .join(Member, Member.organization_id == Organization.id)
        .where(Member.account_id == account_id, Member.status == MemberStatus.PENDING)
        .order_by(Organization.name)
        .limit(50)
    )
    with session.elevated("memberships of the account that signs in"):
        return list(session.scalars(query))


class InvitationState(StrEnum):
    """An invitation as people read it."""

    OPEN = "PENDING"
    EXPIRED = "EXPIRED"
    ACCEPTED = "ACCEPTED"
    REVOKED = "REVOKED"


def state_of(status: InvitationStatus, expires_at: object) -> InvitationState:
    """`expires_at` is an aware moment."""
    late = status is InvitationStatus.PENDING and expires_at <= utc_now()  # type: ignore[operator]
    return InvitationState.EXPIRED if late else InvitationState(status.value)


_INVITATION = (
    MemberInvitation.id, MemberInvitation.email, MemberInvitation.name, MemberInvitation.role,
    MemberInvitation.department, MemberInvitation.status, MemberInvitation.invited_by, MemberInvitation.sent_at,
    MemberInvitation.expires_at,
    MemberInvitation.answered_at, MemberInvitation.created_at,
)  # fmt: skip


def invitations(
    session: Session,
    organization_id: UUID,
    state: InvitationState | None = None,
    cursor: str | None = None,
    limit: int = paging.DEFAULT_LIMIT,
) -> paging.Page:
    """id, email, name, role, department, status, invited_by, sent_at, expires_at, answered_at, created_at; the newest
    first."""
    query: paging.AnySelect = select(*_INVITATION).where(MemberInvitation.organization_id == organization_id)
    if state is not None:
        query = query.where(*_being(state))
    key = paging.Key((MemberInvitation.created_at, MemberInvitation.id), ("created_at", "id"))
    return paging.fetch(session, query, key, cursor, limit)


def _being(state: InvitationState) -> tuple[ColumnElement[bool], ...]:
    if state is InvitationState.OPEN:
        return MemberInvitation.status == InvitationStatus.PENDING, MemberInvitation.expires_at > utc_now()
    if state is InvitationState.EXPIRED:
        return MemberInvitation.status == InvitationStatus.PENDING, MemberInvitation.expires_at <= utc_now()
    return (MemberInvitation.status == InvitationStatus(state.value),)


def chosen_invitations(session: Session, organization_id: UUID, ids: Sequence[UUID]) -> Sequence[paging.AnyRow]:
    """Rows as in `invitations`, by address."""
    return session.execute(
        select(*_INVITATION)
        .where(MemberInvitation.organization_id == organization_id, MemberInvitation.id.in_(ids))
        .order_by(MemberInvitation.email)
    ).all()


def find_import(session: Session, organization_id: UUID, import_id: UUID) -> MemberImport:
    """Raises NotFound."""
    found = session.scalar(
        select(MemberImport).where(MemberImport.id == import_id, MemberImport.organization_id == organization_id)
    )
    if found is None:
        raise NotFound("There is no such file.")
    return found
