"""Who must have a second step at sign-in: people who can move other people's money (decision 18)."""

from __future__ import annotations

from app.core.settings import settings
from app.db.session import ScopedSession
from app.identity import passkeys
from app.identity.sessions import SignedIn
from app.identity.states import Portal
from app.organizations import queries
from app.organizations.states import Role


def is_required(session: ScopedSession, who: SignedIn) -> bool:
    """Platform admins, owners and admins of an organization, where the installation asks for it."""
    if not settings().require_second_factor:
        return False
    if who.portal is Portal.ORG:
        return any(one.role in (Role.OWNER, Role.ADMIN) for one in queries.memberships(session, who.account_id))
    return who.portal is Portal.ADMIN


def is_missing(session: ScopedSession, who: SignedIn) -> bool:
    """Whether it is required of this person and not set up yet."""
    return is_required(session, who) and passkeys.count_factors(session, who.account_id) == 0
