"""Asking people to join: one, several, or a chunk of a file, always in a handful of statements.

The link's token stands in the mail alone. Sending again makes a new one, and the old link is dead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.core.clock import utc_now
from app.core.crypto import token as new_token
from app.core.crypto import token_sha256
from app.core.errors import Conflict, Forbidden, NotFound
from app.core.scope import Actor, Permission
from app.core.settings import settings
from app.db import locks
from app.db.session import ScopedSession
from app.db.types import new_id
from app.notify import service as notify
from app.notify.service import Letter
from app.organizations import gating, rules
from app.organizations.invitation_models import MemberInvitation
from app.organizations.models import Member, Organization
from app.organizations.states import InvitationStatus, MemberStatus, Role

LIFE = timedelta(days=7)
ASKED = "is invited already"
SUBJECT = "invitation"
BOOKING_PATH = "/client/signin"


@dataclass(frozen=True, slots=True)
class Person:
    """Whom to ask. `email` as `identity.rules.normal_email` made it; `name` may be empty, `department` as
    `departments.tidy` made it."""

    email: str
    name: str
    role: Role
    department: str | None = None


def require(actor: Actor, organization_id: UUID) -> None:
    """Raises Forbidden."""
    actor.require(Permission.MEMBER_MANAGE)
    actor.require_organization(organization_id)


def rank_of(actor: Actor) -> int:
    """The platform stands above every member."""
    return 1_000 if actor.can(Permission.PLATFORM) else actor.rank


def why_not(actor: Actor, role: Role) -> str | None:
    """A sentence when this actor cannot give the role here, else None."""
    return rules.may_grant(rank_of(actor), role) or gating.why_not(role)


def require_role(actor: Actor, role: Role) -> None:
    """Raises Forbidden for a rank that is not below the actor's, SwitchedOff for a gated role."""
    if said := rules.may_grant(rank_of(actor), role):
        raise Forbidden(said)
    gating.require_role(role)


def known(session: Session, organization_id: UUID, emails: Sequence[str]) -> dict[str, str]:
    """Address → why nobody has to be asked: a member, somebody who waits for approval, or asked already."""
    if not emails:
        return {}
    asked = session.scalars(
        select(MemberInvitation.email).where(
            MemberInvitation.organization_id == organization_id,
            MemberInvitation.email.in_(emails),
            MemberInvitation.status == InvitationStatus.PENDING,
            MemberInvitation.expires_at > utc_now(),
        )
    )
    found = dict.fromkeys(asked, ASKED)
    there = session.execute(
        select(Member.email, Member.status).where(
            Member.organization_id == organization_id,
            Member.email.in_(emails),
            Member.status != MemberStatus.REMOVED,
        )
    )
    for row in there:
        waits = row.status is MemberStatus.PENDING
        found[row.email] = "has joined and waits for approval" if waits else "is a member already"
    return found


@dataclass(frozen=True, slots=True)
class Asked:
    """`sent`: address → its invitation; `known`: address → why it was left."""

    sent: dict[str, UUID]
    known: dict[str, str]


def invite(session: ScopedSession, actor: Actor, organization_id: UUID, people: Sequence[Person]) -> Asked:
    """Mail each a link of their own, valid for seven days. Who is a member or asked already is left and named.

    Raises Forbidden, SwitchedOff; nobody is asked then.
    """
    require(actor, organization_id)
    for role in {one.role for one in people}:
        require_role(actor, role)
    locks.hold(session, "members", organization_id)
    left = known(session, organization_id, [one.email for one in people])
    wanted = list({one.email: one for one in people if one.email not in left}.values())
    if not wanted:
        return Asked({}, left)
    now, tokens = utc_now(), {one.email: new_token() for one in wanted}
    made = _write(session, actor, organization_id, wanted, tokens, now)
    _mail(session, actor, organization_id, wanted, tokens)
    audit.record_many(session, actor, "member.invited", SUBJECT, list(made.values()), organization_id=organization_id)
    return Asked(made, left)


