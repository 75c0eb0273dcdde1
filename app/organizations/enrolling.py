"""Making somebody a member at once, without an invitation to answer: for programs and other systems of record."""

from __future__ import annotations

import contextlib
from uuid import UUID

from app.core.errors import Conflict
from app.core.scope import Actor
from app.core.settings import settings
from app.db.session import ScopedSession
from app.identity import queries as accounts
from app.identity import service as identity
from app.identity.rules import normal_email
from app.identity.states import Portal
from app.notify import sign_in
from app.organizations import inviting, rules, service, waiting_members
from app.organizations.models import Member
from app.organizations.states import MemberStatus, Role


def enroll(
    session: ScopedSession,
    actor: Actor,
    organization_id: UUID,
    *,
    email: str,
    name: str,
    role: Role,
    department: str | None = None,
) -> Member:
    """A member from now on (a consultant may have to wait for approval), with a mail that signs them in.

    Raises Forbidden, SwitchedOff, Invalid for what is no address, Conflict for a member or a suspended account.
    """
    inviting.require(actor, organization_id)
    inviting.require_role(actor, role)
    email, organization = normal_email(email), service.get(session, organization_id)
    name = name.strip() or email
    said = inviting.known(session, organization_id, [email]).get(email, inviting.ASKED)
    if said != inviting.ASKED:
        raise Conflict(f"{email} {said}.", fields={"email": said})
    account_id = sign_in.invite(
        session, actor, Portal.ORG, email, name, inviter=organization.name, organization_id=organization_id,
        time_zone=organization.time_zone,
    )  # fmt: skip
    own = accounts.account(session, account_id)  # who has an account keeps the name they gave themselves
    made = service.add_member(
        session, actor, organization_id, account_id=account_id, name=own.name if own else name, email=email, role=role,
        status=waiting_members.first_status(organization, role), department=department,
    )  # fmt: skip
    if role in rules.BOOKS:
        with contextlib.suppress(Conflict):
            identity.create_account(session, Portal.CLIENT, email, name, time_zone=organization.time_zone)
    if made.status is MemberStatus.PENDING:
        waiting_members.tell(session, organization, made, settings().base_url)
    return made
