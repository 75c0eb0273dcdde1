"""The address a person signs in with, changed by themselves: the new one has to prove itself, the old one is told.

Callers above add the mails and the audit lines (`app/notify/sign_in.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, select, update

from app.core.clock import utc_now
from app.core.crypto import token as new_token
from app.core.crypto import token_sha256
from app.core.errors import Conflict, Forbidden, Gone, Invalid
from app.core.settings import settings
from app.db.session import ScopedSession
from app.db.types import new_id
from app.identity import rules, sessions
from app.identity.models import Account, AddressChange
from app.identity.sessions import SignedIn
from app.identity.states import AccountStatus, Portal


@dataclass(frozen=True, slots=True)
class Change:
    """An address change that waits for its link, or was made by it."""

    account_id: UUID
    portal: Portal
    name: str
    payee_id: UUID | None
    old_email: str
    new_email: str
    expires_at: datetime
    token: str = field(repr=False, default="")


def begin(session: ScopedSession, who: SignedIn, email: str) -> Change:
    """Ask for another address; nothing changes before its link is used. An earlier wish is void.

    Says nothing of whether the address has an account: using the link does, to whoever reads its mail.
    Raises Forbidden without a fresh sign-in, Invalid for a bad or the same address.
    """
    if not rules.is_stepped_up(who.stepped_up_at, utc_now(), sandbox=settings().sandbox):
        raise Forbidden("Confirm who you are first, then change your address.")
    email = rules.normal_email(email)
    if email == who.email:
        raise Invalid("This is your address already.", fields={"email": "This is your address already."})
    now, token = utc_now(), new_token()
    with session.elevated("ask for another address"):
        session.execute(
            update(AddressChange)
            .where(AddressChange.account_id == who.account_id, AddressChange.done_at.is_(None))
            .values(expires_at=now)
        )
        made = AddressChange(
            id=new_id(),
            account_id=who.account_id,
            old_email=who.email,
            new_email=email,
            token_sha256=token_sha256(token),
            expires_at=now + rules.ADDRESS_LINK_LIVES,
        )
        session.add(made)
        session.flush()
    return Change(who.account_id, who.portal, who.name, who.payee_id, who.email, email, made.expires_at or now, token)


def peek(session: ScopedSession, portal: Portal, token: str) -> Change | None:
    """What a link would change, while it can be used; nothing is consumed."""
    with session.elevated("show an address change"):
        row = session.execute(_usable(portal, token)).one_or_none()
    return _change_of(row[0], row[1]) if row else None


def confirm(session: ScopedSession, portal: Portal, token: str) -> Change:
    """The new address signs in from now on; every session ends, every link is void.

    Raises Gone, Conflict when the address has an account by now.
    """
    with session.elevated("change a sign-in address"):
        row = session.execute(_usable(portal, token).with_for_update()).one_or_none()
        if row is None:
            raise Gone("This link was used before or has expired. Ask for a new one.")
        wanted, account = row
        change = _change_of(wanted, account)
        taken = session.scalar(select(Account.id).where(Account.portal == portal, Account.email == change.new_email))
        if taken is not None:
            raise Conflict("This address has an account of its own here. Use another one.")
        account.email, wanted.done_at = change.new_email, utc_now()
        session.flush()
    sessions.sign_out_everywhere(session, change.account_id)
    return change


def note_contact_change(session: ScopedSession, payee_id: UUID, old: str | None, new: str | None) -> None:
    """Keep in mind the address a payee was written to before. The caller has checked that it may change."""
    if not old or old == new:
        return
    with session.elevated("the contact address of before"):
        session.add(AddressChange(id=new_id(), payee_id=payee_id, old_email=old, new_email=new, done_at=utc_now()))
        session.flush()


def _usable(portal: Portal, token: str) -> Select[AddressChange, Account]:
    return (
        select(AddressChange, Account)
        .join(Account, Account.id == AddressChange.account_id)
        .where(
            AddressChange.token_sha256 == token_sha256(token),
            AddressChange.done_at.is_(None),
            AddressChange.expires_at > utc_now(),
            AddressChange.old_email == Account.email,
            Account.portal == portal,
            Account.status == AccountStatus.ACTIVE,
        )
    )


def _change_of(row: AddressChange, account: Account) -> Change:
    assert row.new_email is not None
    assert row.expires_at is not None
    return Change(
        account.id, account.portal, account.name, account.payee_id, row.old_email, row.new_email, row.expires_at
    )