def _write(
    session: Session,
    actor: Actor,
    organization_id: UUID,
    people: Sequence[Person],
    tokens: dict[str, str],
    now: datetime,
) -> dict[str, UUID]:
    """One that expired begins anew in its own row."""
    rows: list[dict[str, Any]] = [
        {
            "id": new_id(), "created_at": now, "organization_id": organization_id, "email": one.email,
            "name": one.name, "role": one.role, "department": one.department, "status": InvitationStatus.PENDING,
            "token_sha256": token_sha256(tokens[one.email]), "expires_at": now + LIFE, "sent_at": now,
            "invited_by": actor.label, "invited_by_account_id": actor.account_id,
        }
        for one in people
    ]  # fmt: skip
    adding = insert(MemberInvitation).values(rows)
    anew = {
        name: adding.excluded[name]
        for name in (
            "name", "role", "department", "token_sha256", "expires_at", "sent_at", "invited_by",
            "invited_by_account_id",
        )
    }  # fmt: skip
    query = adding.on_conflict_do_update(
        index_elements=["organization_id", "email"],
        index_where=MemberInvitation.status == InvitationStatus.PENDING.value,
        set_=anew,
    ).returning(MemberInvitation.email, MemberInvitation.id)
    return {row.email: row.id for row in session.execute(query)}


def _mail(
    session: ScopedSession, actor: Actor, organization_id: UUID, people: Sequence[Person], tokens: dict[str, str]
) -> None:
    name = session.execute(select(Organization.name).where(Organization.id == organization_id)).scalar_one()
    base = settings().base_url
    letters = [
        Letter(
            one.email,
            "member_invitation",
            f"{name} invites you to Quittance",
            {
                "name": one.name or one.email, "organization": name, "inviter": actor.label,
                "role": rules.article(one.role), "what": rules.WHAT[one.role], "days": LIFE.days,
                "booking_url": f"{base}{BOOKING_PATH}" if one.role in rules.BOOKS else "",
            },
            organization_id=organization_id,
            secrets={"link": f"{base}/org/invitations/{tokens[one.email]}"},
        )
        for one in people
    ]  # fmt: skip
    notify.queue_many(session, letters)


def _open(session: Session, actor: Actor, organization_id: UUID, invitation_id: UUID) -> MemberInvitation:
    """The invitation, locked, while nobody has answered it. Raises Forbidden, NotFound, Conflict."""
    require(actor, organization_id)
    locks.hold(session, "members", organization_id)
    found = session.scalar(
        select(MemberInvitation)
        .where(MemberInvitation.id == invitation_id, MemberInvitation.organization_id == organization_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound("There is no such invitation.")
    if said := rules.may_grant(rank_of(actor), found.role):
        raise Forbidden(said)
    if found.status is not InvitationStatus.PENDING:
        raise Conflict(
            f"{found.email} has {'joined' if found.status is InvitationStatus.ACCEPTED else 'no invitation'}."
        )
    return found


def resend(session: ScopedSession, actor: Actor, organization_id: UUID, invitation_id: UUID) -> MemberInvitation:
    """A new link, valid for seven days from now; the one of before is dead.

    Raises Forbidden, NotFound, SwitchedOff, Conflict when it was answered, withdrawn or sent a moment ago.
    """
    found = _open(session, actor, organization_id, invitation_id)
    gating.require_role(found.role)
    now, token = utc_now(), new_token()
    if now - found.sent_at < timedelta(minutes=1):
        raise Conflict(f"{found.email} was written to a moment ago. Wait a minute.")
    found.token_sha256, found.expires_at, found.sent_at = token_sha256(token), now + LIFE, now
    session.flush()
    _mail(session, actor, organization_id, [Person(found.email, found.name, found.role)], {found.email: token})
    audit.record(session, actor, "member.invited_again", SUBJECT, found.id, organization_id=organization_id)
    return found


def revoke(session: Session, actor: Actor, organization_id: UUID, invitation_id: UUID) -> MemberInvitation:
    """The link is dead. Raises Forbidden, NotFound, Conflict."""
    found = _open(session, actor, organization_id, invitation_id)
    found.status, found.answered_at = InvitationStatus.REVOKED, utc_now()
    session.flush()
    audit.record(session, actor, "member.invitation_revoked", SUBJECT, found.id, organization_id=organization_id)
    return found


def withdraw_of(session: Session, organization_id: UUID, account_id: UUID, email: str) -> None:
    """Whoever became a member another way, or is one no more, has no open link. Also to addresses of before."""
    addresses = select(func.lower(Member.email)).where(
        Member.organization_id == organization_id, Member.account_id == account_id
    )
    session.execute(
        update(MemberInvitation)
        .where(
            MemberInvitation.organization_id == organization_id,
            MemberInvitation.status == InvitationStatus.PENDING,
            or_(MemberInvitation.email == email.lower(), MemberInvitation.email.in_(addresses)),
        )
        .values(status=InvitationStatus.REVOKED, answered_at=utc_now())
        .execution_options(synchronize_session=False)
    )
