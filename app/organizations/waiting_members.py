"""Consultants who joined and wait until somebody of the organization says yes, unless it takes everybody it invites."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from app.audit import service as audit
from app.core.errors import Conflict
from app.core.scope import Actor, Permission
from app.core.settings import settings
from app.db.session import ScopedSession
from app.notify import service as notify
from app.notify.service import Letter
from app.organizations import gating, queries, rules, service
from app.organizations.models import Member, Organization
from app.organizations.states import MemberStatus, Role


def first_status(organization: Organization, role: Role) -> MemberStatus:
    """What a new member with this role is at first."""
    waits = role is Role.CONSULTANT and not organization.auto_approve_consultants
    return MemberStatus.PENDING if waits else MemberStatus.ACTIVE


def tell(session: ScopedSession, organization: Organization, member: Member, base_url: str) -> None:
    """Write to those who can approve."""
    url = f"{base_url}/org/{organization.slug}/members?status=PENDING"
    letters = [
        Letter(
            email,
            "member_news",
            f"{member.name} waits for your approval",
            {
                "name": name, "organization": organization.name, "url": url, "button": "See who waits",
                "news": f"{member.name} ({member.email}) has joined as {rules.article(member.role)} and waits until "
                "somebody approves it.",
            },
            organization_id=organization.id,
        )
        for name, email in queries.members_who(session, organization.id, Permission.MEMBER_MANAGE)
    ]  # fmt: skip
    notify.queue_many(session, letters)


def approve(session: ScopedSession, actor: Actor, organization_id: UUID, member_id: UUID) -> Member:
    """They are a member from now on, and are told; once is enough.

    Raises Forbidden for ranks at or above the actor's own, SwitchedOff for a gated role, NotFound.
    """
    member = service.to_change(session, actor, organization_id, member_id)
    gating.require_role(member.role)
    if member.status is MemberStatus.ACTIVE:
        return member
    member.status = MemberStatus.ACTIVE
    session.flush()
    audit.record(
        session, actor, "member.approved", "member", member.id, organization_id=organization_id, name=member.name,
        member_role=member.role.value,
    )  # fmt: skip
    _answer(session, member, f"You are {rules.article(member.role)} of the organization now.")
    return member


def decline(session: ScopedSession, actor: Actor, organization_id: UUID, member_id: UUID) -> Member:
    """They do not become a member, and are told. Raises Forbidden, NotFound, Conflict for somebody who is one."""
    member = service.to_change(session, actor, organization_id, member_id)
    if member.status is not MemberStatus.PENDING:
        raise Conflict(f"{member.name} is a member already; remove them instead.")
    member.status = MemberStatus.REMOVED
    session.flush()
    audit.record(
        session, actor, "member.declined", "member", member.id, organization_id=organization_id, name=member.name
    )
    _answer(session, member, "The organization decided not to take you in.")
    return member


def _answer(session: ScopedSession, member: Member, news: str) -> None:
    name = session.execute(select(Organization.name).where(Organization.id == member.organization_id)).scalar_one()
    notify.queue(
        session, member.email, "member_news", subject=f"{name}: your membership", organization_id=None,
        context={
            "name": member.name, "organization": name, "news": news, "url": f"{settings().base_url}/org/",
            "button": "Your organizations",
        },
    )  # fmt: skip
