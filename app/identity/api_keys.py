"""Keys of programs: made, revoked, and the check of a signed call (HTTP contract, "Authentication").

The signature is the hex HMAC-SHA256, by the key's secret, of `timestamp + "\\n" + METHOD + "\\n" + path?query + "\\n" +
sha256hex(body)`. Everything here acts as the platform for its own statements only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from sqlalchemy import or_, select, update
from sqlalchemy.dialects.postgresql import insert

from app.core.clock import utc_now
from app.core.crypto import open_sealed, seal
from app.core.crypto import token as new_token
from app.core.errors import Invalid, NotFound
from app.core.macs import mac, same
from app.core.scope import API_SCOPES, Actor, Permission
from app.db import paging
from app.db.session import ScopedSession
from app.db.tidying import remove
from app.db.types import SealedText, new_id
from app.identity.models import ApiCall, ApiKey

TOLERANCE = timedelta(minutes=5)
KEPT = timedelta(minutes=15)  # longer than a timestamp is taken, on either side of now
LONGEST_NAME = 80
MOST_KEYS = 50  # active ones of an organization
_SEEN_EVERY = timedelta(minutes=1)


class BadCall(Exception):
    """The call is not signed as it should be. The text may be told to the caller: it says nothing about secrets."""


@dataclass(frozen=True, slots=True)
class SignedCall:
    """What was received. `target` is the path with its query, as sent."""

    public_key: str
    timestamp: str
    signature: str
    method: str
    target: str
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Program:
    """Who is behind a good call. `organization_id` is None for a key of the platform."""

    key_id: UUID
    name: str
    organization_id: UUID | None
    permissions: frozenset[Permission]


@dataclass(frozen=True, slots=True)
class NewKey:
    """The secret is shown this once."""

    id: UUID
    public_key: str
    secret: str = field(repr=False)


def signature_of(secret: str, timestamp: str, method: str, target: str, body: bytes) -> str:
    """What a caller sends as `X-Quittance-Signature`."""
    text = "\n".join((timestamp, method.upper(), target, hashlib.sha256(body).hexdigest()))
    return mac(secret, text.encode())


def make(
    session: ScopedSession, actor: Actor, name: str, scopes: Sequence[str], *, organization_id: UUID | None
) -> NewKey:
    """A key for an organization, or with None for the platform. Raises Forbidden, Invalid. The caller audits."""
    _may(actor, organization_id)
    name, chosen = name.strip(), sorted(set(scopes))
    if not 0 < len(name) <= LONGEST_NAME:
        sentence = f"Give a name of at most {LONGEST_NAME} letters, e.g. of the program."
        raise Invalid(sentence, fields={"name": sentence})
    if not chosen or any(scope not in API_SCOPES for scope in chosen):
        raise Invalid("Choose what the key may do.", fields={"scopes": "Choose at least one."})
    if actor.account_id is None:
        raise Invalid("A key is made by a person, who answers for it.")
    if sum(key.revoked_at is None for key in keys(session, organization_id)) >= MOST_KEYS:
        raise Invalid(f"There are {MOST_KEYS} keys already. Revoke one that is not used any more.")
    key_id, public_key, secret = new_id(), f"qk_{new_token()[:24]}", f"qs_{new_token()}"
    with session.elevated("make an API key"):
        session.execute(
            insert(ApiKey).values(
                id=key_id, organization_id=organization_id, name=name, public_key=public_key,
                secret_sealed=SealedText(seal(secret, _context(key_id))), secret_last4=secret[-4:], scopes=chosen,
                made_by=actor.account_id, created_at=utc_now(),
            )
        )  # fmt: skip
    return NewKey(key_id, public_key, secret)


def revoke(session: ScopedSession, actor: Actor, key_id: UUID, *, organization_id: UUID | None) -> str:
    """End a key at once and for good; returns its name. Revoking twice is harmless. Raises Forbidden, NotFound."""
    _may(actor, organization_id)
    here = ApiKey.organization_id.is_(None) if organization_id is None else ApiKey.organization_id == organization_id
    with session.elevated("revoke an API key"):
        name: str | None = session.scalar(select(ApiKey.name).where(ApiKey.id == key_id, here).with_for_update())
        if name is None:
            raise NotFound("There is no such key.")
        session.execute(
            update(ApiKey).where(ApiKey.id == key_id, ApiKey.revoked_at.is_(None)).values(revoked_at=utc_now())
        )
    return name


def keys(session: ScopedSession, organization_id: UUID | None) -> Sequence[paging.AnyRow]:
    """Keys of an organization, or with None of the platform, newest first; never their secrets."""
    here = ApiKey.organization_id.is_(None) if organization_id is None else ApiKey.organization_id == organization_id
    with session.elevated("list API keys"):
        return session.execute(
            select(
                ApiKey.id, ApiKey.name, ApiKey.public_key, ApiKey.secret_last4, ApiKey.scopes, ApiKey.created_at,
                ApiKey.last_used_at, ApiKey.revoked_at,
            ).where(here).order_by(ApiKey.id.desc()).limit(200)
        ).all()  # fmt: skip


def check(session: ScopedSession, call: SignedCall) -> Program:
    """Who made the call; its signature is used up, whatever becomes of the call. Raises BadCall.

    The caller commits this by itself, before the call's own work: a refused call must not be sent again either.
    """
    now = utc_now()
    if not (call.timestamp.isascii() and call.timestamp.isdigit() and len(call.timestamp) <= 12):
        raise BadCall("X-Quittance-Timestamp is seconds since 1970.")
    if abs(now.timestamp() - int(call.timestamp)) > TOLERANCE.total_seconds():
        raise BadCall("X-Quittance-Timestamp is more than 5 minutes away from our clock.")
    with session.elevated("check an API call"):
        key = session.execute(
            select(
                ApiKey.id, ApiKey.name, ApiKey.organization_id, ApiKey.scopes, ApiKey.secret_sealed, ApiKey.revoked_at
            ).where(ApiKey.public_key == call.public_key)
        ).one_or_none()
        secret = open_sealed(key.secret_sealed, _context(key.id)) if key else "no such key"
        expected = signature_of(secret, call.timestamp, call.method, call.target, call.body)
        fits = same(expected, call.signature.lower())
        if key is None or not fits or key.revoked_at is not None:
            raise BadCall("The key or the signature does not fit.")
        used = session.scalar(
            insert(ApiCall)
            .values(id=new_id(), api_key_id=key.id, signature=expected, created_at=now)
            .on_conflict_do_nothing(index_elements=["api_key_id", "signature"])
            .returning(ApiCall.id)
        )
        if used is None:
            raise BadCall("This signature was used before. Sign each call anew.")
        session.execute(
            update(ApiKey)
            .where(
                ApiKey.id == key.id, or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at < now - _SEEN_EVERY)
            )
            .values(last_used_at=now)
        )  # fmt: skip
    allowed = frozenset(permission for scope in key.scopes for permission in API_SCOPES.get(scope, ()))
    return Program(key.id, key.name, key.organization_id, allowed)


def forget_old(session: ScopedSession, limit: int) -> int:
    """Remove at most `limit` used signatures that could not be sent again anyway; returns how many."""
    return remove(session, ApiCall, ApiCall.created_at < utc_now() - KEPT, limit)


def _may(actor: Actor, organization_id: UUID | None) -> None:
    if organization_id is None:
        actor.require(Permission.PLATFORM)
    else:
        actor.require(Permission.ORGANIZATION_SETTINGS)
        actor.require_organization(organization_id)


def _context(key_id: UUID) -> str:
    return f"api_keys.secret_sealed.{key_id}"
