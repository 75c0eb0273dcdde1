"""Passkeys as a person meets them, and what an operator does for who lost every second step: mails and audit lines."""

from __future__ import annotations

from uuid import UUID

from app.audit import service as audit
from app.core.scope import Actor
from app.db.session import ScopedSession
from app.identity import authenticators, passkeys, queries, rules, sessions
from app.identity.passkeys import ClonedPasskey
from app.identity.sessions import Browser, Opened, SignedIn
from app.identity.states import Portal
from app.notify.names import tell_of_factor
from app.notify.sign_in import note


def add_passkey(session: ScopedSession, who: SignedIn, credential: str, name: str, browser: Browser) -> list[str]:
    """Keep a new passkey; other sessions end, the owner is told. Returns recovery codes when it is the first factor.

    Raises Forbidden, Invalid (keep the used challenge!), Conflict.
    """
    passkey_id = passkeys.add(session, who, credential, name)
    sessions.sign_out_everywhere(session, who.account_id, keep_session_id=who.session_id)
    note(session, who, browser, "passkey.added", passkey_id=passkey_id, name=name)
    tell_of_factor(session, who.portal, who.email, who.name, f"A passkey was added: {name}")
    return authenticators.first_codes(session, who.account_id)


def remove_passkey(
    session: ScopedSession, who: SignedIn, passkey_id: UUID, browser: Browser, *, one_must_stay: bool
) -> str:
    """Returns its name. Raises Forbidden without a fresh sign-in, NotFound, Conflict when the last one has to stay."""
    name = passkeys.remove(session, who, passkey_id, one_must_stay=one_must_stay)
    authenticators.forget_codes(session, who.account_id)
    note(session, who, browser, "passkey.removed", passkey_id=passkey_id, name=name)
    tell_of_factor(session, who.portal, who.email, who.name, f"A passkey was removed: {name}")
    return name


def by_passkey(
    session: ScopedSession, portal: Portal, who: SignedIn | None, credential: str, browser: Browser
) -> Opened:
    """Open a session that owes no second step. A passkey there are two of is refused, noted and told.

    Raises WrongPasskey (keep the used challenge!).
    """
    try:
        opened = passkeys.sign_in(session, portal, who, credential, browser)
    except ClonedPasskey as cloned:
        owner = queries.account(session, cloned.account_id)
        assert owner is not None
        actor = Actor(owner.name, "account", owner.id, payee_id=owner.payee_id, ip=browser.ip)
        audit.record(session, actor, "passkey.cloned", "account", owner.id, portal=portal.value)
        what = "A passkey was refused because there seems to be a copy of it; remove it and make another"
        tell_of_factor(session, portal, owner.email, owner.name, what)
        raise
    note(session, opened.signed_in, browser, "signed_in", by="passkey")
    return opened


def reset(session: ScopedSession, actor: Actor, portal: Portal, email: str) -> bool:
    """An operator takes every second step of a person away, who is told and signed out; False without such an account.

    Raises Invalid for what is no address.
    """
    owner = queries.account_of(session, portal, rules.normal_email(email))
    if owner is None:
        return False
    gone = authenticators.reset(session, owner.id)
    audit.record(session, actor, "second_step.reset", "account", owner.id, portal=portal.value, factors=gone)
    what = "An operator took away every second step of signing in, as somebody asked us to"
    tell_of_factor(session, portal, owner.email, owner.name, what)
    return True
