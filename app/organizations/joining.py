"""Answering an invitation: the mailed link is proof of the address, with an account or without one."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.core.clock import utc_now
from app.core.crypto import token_sha256
from app.core.errors import Conflict, Forbidden, Gone
from app.core.scope import Actor
from app.core.settings import settings
from app.db import locks
from app.db.session import ScopedSession
from app.identity import queries as accounts
from app.identity import service as identity
from app.identity.sessions import Browser, Opened
from app.identity.states import AccountStatus, Portal
from app.notify import sign_in
from app.organizations import gating, rules, service, waiting_members
from app.organizations.invitation_models import MemberInvitation
from app.organizations.models import Member, Organization
from app.organizations.states import InvitationStatus, MemberStatus, OrganizationStatus, Role

_DEAD = "This invitation was used, withdrawn or replaced by a newer one, or its time is over. Ask for a new one."


@dataclass(frozen=True, slots=True)
class Offer:
    """What an open invitation says."""

    organization: str
    slug: str
    email: str
    name: str
    role: Role
    invited_by: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Joined:
    """A membership that an invitation began. PENDING: somebody of the organization has to say yes first."""

    organization_id: UUID
    organization: str
    slug: str
    member_id: UUID
    email: str
    role: Role
    status: MemberStatus


def peek(session: ScopedSession, token: str) -> Offer | None:
    """The offer of a link that can still be used; nothing is changed."""
    with session.elevated("show an invitation"):
        row = session.execute(
            select(
                Organization.name, Organization.slug, MemberInvitation.email, MemberInvitation.name,
                MemberInvitation.role, MemberInvitation.invited_by, MemberInvitation.expires_at,
            )
            .join(Organization, Organization.id == MemberInvitation.organization_id)
            .where(
                MemberInvitation.token_sha256 == token_sha256(token),
                MemberInvitation.status == InvitationStatus.PENDING,
                MemberInvitation.expires_at > utc_now(),
                Organization.status != OrganizationStatus.SUSPENDED,
            )
        ).one_or_none()  # fmt: skip
    return Offer(*row) if row else None


def other_account(offer_email: str, signed_in_as: str | None) -> str | None:
    """Why somebody signed in with this address cannot take the offer, or None."""
    if signed_in_as is None or signed_in_as == offer_email:
        return None
    return (
        f"You are signed in as {signed_in_as}, and this invitation is for {offer_email}. Sign out to join with that "
        "address, or ask for an invitation to yours."
    )


def accept(session: ScopedSession, token: str, *, signed_in_as: str | None, ip: str | None = None) -> Joined:
    """Become a member, once. Without an account the link makes one, for an address it has proved.

    Raises Gone for a dead link, Forbidden when another address is signed in, SwitchedOff for a gated role, Conflict
    when the account is suspended.
    """
    with session.elevated("accept an invitation"):
        found = _taken(session, token)
        if said := other_account(found.email, signed_in_as):
            raise Forbidden(said)
        gating.require_role(found.role)
        organization = session.execute(
            select(Organization).where(Organization.id == found.organization_id)
        ).scalar_one()
        if organization.status is OrganizationStatus.SUSPENDED:
            raise Gone(_DEAD)
        account_id, name = _account(session, found, organization.time_zone)
        actor = Actor(name, "system", account_id, organization_id=organization.id, ip=ip)
        member = _member(session, actor, found, organization, account_id, name)
        found.status, found.answered_at, found.member_id = InvitationStatus.ACCEPTED, utc_now(), member.id
        session.flush()
        audit.record(
            session, actor, "member.invitation_accepted", "invitation", found.id, organization_id=organization.id,
            member_role=found.role.value,
        )  # fmt: skip
        if found.role in rules.BOOKS:  # where they book: signing in there needs an account of its own
            with contextlib.suppress(Conflict):
                identity.create_account(session, Portal.CLIENT, found.email, name, time_zone=organization.time_zone)
        if member.status is MemberStatus.PENDING:
            waiting_members.tell(session, organization, member, settings().base_url)
        return Joined(
            organization.id, organization.name, organization.slug, member.id, found.email, member.role, member.status
        )


def _taken(session: Session, token: str) -> MemberInvitation:
    """The open invitation, locked behind the members of its organization. Raises Gone."""
    mine = MemberInvitation.token_sha256 == token_sha256(token)
    organization_id = session.scalar(select(MemberInvitation.organization_id).where(mine))
    if organization_id is None:
        raise Gone(_DEAD)
    locks.hold(session, "members", organization_id)
    found = session.scalar(
        select(MemberInvitation).where(mine).with_for_update().execution_options(populate_existing=True)
    )
    if found is None or found.status is not InvitationStatus.PENDING or found.expires_at <= utc_now():
        raise Gone(_DEAD)
    return found


def _account(session: ScopedSession, found: MemberInvitation, time_zone: str) -> tuple[UUID, str]:
    """Account of the address in the organization portal, made where there is none. Raises Conflict."""
    with contextlib.suppress(Conflict):
        identity.create_account(session, Portal.ORG, found.email, found.name, time_zone=time_zone)
    card = accounts.account_of(session, Portal.ORG, found.email)
    assert card is not None
    if card.status is not AccountStatus.ACTIVE:
        raise Conflict("The account of this address is suspended.")
    return card.id, card.name


def _member(
    session: Session, actor: Actor, found: MemberInvitation, organization: Organization, account_id: UUID, name: str
) -> Member:
    """Who is a member by now keeps role and state."""
    there = session.scalar(
        select(Member).where(
            Member.organization_id == found.organization_id,
            Member.account_id == account_id,
            Member.status != MemberStatus.REMOVED,
        )
    )
    if there is not None:
        return there
    return service.add_member(
        session, actor, found.organization_id, account_id=account_id, name=name, email=found.email, role=found.role,
        status=waiting_members.first_status(organization, found.role), department=found.department,
        closes_invitations=False,
    )  # fmt: skip


def open_session(session: ScopedSession, joined: Joined, browser: Browser) -> Opened:
    """Sign the person in who has just used the link. Raises Gone."""
    link = identity.issue_link(session, Portal.ORG, joined.email)
    if link is None:
        raise Gone(_DEAD)
    return sign_in.by_link(session, Portal.ORG, link.token, browser)
