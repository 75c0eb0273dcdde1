"""Accounts and one-time links. Callers above add the mail and the audit line (`app/notify/sign_in.py`).

Everything here acts as the platform for its own statements only: accounts exist before any tenant scope does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import available_timezones

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from app.core.clock import utc_now
from app.core.crypto import token as new_token
from app.core.crypto import token_sha256
from app.core.errors import Conflict, Gone, Invalid
from app.db.session import ScopedSession
from app.db.tidying import remove
from app.db.types import new_id
from app.identity import rules, sessions
from app.identity.models import Account, OneTimeToken
from app.identity.sessions import Browser, Opened
from app.identity.states import AccountStatus, Portal, TokenPurpose


@dataclass(frozen=True, slots=True)
class Link:
    """A one-time link to be sent to its account's address. The token is shown this once; the database has its hash."""

    account_id: UUID
    portal: Portal
    purpose: TokenPurpose
    email: str
    name: str
    expires_at: datetime
    token: str = field(repr=False, default="")


def create_account(
    session: ScopedSession,
    portal: Portal,
    email: str,
    name: str,
    *,
    payee_id: UUID | None = None,
    time_zone: str = "UTC",
    locale: str = "en_US",
) -> UUID:
    """Make a login; returns its id. `payee_id` is required in payee portals and refused elsewhere.

    Raises Invalid for a bad address, Conflict when the address has an account in this portal.
    """
    email = rules.normal_email(email)
    with session.elevated("create an account"):
        made: UUID | None = session.scalar(
            insert(Account)
            .values(
                id=new_id(),
                portal=portal,
                email=email,
                name=name.strip() or email,
                payee_id=payee_id,
                time_zone=time_zone,
                locale=locale,
            )
            .on_conflict_do_nothing(index_elements=["portal", "email"])
            .returning(Account.id)
        )
    if made is None:
        raise Conflict("This address has an account here already.", fields={"email": "It has an account already."})
    return made


def invite(
    session: ScopedSession,
    portal: Portal,
    email: str,
    name: str,
    *,
    payee_id: UUID | None = None,
    time_zone: str = "UTC",
) -> Link:
    """A link valid for seven days that signs its reader in; the account is made when there is none.

    Inviting twice is harmless. Raises Invalid, or Conflict when the address signs in for another payee.
    """
    email = rules.normal_email(email)
    with session.elevated("invite"):
        account = _account(session, portal, email)
        if account is None:
            create_account(session, portal, email, name, payee_id=payee_id, time_zone=time_zone)
            account = _account(session, portal, email)
            assert account is not None
        if account.payee_id != payee_id:
            raise Conflict(
                "This address signs in for somebody else in this portal. Use another address.",
                fields={"email": "It belongs to another payee."},
            )
        if account.status is not AccountStatus.ACTIVE:
            raise Conflict("This account is suspended.", fields={"email": "The account is suspended."})
        return _make_link(session, account, TokenPurpose.INVITATION)


def request_link(
    session: ScopedSession, portal: Portal, email: str, purpose: TokenPurpose = TokenPurpose.SIGN_IN
) -> Link | None:
    """A link to sign in or to reset the password; None when nobody is to be told anything.

    None means: unknown or suspended address, or five links within the hour. Answer the person the same in all cases.
    Raises Invalid for what is no address.
    """
    email = rules.normal_email(email)
    with session.elevated("request a link"):
        account = _account(session, portal, email, lock=True)
        if account is None or account.status is not AccountStatus.ACTIVE:
            return None
        if purpose is TokenPurpose.PASSWORD_RESET and not rules.has_reset(portal):
            return None
        recent = session.scalar(
            select(func.count())
            .select_from(OneTimeToken)
            .where(
                OneTimeToken.account_id == account.id,
                OneTimeToken.purpose.in_((TokenPurpose.SIGN_IN, TokenPurpose.PASSWORD_RESET)),
                OneTimeToken.created_at > utc_now() - timedelta(hours=1),
            )
        )
        if (recent or 0) >= rules.LINKS_PER_HOUR:
            return None
        return _make_link(session, account, purpose)


def issue_link(session: ScopedSession, portal: Portal, email: str) -> Link | None:
    """A sign-in link made by an operator or the demo: not counted against the address. None when it has no account."""
    with session.elevated("operator's sign-in link"):
        account = _account(session, portal, rules.normal_email(email))
        if account is None or account.status is not AccountStatus.ACTIVE:
            return None
        return _make_link(session, account, TokenPurpose.SIGN_IN)


