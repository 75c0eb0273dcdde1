"""Reads about accounts and their sessions. The tables are the platform's, so each read says why it looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from app.core.clock import utc_now
from app.db.paging import AnyRow
from app.db.session import ScopedSession
from app.identity.models import Account, SignInSession
from app.identity.rules import idle_limit
from app.identity.states import AccountStatus, Portal


@dataclass(frozen=True, slots=True)
class AccountCard:
    """What others may know of an account."""

    id: UUID
    portal: Portal
    email: str
    name: str
    payee_id: UUID | None
    status: AccountStatus
    last_signed_in_at: datetime | None
    has_password: bool


_CARD = (
    Account.id,
    Account.portal,
    Account.email,
    Account.name,
    Account.payee_id,
    Account.status,
    Account.last_signed_in_at,
    Account.password_hash.is_not(None),
)


def account_of(session: ScopedSession, portal: Portal, email: str) -> AccountCard | None:
    """The account of an address (as `rules.normal_email` made it) in a portal."""
    with session.elevated("look an account up"):
        row = session.execute(select(*_CARD).where(Account.portal == portal, Account.email == email)).one_or_none()
    return AccountCard(*row) if row else None


def account(session: ScopedSession, account_id: UUID) -> AccountCard | None:
    with session.elevated("look an account up"):
        row = session.execute(select(*_CARD).where(Account.id == account_id)).one_or_none()
    return AccountCard(*row) if row else None


def accounts_of_payee(session: ScopedSession, payee_id: UUID) -> list[AccountCard]:
    """Who signs in for a payee, oldest first."""
    with session.elevated("accounts of a payee"):
        rows = session.execute(select(*_CARD).where(Account.payee_id == payee_id).order_by(Account.id)).all()
    return [AccountCard(*row) for row in rows]


def active_accounts(session: ScopedSession, portal: Portal) -> list[AccountCard]:
    """Everybody who may sign in to a portal, oldest first."""
    with session.elevated("accounts of a portal"):
        rows = session.execute(
            select(*_CARD).where(Account.portal == portal, Account.status == AccountStatus.ACTIVE).order_by(Account.id)
        ).all()
    return [AccountCard(*row) for row in rows]


def open_sessions(session: ScopedSession, account_id: UUID, portal: Portal) -> Sequence[AnyRow]:
    """id, user_agent, ip, created_at, last_seen_at of the browsers signed in now, the latest first."""
    now = utc_now()
    with session.elevated("own sessions"):
        return session.execute(
            select(
                SignInSession.id,
                SignInSession.user_agent,
                SignInSession.ip,
                SignInSession.created_at,
                SignInSession.last_seen_at,
            )
            .where(
                SignInSession.account_id == account_id,
                SignInSession.revoked_at.is_(None),
                SignInSession.awaits_factor.is_(False),
                SignInSession.expires_at > now,
                SignInSession.last_seen_at > now - idle_limit(portal),
            )
            .order_by(SignInSession.last_seen_at.desc(), SignInSession.id)
        ).all()
