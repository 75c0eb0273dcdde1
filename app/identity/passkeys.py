"""Passkeys (WebAuthn): a key pair in a person's device that signs in without mail, password or code.

A passkey proves that its device is there and that its owner unlocked it, so it stands for both steps of signing in.
It is bound to one account of one portal; each challenge counts once, also when the answer was wrong: the web edge keeps
the change although it answers 4xx (`keep()`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError

from app.core.clock import utc_now
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.settings import settings
from app.db.paging import AnyRow
from app.db.session import ScopedSession
from app.db.tidying import remove as remove_old
from app.db.types import new_id
from app.identity import ceremony, rules, sessions
from app.identity.ceremony import Site, Unproven
from app.identity.models import Account, Authenticator, Passkey, PasskeyChallenge
from app.identity.sessions import Browser, Opened, SignedIn
from app.identity.states import AccountStatus, PasskeyUse, Portal

CHALLENGE_LIVES = timedelta(minutes=5)
MOST = 20  # per account
NO_PASSKEY = "This passkey does not sign in here. Use another one, or sign in another way."


class WrongPasskey(Invalid):
    """Nothing tells whether the passkey is unknown, somebody else's, or of another portal."""

    def __init__(self) -> None:
        super().__init__(NO_PASSKEY)


class ClonedPasskey(WrongPasskey):
    """The signature was right but the device's counter went back: there are two of it. `account_id` is told."""

    def __init__(self, account_id: UUID) -> None:
        super().__init__()
        self.account_id = account_id


def site() -> Site | None:
    """From BASE_URL; None where there can be no passkeys."""
    return ceremony.site_of(settings().base_url)


def passkeys(session: ScopedSession, account_id: UUID) -> Sequence[AnyRow]:
    """id, name, created_at, last_used_at of an account's passkeys, oldest first."""
    with session.elevated("own passkeys"):
        return session.execute(
            select(Passkey.id, Passkey.name, Passkey.created_at, Passkey.last_used_at)
            .where(Passkey.account_id == account_id)
            .order_by(Passkey.created_at, Passkey.id)
        ).all()


def ask_to_add(session: ScopedSession, who: SignedIn) -> str:
    """Options for the browser to make a passkey, as JSON. Raises Forbidden without a fresh sign-in, Conflict."""
    _fresh(who)
    here = _site()
    with session.elevated("begin a passkey"):
        known = session.scalars(select(Passkey.credential_id).where(Passkey.account_id == who.account_id)).all()
    if len(known) >= MOST:
        raise Conflict(f"You have {MOST} passkeys. Remove one first.")
    name = f"{who.email} ({who.portal.value})"
    challenge, options = ceremony.options_to_make(here, who.account_id.bytes, name, who.name, known)
    _keep(session, challenge, who.portal, PasskeyUse.ADD, who.account_id)
    return options


def add(session: ScopedSession, who: SignedIn, credential: str, name: str) -> UUID:
    """Keep the passkey the browser made. Returns its id.

    Raises Forbidden, Invalid for a bad name or an answer that does not prove itself, Conflict for one known already.
    """
    _fresh(who)
    here, name = _site(), " ".join(name.split())
    if not name or len(name) > rules.LONGEST_NAME:
        sentence = f"Name it, {rules.LONGEST_NAME} letters at most."
        raise Invalid(sentence, fields={"name": sentence})
    try:
        answer = ceremony.read_made(credential)
        _use(session, answer.challenge, who.portal, PasskeyUse.ADD, who.account_id)
        made = ceremony.check_made(here, answer)
    except Unproven as wrong:
        raise Invalid("The passkey could not be checked. Try again.") from wrong
    row = Passkey(
        id=new_id(),
        account_id=who.account_id,
        name=name,
        credential_id=made.credential_id,
        public_key=made.public_key,
        sign_count=made.sign_count,
        transports=answer.transports,
    )
    try:
        with session.elevated("keep a passkey"), session.begin_nested():
            session.add(row)
    except IntegrityError as there:
        raise Conflict("This passkey is on a list already.") from there
    return row.id


def remove(session: ScopedSession, who: SignedIn, passkey_id: UUID, *, one_must_stay: bool) -> str:
    """Sign in without it from now on; returns its name.

    Raises Forbidden without a fresh sign-in, NotFound, Conflict for the last second factor of who must have one.
    """
    _fresh(who)
    with session.elevated("remove a passkey"):
        session.execute(select(Account.id).where(Account.id == who.account_id).with_for_update())
        found = session.scalar(select(Passkey).where(Passkey.id == passkey_id, Passkey.account_id == who.account_id))
        if found is None:
            raise NotFound("There is no such passkey.")
        if one_must_stay and count_factors(session, who.account_id) <= 1:
            raise Conflict("Your role needs a second step at sign-in, and this is your last one. Add another first.")
        session.delete(found)
        session.flush()
        return found.name