def peek_link(session: ScopedSession, portal: Portal, token: str, *purposes: TokenPurpose) -> Link | None:
    """Whose link it is while it can still be used; nothing is consumed."""
    with session.elevated("show a link's page"):
        row = session.execute(
            select(OneTimeToken, Account)
            .join(Account, Account.id == OneTimeToken.account_id)
            .where(*_usable(portal, token, purposes), Account.status == AccountStatus.ACTIVE)
        ).one_or_none()
        return _link_of(*row) if row else None


def use_link(session: ScopedSession, portal: Portal, token: str, browser: Browser) -> Opened:
    """Consume a sign-in or invitation link and open a session. Raises Gone."""
    with session.elevated("sign-in by link"):
        account = consume(session, portal, token, TokenPurpose.SIGN_IN, TokenPurpose.INVITATION)
        return sessions.open_for(session, account, browser)


def forget_old_links(session: ScopedSession, limit: int) -> int:
    """Remove at most `limit` links that expired a month ago; returns how many."""
    return remove(session, OneTimeToken, OneTimeToken.expires_at < utc_now() - rules.LINKS_KEPT, limit)


def set_preferences(session: ScopedSession, account_id: UUID, *, time_zone: str) -> None:
    """The zone dates are shown in. Raises Invalid for one nobody knows."""
    if time_zone not in available_timezones():
        raise Invalid("Choose a time zone of the list.", fields={"time_zone": "Choose one of the list."})
    with session.elevated("own preferences"):
        session.execute(update(Account).where(Account.id == account_id).values(time_zone=time_zone))


def set_profile(session: ScopedSession, account_id: UUID, *, name: str, locale: str, time_zone: str) -> None:
    """What the person is called, and how dates and amounts are written. Raises Invalid naming each bad field.

    The caller offers the locales; a tag nobody can read is refused.
    """
    wrong: dict[str, str] = {}
    if not name.strip() or len(name.strip()) > rules.LONGEST_NAME:
        wrong["name"] = f"Write your name, {rules.LONGEST_NAME} letters at most."
    if time_zone not in available_timezones():
        wrong["time_zone"] = "Choose one of the list."
    if not rules.is_locale(locale):
        wrong["locale"] = "Choose one of the list."
    if wrong:
        raise Invalid(" ".join(wrong.values()), fields=wrong)
    with session.elevated("own profile"):
        session.execute(
            update(Account)
            .where(Account.id == account_id)
            .values(name=" ".join(name.split()), locale=locale, time_zone=time_zone)
        )


def _account(session: ScopedSession, portal: Portal, email: str, *, lock: bool = False) -> Account | None:
    query = select(Account).where(Account.portal == portal, Account.email == email)
    return session.scalar(query.with_for_update() if lock else query)


def _make_link(session: ScopedSession, account: Account, purpose: TokenPurpose) -> Link:
    token, now = new_token(), utc_now()
    made = OneTimeToken(
        id=new_id(),
        created_at=now,
        account_id=account.id,
        portal=account.portal,
        purpose=purpose,
        token_sha256=token_sha256(token),
        expires_at=now + rules.LINK_LIVES[purpose],
    )
    session.add(made)
    session.flush()
    return _link_of(made, account, token)


def _link_of(row: OneTimeToken, account: Account, token: str = "") -> Link:
    return Link(account.id, account.portal, row.purpose, account.email, account.name, row.expires_at, token)


def _usable(portal: Portal, token: str, purposes: tuple[TokenPurpose, ...]) -> list[Any]:
    return [
        OneTimeToken.token_sha256 == token_sha256(token),
        OneTimeToken.portal == portal,
        OneTimeToken.purpose.in_(purposes),
        OneTimeToken.used_at.is_(None),
        OneTimeToken.expires_at > utc_now(),
    ]


def consume(session: ScopedSession, portal: Portal, token: str, *purposes: TokenPurpose) -> Account:
    """Use a link up; of two at once one gets it. Only for this package and an elevated caller. Raises Gone."""
    account_id = session.scalar(
        update(OneTimeToken)
        .where(*_usable(portal, token, purposes))
        .values(used_at=utc_now())
        .returning(OneTimeToken.account_id)
    )
    account = session.get(Account, account_id, with_for_update=True) if account_id else None
    if account is None or account.status is not AccountStatus.ACTIVE:
        raise Gone("This link was used before or has expired. Ask for a new one.")
    return account
