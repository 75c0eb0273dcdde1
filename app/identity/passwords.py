"""Signing in by password, with a lock after five wrong ones, and changing it.

A wrong password is refused and yet counted: the web edge keeps the change although it answers 4xx (`keep()`).
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from app.core.clock import utc_now
from app.core.crypto import blind_index
from app.core.errors import Forbidden, Invalid, Locked, NotFound
from app.core.settings import settings
from app.db.session import ScopedSession
from app.db.tidying import remove
from app.db.types import new_id
from app.identity import password_hash, rules, service, sessions
from app.identity.models import Account, PasswordGuard
from app.identity.sessions import Browser, Opened, SignedIn
from app.identity.states import AccountStatus, Portal, TokenPurpose


class WrongPassword(Invalid):
    """Also for unknown addresses and accounts without a password: the answer does not tell which."""

    def __init__(self) -> None:
        super().__init__("This address and password do not belong together.")


def sign_in(session: ScopedSession, portal: Portal, email: str, password: str, browser: Browser) -> Opened:
    """Open a session. Raises WrongPassword (count it!), Locked after five of them, Invalid for what is no address."""
    if not rules.has_password(portal):
        raise NotFound("There are no passwords here. Ask for a sign-in link.")
    email = rules.normal_email(email)
    now = utc_now()
    with session.elevated("sign-in by password"):
        guard = _guard(session, portal, email)
        if guard.locked_until_at is not None:
            if guard.locked_until_at > now:
                minutes = rules.minutes_left(guard.locked_until_at, now)
                raise Locked(
                    f"Too many wrong passwords. Try again in {minutes} {'minute' if minutes == 1 else 'minutes'}, or "
                    "have a sign-in link mailed to you."
                )
            guard.failures, guard.locked_until_at = 0, None
        account = session.scalar(select(Account).where(Account.portal == portal, Account.email == email))
        stored = account.password_hash if account else None
        right = password_hash.fits(password, stored)
        if not right or account is None or account.status is not AccountStatus.ACTIVE:
            guard.failures += 1
            guard.last_failed_at = now
            if guard.failures >= rules.WRONG_PASSWORDS:
                guard.locked_until_at = now + rules.LOCK_LIVES
            session.flush()
            raise WrongPassword
        session.delete(guard)
        if stored and password_hash.is_outdated(stored):
            account.password_hash = password_hash.hashed(password)
        return sessions.open_for(session, account, browser)


def locked_until(session: ScopedSession, portal: Portal, email: str) -> datetime | None:
    """When the address may be tried again; None when it is not locked."""
    query = select(PasswordGuard.locked_until_at).where(
        PasswordGuard.portal == portal, PasswordGuard.email_index == _index(email)
    )
    with session.elevated("a lock's end"):
        return session.scalar(query)


def change(session: ScopedSession, signed_in: SignedIn, new: str) -> None:
    """Set the first or another password; all other sessions end. Raises Forbidden without a fresh sign-in, Invalid."""
    if not rules.has_password(signed_in.portal):
        raise NotFound("There are no passwords here.")
    if not rules.is_stepped_up(signed_in.stepped_up_at, utc_now(), sandbox=settings().sandbox):
        raise Forbidden("Confirm who you are first, then change the password.")
    _check(new, signed_in.email)
    with session.elevated("change own password"):
        account = session.get_one(Account, signed_in.account_id, with_for_update=True)
        _set(session, account, new)
    sessions.sign_out_everywhere(session, signed_in.account_id, keep_session_id=signed_in.session_id)


def reset(session: ScopedSession, portal: Portal, token: str, new: str) -> UUID:
    """Use a reset link up and set the password; all sessions end, a lock is lifted. Returns the account's id.

    Raises Gone for a dead link, Invalid for a weak password (the link can be used again then).
    """
    link = service.peek_link(session, portal, token, TokenPurpose.PASSWORD_RESET)
    if link is not None:
        _check(new, link.email)
    with session.elevated("reset a password by link"):
        account = service.consume(session, portal, token, TokenPurpose.PASSWORD_RESET)
        _set(session, account, new)
    sessions.sign_out_everywhere(session, account.id)
    return account.id


def set_first(session: ScopedSession, account_id: UUID, new: str) -> None:
    """Set a password for an account that was just made, by an operator or the demo. Raises Invalid."""
    with session.elevated("first password"):
        account = session.get_one(Account, account_id)
        _check(new, account.email)
        _set(session, account, new)


def forget_old_guards(session: ScopedSession, limit: int) -> int:
    """Remove at most `limit` counters nobody has touched for a day; returns how many."""
    return remove(session, PasswordGuard, PasswordGuard.last_failed_at < utc_now() - rules.GUARD_LIVES, limit)


def _check(new: str, email: str) -> None:
    weak = password_hash.weakness(new, email)
    if weak:
        raise Invalid(weak, fields={"password": weak})


def _set(session: ScopedSession, account: Account, new: str) -> None:
    account.password_hash = password_hash.hashed(new)
    session.execute(
        delete(PasswordGuard).where(
            PasswordGuard.portal == account.portal, PasswordGuard.email_index == _index(account.email)
        )
    )
    session.flush()


def _index(email: str) -> str:
    return blind_index(email, "password guard")


def _guard(session: ScopedSession, portal: Portal, email: str) -> PasswordGuard:
    """The counter of an address, locked until the transaction ends: tries on one address come one after the other."""
    made = insert(PasswordGuard).values(
        id=new_id(), portal=portal, email_index=_index(email), failures=0, last_failed_at=utc_now()
    )
    # An upsert that changes nothing takes the row's lock, and makes the row anew if a good sign-in just removed it.
    locked = made.on_conflict_do_update(
        index_elements=["portal", "email_index"], set_={"email_index": made.excluded.email_index}
    ).returning(PasswordGuard)
    return session.scalars(locked, execution_options={"populate_existing": True}).one()
