"""Accounts, one-time tokens and sign-in sessions. Platform-only: they exist before any tenant scope does."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import PlatformRecord
from app.db.types import Sealed, SealedText, choice
from app.identity.states import AccountStatus, PasskeyUse, Portal, TokenPurpose


class Account(PlatformRecord):
    """A login. `email` is stored lower-case; `payee_id` is set in payee portals only."""

    __tablename__ = "accounts"
    __table_args__ = (
        UniqueConstraint("portal", "email"),
        CheckConstraint("email = lower(email)", name="email_lower"),
        CheckConstraint(
            "(portal IN ('creator', 'contractor', 'vendor', 'consultant')) = (payee_id IS NOT NULL)",
            name="payee_portal",
        ),
        Index(
            "ix_accounts_client",
            "name",
            "email",
            postgresql_using="gin",
            postgresql_ops={"name": "gin_trgm_ops", "email": "gin_trgm_ops"},
            postgresql_where=text("portal = 'client'"),
        ),
    )

    portal: Mapped[Portal] = mapped_column(choice(Portal))
    email: Mapped[str]
    name: Mapped[str]
    payee_id: Mapped[UUID | None] = mapped_column(ForeignKey("payees.id"), index=True)
    status: Mapped[AccountStatus] = mapped_column(choice(AccountStatus), default=AccountStatus.ACTIVE)
    password_hash: Mapped[str | None]
    time_zone: Mapped[str] = mapped_column(default="UTC")
    locale: Mapped[str] = mapped_column(default="en_US")
    last_signed_in_at: Mapped[datetime | None]


class PasswordGuard(PlatformRecord):
    """Wrong passwords for one address of one portal; unknown addresses too, so that a lock tells nothing."""

    __tablename__ = "password_guards"
    __table_args__ = (UniqueConstraint("portal", "email_index"), Index("ix_password_guards_newest", "last_failed_at"))

    portal: Mapped[Portal] = mapped_column(choice(Portal))
    email_index: Mapped[str]
    failures: Mapped[int]
    last_failed_at: Mapped[datetime]
    locked_until_at: Mapped[datetime | None]


class OneTimeToken(PlatformRecord):
    """A link sent by mail: single use, short-lived, stored hashed."""

    __tablename__ = "one_time_tokens"
    __table_args__ = (UniqueConstraint("token_sha256"), Index("ix_one_time_tokens_account", "account_id", "created_at"))

    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    portal: Mapped[Portal] = mapped_column(choice(Portal))
    purpose: Mapped[TokenPurpose] = mapped_column(choice(TokenPurpose))
    token_sha256: Mapped[str]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class SignInSession(PlatformRecord):
    """One browser signed in to one portal as one account. The cookie holds the token, this row its hash."""

    __tablename__ = "sign_in_sessions"
    __table_args__ = (
        UniqueConstraint("token_sha256"),
        Index("ix_sign_in_sessions_account", "account_id", "created_at"),
    )

    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    portal: Mapped[Portal] = mapped_column(choice(Portal))
    token_sha256: Mapped[str]
    user_agent: Mapped[str | None]
    ip: Mapped[str | None]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    stepped_up_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    awaits_factor: Mapped[bool] = mapped_column(default=False, server_default="false")


class Authenticator(PlatformRecord):
    """An app that makes one-time codes. `last_step` is the 30-second step of the last code taken: none counts twice."""

    __tablename__ = "authenticators"
    __table_args__ = (UniqueConstraint("account_id"),)

    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    secret_sealed: Mapped[SealedText] = mapped_column(Sealed)
    confirmed_at: Mapped[datetime | None]
    last_step: Mapped[int] = mapped_column(default=0)
    failures: Mapped[int] = mapped_column(default=0)
    locked_until_at: Mapped[datetime | None]


class RecoveryCode(PlatformRecord):
    """Stands in for the authenticator once. Only a keyed hash is kept."""

    __tablename__ = "recovery_codes"
    __table_args__ = (UniqueConstraint("account_id", "code_index"),)

    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    code_index: Mapped[str]
    used_at: Mapped[datetime | None]


class Passkey(PlatformRecord):
    """A key pair in a person's device or password manager, made for one account of one portal.

    `sign_count` is the device's own counter, 0 where it keeps none: it must never go back.
    """

    __tablename__ = "passkeys"
    __table_args__ = (UniqueConstraint("credential_id"), Index("ix_passkeys_account", "account_id", "id"))

    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    name: Mapped[str]
    credential_id: Mapped[bytes] = mapped_column(LargeBinary)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sign_count: Mapped[int] = mapped_column(BigInteger)
    transports: Mapped[list[str]] = mapped_column(ARRAY(Text))
    last_used_at: Mapped[datetime | None]


class PasskeyChallenge(PlatformRecord):
    """What a passkey has to sign, once. `account_id`: the only account whose passkey may; None: any of the portal."""

    __tablename__ = "passkey_challenges"
    __table_args__ = (UniqueConstraint("challenge_sha256"), Index("ix_passkey_challenges_expiry", "expires_at"))

    challenge_sha256: Mapped[str]
    portal: Mapped[Portal] = mapped_column(choice(Portal))
    use: Mapped[PasskeyUse] = mapped_column(choice(PasskeyUse))
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id"))
    expires_at: Mapped[datetime]


class AddressChange(PlatformRecord):
    """An address that was another one before (`done_at`), or will be once the link mailed to the new one is used.

    Of an account's sign-in address, or of a payee's contact address that its organization keeps. The address of before
    is told of what matters for a while longer.
    """

    __tablename__ = "address_changes"
    __table_args__ = (
        UniqueConstraint("token_sha256"),
        CheckConstraint("num_nonnulls(account_id, payee_id) = 1", name="whose"),
        Index("ix_address_changes_account", "account_id", "created_at"),
        Index("ix_address_changes_payee", "payee_id", "done_at"),
    )

    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id"))
    payee_id: Mapped[UUID | None] = mapped_column(ForeignKey("payees.id"))
    old_email: Mapped[str]
    new_email: Mapped[str | None]
    token_sha256: Mapped[str | None]
    expires_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]


class ApiKey(PlatformRecord):
    """What a program signs its calls with. It acts for one organization; without one, for the platform.

    `public_key` names it in every call. The secret is sealed, not hashed, because checking a signature needs it.
    """

    __tablename__ = "api_keys"
    __table_args__ = (UniqueConstraint("public_key"), Index("ix_api_keys_organization", "organization_id", "id"))

    organization_id: Mapped[UUID | None] = mapped_column(ForeignKey("organizations.id"))
    name: Mapped[str]
    public_key: Mapped[str]
    secret_sealed: Mapped[SealedText] = mapped_column(Sealed)
    secret_last4: Mapped[str]
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    made_by: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class ApiCall(PlatformRecord):
    """A signature that was used: the same one is refused while its timestamp would still be taken."""

    __tablename__ = "api_calls"
    __table_args__ = (UniqueConstraint("api_key_id", "signature"), Index("ix_api_calls_newest", "created_at"))

    api_key_id: Mapped[UUID] = mapped_column(ForeignKey("api_keys.id"))
    signature: Mapped[str]
