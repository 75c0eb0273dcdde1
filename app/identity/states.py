"""Portals, account states and member roles' sign-in rules as data."""

from __future__ import annotations

from enum import StrEnum


class Portal(StrEnum):
    """Where an account signs in. An account is unique by (portal, e-mail)."""

    CREATOR = "creator"
    CONTRACTOR = "contractor"
    VENDOR = "vendor"
    CONSULTANT = "consultant"
    ORG = "org"
    ADMIN = "admin"
    CLIENT = "client"

    @property
    def is_payee(self) -> bool:
        return self in PAYEE_PORTALS


PAYEE_PORTALS = frozenset({Portal.CREATOR, Portal.CONTRACTOR, Portal.VENDOR, Portal.CONSULTANT})


class AccountStatus(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"


class TokenPurpose(StrEnum):
    SIGN_IN = "sign_in"
    INVITATION = "invitation"
    PASSWORD_RESET = "password_reset"  # noqa: S105


class PasskeyUse(StrEnum):
    """What a challenge was made for: to make a passkey, or to sign in (also again, before something that matters)."""

    ADD = "add"
    SIGN_IN = "sign_in"
