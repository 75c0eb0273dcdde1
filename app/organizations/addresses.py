"""What else knows a person by their sign-in address, when they change it."""

from __future__ import annotations

from sqlalchemy import text

from app.db.session import ScopedSession
from app.identity.addresses import Change
from app.identity.sessions import Browser
from app.identity.states import Portal
from app.notify import sign_in

_PAYEE = text("UPDATE payees SET email = :new WHERE id = :payee_id AND lower(email) = :old")
_MEMBERS = text("UPDATE members SET email = :new WHERE account_id = :account_id")


def confirm(session: ScopedSession, portal: Portal, token: str, browser: Browser) -> Change:
    """Use the link mailed to a new address. The members list, and a payee's contact address that was the same one, go
    along; both addresses are told. Raises Gone, Conflict.
    """
    change = sign_in.confirm_address(session, portal, token, browser)
    with session.elevated("an address its owner changed"):
        session.execute(_MEMBERS, {"account_id": change.account_id, "new": change.new_email})
        if change.payee_id is not None:
            session.execute(_PAYEE, {"payee_id": change.payee_id, "old": change.old_email, "new": change.new_email})
    return change
