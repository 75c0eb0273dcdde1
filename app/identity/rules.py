"""Decisions about signing in: pure, no session."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from app.core.errors import Invalid
from app.identity.states import Portal, TokenPurpose

LINK_LIVES = {
    TokenPurpose.SIGN_IN: timedelta(minutes=15),
    TokenPurpose.PASSWORD_RESET: timedelta(minutes=30),
    TokenPurpose.INVITATION: timedelta(days=7),
}
ADDRESS_LINK_LIVES = timedelta(hours=1)
LINKS_PER_HOUR = 5  # mails one address can be sent; invitations are sent by people and do not count
SESSION_LIVES = timedelta(days=30)
_STAFF_IDLE, _PAYEE_IDLE = timedelta(hours=12), timedelta(days=14)
WRONG_PASSWORDS = 5
LOCK_LIVES = timedelta(minutes=15)
SECOND_STEP_LIVES = timedelta(minutes=10)  # between password or link and the code
RECOVERY_CODES = 10
GUARD_LIVES = timedelta(days=1)
LINKS_KEPT, SESSIONS_KEPT = timedelta(days=30), timedelta(days=60)  # after their end
STEP_UP_LIVES = timedelta(minutes=15)
STEP_UP_LIVES_IN_SANDBOX = timedelta(minutes=30)
SEEN_EVERY = timedelta(minutes=1)  # how exactly "last seen" is kept

LONGEST_NAME = 100
_LOCALE = re.compile(r"[a-z]{2,3}_[A-Z]{2}")
_EMAIL = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")


def normal_email(text: str) -> str:
    """The address as it is stored: lower case, no spaces around. Raises Invalid for what is none."""
    email = text.strip().lower()
    if len(email) > 254 or not _EMAIL.fullmatch(email) or ".." in email.split("@")[0]:
        sentence = "Write an e-mail address like name@example.com."
        raise Invalid(sentence, fields={"email": sentence})
    return email


def is_locale(tag: str) -> bool:
    """Language and region, like en_GB."""
    return bool(_LOCALE.fullmatch(tag))


def idle_limit(portal: Portal) -> timedelta:
    """How long a session may rest: a working day for staff, two weeks for payees and clients."""
    return _STAFF_IDLE if portal in (Portal.ORG, Portal.ADMIN) else _PAYEE_IDLE


def is_stepped_up(stepped_up_at: datetime | None, now: datetime, *, sandbox: bool) -> bool:
    """Whether the person has proved who they are recently enough to move money."""
    lives = STEP_UP_LIVES_IN_SANDBOX if sandbox else STEP_UP_LIVES
    return stepped_up_at is not None and now - stepped_up_at <= lives


def has_reset(portal: Portal) -> bool:
    """Whether a forgotten password is mailed a new one. Vendors and clients sign in by link instead."""
    return portal not in (Portal.VENDOR, Portal.CLIENT)


def has_password(portal: Portal) -> bool:
    """Clients sign in by link only."""
    return portal is not Portal.CLIENT


def minutes_left(until: datetime, now: datetime) -> int:
    """Whole minutes, rounded up, at least one."""
    return max(1, -int((now - until).total_seconds() // 60))


def counter_went_back(before: int, now: int) -> bool:
    """Whether a passkey's counter says that there are two of it. Devices without a counter always say 0."""
    return (before > 0 or now > 0) and now <= before
