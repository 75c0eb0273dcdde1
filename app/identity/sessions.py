"""Sessions: one browser signed in to one portal as one account. The cookie holds a token, the row its hash."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, exists, or_, select, update

from app.core.clock import utc_now
from app.core.crypto import token as new_token
from app.core.crypto import token_sha256
from app.db.session import ScopedSession
from app.db.tidying import remove
from app.db.types import new_id
from app.identity import rules
from app.identity.models import Account, Authenticator, OneTimeToken, Passkey, SignInSession
from app.identity.states import AccountStatus, Portal


@dataclass(frozen=True, slots=True)
class Browser:
    """What is kept of the browser, so that a person recognizes it in the list of their sessions."""

    user_agent: str = ""
    ip: str | None = None


@dataclass(frozen=True, slots=True)
class SignedIn:
    """One open session and the account behind it."""

    session_id: UUID
    account_id: UUID
    portal: Portal
    email: str
    name: str
    payee_id: UUID | None
    time_zone: str
    locale: str
    has_password: bool
    signed_in_at: datetime
    stepped_up_at: datetime | None
    awaits_factor: bool = False


@dataclass(frozen=True, slots=True)
class Opened:
    """A new session; `token` goes into the cookie and nowhere else."""

    signed_in: SignedIn
    token: str = field(repr=False)


def open_for(session: ScopedSession, account: Account, browser: Browser, *, both_steps: bool = False) -> Opened:
    """Start a session for an account that has proved itself. Only for this package and an elevated caller.

    With an authenticator or a passkey set up, the session opens nothing before the second step
    (`authenticators.pass_step`, `passkeys.sign_in`), unless the proof was for `both_steps` as a passkey's is.
    """
    now, token = utc_now(), new_token()
    owes = not both_steps and bool(session.scalar(select(has_factor(account.id))))
    account.last_signed_in_at = now
    made = SignInSession(
        id=new_id(),
        created_at=now,
        account_id=account.id,
        portal=account.portal,
        token_sha256=token_sha256(token),
        user_agent=browser.user_agent[:300] or None,
        ip=browser.ip,
        last_seen_at=now,
        expires_at=now + rules.SESSION_LIVES,
        stepped_up_at=None if owes else now,
        awaits_factor=owes,
    )
    session.add(made)
    session.flush()
    return Opened(_signed_in(made, account), token)


def has_factor(account_id: UUID) -> ColumnElement[bool]:
    """Whether an account has a second factor, for use in a query."""
    app = exists().where(Authenticator.account_id == account_id, Authenticator.confirmed_at.is_not(None))
    return or_(app, exists().where(Passkey.account_id == account_id))


def load(session: ScopedSession, token: str) -> SignedIn | None:
    """The open session of a cookie's token. None when unknown, revoked, too old, idle for too long or suspended."""
    now = utc_now()
    with session.elevated("who is this"):
        row = session.execute(
            select(SignInSession, Account)
            .join(Account, Account.id == SignInSession.account_id)
            .where(SignInSession.token_sha256 == token_sha256(token))
        ).one_or_none()
        if row is None:
            return None
        found, account = row
        if found.revoked_at is not None or found.expires_at <= now or account.status is not AccountStatus.ACTIVE:
            return None
        if now - found.last_seen_at > rules.idle_limit(found.portal):
            return None
        if found.awaits_factor and now - found.created_at > rules.SECOND_STEP_LIVES:
            return None
        if now - found.last_seen_at > rules.SEEN_EVERY:
            _seen(session, found.id, now)
        return _signed_in(found, account)


def sign_out(session: ScopedSession, account_id: UUID, session_id: UUID) -> bool:
    """End one session of an account; False when it is not theirs or has ended."""
    with session.elevated("sign out"):
        gone = session.execute(
            update(SignInSession)
            .where(
                SignInSession.id == session_id,
                SignInSession.account_id == account_id,
                SignInSession.revoked_at.is_(None),
            )
            .values(revoked_at=utc_now())
            .returning(SignInSession.id)
        )
        return gone.one_or_none() is not None


def sign_out_everywhere(session: ScopedSession, account_id: UUID, *, keep_session_id: UUID | None = None) -> int:
    """End all sessions (but the one given) and void all links not yet used; returns how many sessions ended."""
    now = utc_now()
    with session.elevated("sign out everywhere"):
        conditions: list[Any] = [SignInSession.account_id == account_id, SignInSession.revoked_at.is_(None)]
        if keep_session_id is not None:
            conditions.append(SignInSession.id != keep_session_id)
        gone = session.execute(
            update(SignInSession).where(*conditions).values(revoked_at=now).returning(SignInSession.id)
        ).all()
        session.execute(
            update(OneTimeToken)
            .where(OneTimeToken.account_id == account_id, OneTimeToken.used_at.is_(None))
            .values(used_at=now)
        )
        return len(gone)


def forget_old(session: ScopedSession, limit: int) -> int:
    """Remove at most `limit` sessions that are long over; returns how many."""
    return remove(session, SignInSession, SignInSession.expires_at < utc_now() - rules.SESSIONS_KEPT, limit)


def _seen(session: ScopedSession, session_id: UUID, now: datetime) -> None:
    """Note the visit, unless another request of the same browser is doing so at this moment."""
    free = select(SignInSession.id).where(SignInSession.id == session_id).with_for_update(skip_locked=True)
    session.execute(
        update(SignInSession).where(SignInSession.id.in_(free.scalar_subquery())).values(last_seen_at=now),
        execution_options={"synchronize_session": False},
    )


def _signed_in(row: SignInSession, account: Account) -> SignedIn:
    return SignedIn(
        session_id=row.id,
        account_id=account.id,
        portal=account.portal,
        email=account.email,
        name=account.name,
        payee_id=account.payee_id,
        time_zone=account.time_zone,
        locale=account.locale,
        has_password=account.password_hash is not None,
        signed_in_at=row.created_at,
        stepped_up_at=row.stepped_up_at,
        awaits_factor=row.awaits_factor,
    )