def ask_to_sign_in(session: ScopedSession, portal: Portal, who: SignedIn | None) -> str:
    """Options for the browser to sign with a passkey, as JSON: any of this portal's, or of `who` is signed in."""
    here, own = _site(), []
    if who is not None:
        with session.elevated("own passkeys"):
            own = list(session.scalars(select(Passkey.credential_id).where(Passkey.account_id == who.account_id)))
    challenge, options = ceremony.options_to_sign(here, own)
    _keep(session, challenge, portal, PasskeyUse.SIGN_IN, who.account_id if who else None)
    return options


def sign_in(session: ScopedSession, portal: Portal, who: SignedIn | None, credential: str, browser: Browser) -> Opened:
    """Open a session that owes no code. `who`: the person signed in, fully or half, who proves to be there.

    Raises WrongPasskey, or ClonedPasskey to be noted and told (keep the used challenge!).
    """
    here = _site()
    try:
        answer = ceremony.read_signed(credential)
    except Unproven:
        raise WrongPasskey from None
    _use(session, answer.challenge, portal, PasskeyUse.SIGN_IN, who.account_id if who else None)
    with session.elevated("sign-in by passkey"):
        row = session.execute(
            select(Passkey, Account)
            .join(Account, Account.id == Passkey.account_id)
            .where(
                Passkey.credential_id == answer.credential_id,
                Account.portal == portal,
                Account.status == AccountStatus.ACTIVE,
            )
            .with_for_update()
        ).one_or_none()
        if row is None or (who is not None and row[1].id != who.account_id):
            raise WrongPasskey
        found, account = row[0], row[1]
        if answer.user_handle not in (None, account.id.bytes):
            raise WrongPasskey
        try:
            count = ceremony.check_signed(here, answer, found.public_key)
        except Unproven:
            raise WrongPasskey from None
        if rules.counter_went_back(found.sign_count, count):
            raise ClonedPasskey(account.id)
        found.sign_count, found.last_used_at = count, utc_now()
        return sessions.open_for(session, account, browser, both_steps=True)


def count_factors(session: ScopedSession, account_id: UUID) -> int:
    """How many second factors an account has: its authenticator app and its passkeys."""
    with session.elevated("second factors"):
        apps = session.scalar(
            select(func.count()).where(Authenticator.account_id == account_id, Authenticator.confirmed_at.is_not(None))
        )
        keys = session.scalar(select(func.count()).where(Passkey.account_id == account_id))
    return (apps or 0) + (keys or 0)


def forget_old_challenges(session: ScopedSession, limit: int) -> int:
    """Remove at most `limit` challenges nobody answered; returns how many."""
    return remove_old(session, PasskeyChallenge, PasskeyChallenge.expires_at < utc_now(), limit)


def _keep(session: ScopedSession, challenge: bytes, portal: Portal, use: PasskeyUse, account_id: UUID | None) -> None:
    with session.elevated("keep a challenge"):
        session.add(
            PasskeyChallenge(
                id=new_id(),
                challenge_sha256=ceremony.digest(challenge),
                portal=portal,
                use=use,
                account_id=account_id,
                expires_at=utc_now() + CHALLENGE_LIVES,
            )
        )
        session.flush()


def _use(session: ScopedSession, challenge: bytes, portal: Portal, use: PasskeyUse, account_id: UUID | None) -> None:
    """Of two answers to one challenge, one gets it. Raises WrongPasskey."""
    with session.elevated("use a challenge"):
        gone = session.execute(
            delete(PasskeyChallenge)
            .where(
                PasskeyChallenge.challenge_sha256 == ceremony.digest(challenge),
                PasskeyChallenge.portal == portal,
                PasskeyChallenge.use == use,
                PasskeyChallenge.account_id.is_not_distinct_from(account_id),
                PasskeyChallenge.expires_at > utc_now(),
            )
            .returning(PasskeyChallenge.id)
        ).one_or_none()
    if gone is None:
        raise WrongPasskey


def _site() -> Site:
    found = site()
    if found is None:
        raise Conflict("Passkeys need an https address with a name; this installation has none.")
    return found


def _fresh(who: SignedIn) -> None:
    if not rules.is_stepped_up(who.stepped_up_at, utc_now(), sandbox=settings().sandbox):
        raise Forbidden("Confirm who you are first, then change how you sign in.")
