"""One-time codes from an app (TOTP, RFC 6238): set up, asked for at sign-in, replaced by recovery codes when lost.

A wrong code is refused and yet counted: the web edge keeps the change although it answers 4xx (`keep()`).
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import pyotp
from sqlalchemy import delete, exists, func, select, update

from app.core.clock import utc_now
from app.core.crypto import blind_index, open_sealed, seal
from app.core.errors import Conflict, Forbidden, Gone, Invalid, Locked
from app.core.settings import settings
from app.db.session import ScopedSession
from app.db.types import SealedText, new_id
from app.identity import rules
from app.identity.models import Account, Authenticator, Passkey, RecoveryCode, SignInSession
from app.identity.sessions import SignedIn, has_factor, sign_out_everywhere

ISSUER = "Quittance"
STEP_SECONDS = 30
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that looks like another


class WrongCode(Invalid):
    def __init__(self) -> None:
        sentence = "This code is wrong, too old or was used. Wait for the next one."
        super().__init__(sentence, fields={"code": sentence})


@dataclass(frozen=True, slots=True)
class Setup:
    """What an app needs: `uri` as a QR code, `secret` to type."""

    uri: str = field(repr=False)
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Status:
    """`since` None: no authenticator. `codes_left`: recovery codes not used yet; they stand in for passkeys too."""

    since: datetime | None
    codes_left: int


def status(session: ScopedSession, account_id: UUID) -> Status:
    with session.elevated("own authenticator"):
        since = session.scalar(select(Authenticator.confirmed_at).where(Authenticator.account_id == account_id))
        left = session.scalar(
            select(func.count()).where(RecoveryCode.account_id == account_id, RecoveryCode.used_at.is_(None))
        )
    return Status(since, left or 0)


def begin(session: ScopedSession, who: SignedIn) -> None:
    """Make a new secret, not asked for before it is confirmed. Raises Forbidden, Conflict when one is set up."""
    _fresh(who)
    with session.elevated("set up an authenticator"):
        found = _row(session, who.account_id)
        if found is not None and found.confirmed_at is not None:
            raise Conflict("An authenticator is set up already. Remove it first.")
        sealed = SealedText(seal(pyotp.random_base32(), _context(who.account_id)))
        if found is None:
            session.add(Authenticator(id=new_id(), account_id=who.account_id, secret_sealed=sealed))
        else:
            found.secret_sealed, found.failures, found.locked_until_at = sealed, 0, None
        session.flush()


def pending(session: ScopedSession, who: SignedIn) -> Setup | None:
    """The secret begun and not confirmed. Raises Forbidden without a fresh sign-in."""
    _fresh(who)
    with session.elevated("show the authenticator being set up"):
        found = _row(session, who.account_id)
        if found is None or found.confirmed_at is not None:
            return None
        secret = str(open_sealed(found.secret_sealed, _context(who.account_id)))
    name = f"{who.email} ({who.portal.value})"
    return Setup(pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=ISSUER), secret)


def confirm(session: ScopedSession, who: SignedIn, code: str) -> list[str]:
    """Prove that the app works: from now on its code is asked for. Returns the recovery codes, shown this once.

    Raises Forbidden, Gone when nothing was begun, WrongCode (count it!), Locked.
    """
    _fresh(who)
    with session.elevated("confirm an authenticator"):
        found = _row(session, who.account_id)
        if found is None or found.confirmed_at is not None:
            raise Gone("Nothing is being set up. Begin again.")
        _check(session, found, code)
        found.confirmed_at = utc_now()
        return _new_codes(session, who.account_id)


def new_recovery_codes(session: ScopedSession, who: SignedIn) -> list[str]:
    """Ten other codes; the old ones are void. Raises Forbidden, Conflict without a second factor."""
    _fresh(who)
    with session.elevated("renew recovery codes"):
        if not session.scalar(select(has_factor(who.account_id))):
            raise Conflict("Set up an authenticator app or a passkey first.")
        return _new_codes(session, who.account_id)


def first_codes(session: ScopedSession, account_id: UUID) -> list[str]:
    """Recovery codes for an account that got its first second factor; none when it has some already."""
    with session.elevated("first recovery codes"):
        there = session.scalar(select(func.count()).where(RecoveryCode.account_id == account_id))
        return [] if there else _new_codes(session, account_id)


def forget_codes(session: ScopedSession, account_id: UUID) -> None:
    """Void the recovery codes of an account that has no second factor any more; others keep theirs."""
    with session.elevated("recovery codes of nothing"):
        if not session.scalar(select(has_factor(account_id))):
            session.execute(delete(RecoveryCode).where(RecoveryCode.account_id == account_id))


def remove(session: ScopedSession, who: SignedIn, *, one_must_stay: bool) -> None:
    """Sign in without its code again.

    Raises Forbidden without a fresh sign-in, Conflict when there is none, or for the last second factor of who must
    have one.
    """
    _fresh(who)
    with session.elevated("remove an authenticator"):
        session.execute(select(Account.id).where(Account.id == who.account_id).with_for_update())
        found = _confirmed(session, who.account_id)
        if one_must_stay and not session.scalar(select(exists().where(Passkey.account_id == who.account_id))):
            raise Conflict("Your role needs a second step at sign-in, and this is your last one. Add a passkey first.")
        session.delete(found)
        session.flush()
    forget_codes(session, who.account_id)


def reset(session: ScopedSession, account_id: UUID) -> int:
    """Take every second factor of an account away, its sessions too; returns how many there were. For an operator."""
    with session.elevated("an operator resets the second step"):
        apps = session.execute(
            delete(Authenticator).where(Authenticator.account_id == account_id).returning(Authenticator.confirmed_at)
        ).all()
        keys = session.execute(delete(Passkey).where(Passkey.account_id == account_id).returning(Passkey.id)).all()
        session.execute(delete(RecoveryCode).where(RecoveryCode.account_id == account_id))
    sign_out_everywhere(session, account_id)
    return sum(1 for row in apps if row.confirmed_at is not None) + len(keys)


def pass_step(session: ScopedSession, who: SignedIn, code: str) -> bool:
    """Open a session that waits for its code; True when a recovery code was used up.

    Raises WrongCode (count it!), Locked after five of them, Gone when the session waits for nothing.
    """
    with session.elevated("second step of sign-in"):
        found = _row(session, who.account_id)
        if not who.awaits_factor:
            raise Gone("This sign-in is over. Begin again.")
        if found is not None and found.confirmed_at is not None:
            by_recovery = _check(session, found, code, recovery=True)
        elif _use_recovery(session, who.account_id, _typed(code), utc_now()):  # of somebody with passkeys only
            by_recovery = True
        else:
            raise WrongCode
        session.execute(
            update(SignInSession)
            .where(SignInSession.id == who.session_id, SignInSession.account_id == who.account_id)
            .values(awaits_factor=False, stepped_up_at=utc_now())
        )
    return by_recovery


def _check(session: ScopedSession, found: Authenticator, code: str, *, recovery: bool = False) -> bool:
    """True for a recovery code. Each code counts once, also within its half minute."""
    now = utc_now()
    if found.locked_until_at is not None and found.locked_until_at > now:
        minutes = rules.minutes_left(found.locked_until_at, now)
        raise Locked(f"Too many wrong codes. Try again in {minutes} {'minute' if minutes == 1 else 'minutes'}.")
    typed = _typed(code)
    step = _step_of(str(open_sealed(found.secret_sealed, _context(found.account_id))), typed, now)
    if step is not None and step > found.last_step:
        found.last_step, found.failures, found.locked_until_at = step, 0, None
        return False
    if recovery and _use_recovery(session, found.account_id, typed, now):
        found.failures, found.locked_until_at = 0, None
        return True
    if found.locked_until_at is not None:
        found.failures, found.locked_until_at = 0, None
    found.failures += 1
    if found.failures >= rules.WRONG_PASSWORDS:
        found.locked_until_at = now + rules.LOCK_LIVES
    session.flush()
    raise WrongCode


def _typed(code: str) -> str:
    return "".join(code.split()).replace("-", "").lower()


def _step_of(secret: str, typed: str, now: datetime) -> int | None:
    """The step the code belongs to: this one, or the one before or after for clocks that are a little off."""
    if len(typed) != 6 or not (typed.isascii() and typed.isdigit()):
        return None
    here = int(now.timestamp()) // STEP_SECONDS
    totp = pyotp.TOTP(secret)
    for step in (here, here - 1, here + 1):
        if secrets.compare_digest(totp.generate_otp(step), typed):
            return step
    return None


def _use_recovery(session: ScopedSession, account_id: UUID, typed: str, now: datetime) -> bool:
    used = session.execute(
        update(RecoveryCode)
        .where(
            RecoveryCode.account_id == account_id,
            RecoveryCode.code_index == _index(account_id, typed),
            RecoveryCode.used_at.is_(None),
        )
        .values(used_at=now)
        .returning(RecoveryCode.id)
    )
    return used.one_or_none() is not None


def _new_codes(session: ScopedSession, account_id: UUID) -> list[str]:
    session.execute(delete(RecoveryCode).where(RecoveryCode.account_id == account_id))
    made = ["".join(secrets.choice(_LETTERS) for _n in range(10)) for _n in range(rules.RECOVERY_CODES)]
    session.add_all(RecoveryCode(id=new_id(), account_id=account_id, code_index=_index(account_id, c)) for c in made)
    session.flush()
    return [f"{code[:5]}-{code[5:]}" for code in made]


def _confirmed(session: ScopedSession, account_id: UUID) -> Authenticator:
    found = _row(session, account_id)
    if found is None or found.confirmed_at is None:
        raise Conflict("No authenticator is set up.")
    return found


def _row(session: ScopedSession, account_id: UUID) -> Authenticator | None:
    """Locked: codes of one account are looked at one after the other."""
    return session.scalar(
        select(Authenticator)
        .where(Authenticator.account_id == account_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def _fresh(who: SignedIn) -> None:
    if not rules.is_stepped_up(who.stepped_up_at, utc_now(), sandbox=settings().sandbox):
        raise Forbidden("Confirm who you are first, then change how you sign in.")


def _context(account_id: UUID) -> str:
    return f"authenticators.secret:{account_id}"


def _index(account_id: UUID, typed: str) -> str:
    return blind_index(f"{account_id}:{typed}", "recovery code")
