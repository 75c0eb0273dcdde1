"""Discount codes, the links that count visits, and the stores that may send orders."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, or_, select, text, update
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.core.clock import utc_now
from app.core.crypto import open_sealed, seal
from app.core.crypto import token as new_token
from app.core.errors import Conflict, Invalid, NotFound
from app.core.scope import Actor, Permission
from app.db.session import ScopedSession
from app.db.types import SealedText, new_id
from app.gateways.shops import Shop
from app.payees.kinds import spec_of
from app.payees.models import Engagement, Payee
from app.sales import rules
from app.sales.models import DiscountCode, Store

_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that looks like another
_SEEN_EVERY = timedelta(minutes=1)
SHORTEST_SECRET, LONGEST_SECRET, LONGEST_NAME = 16, 200, 80


def add_code(
    session: Session, actor: Actor, organization_id: UUID, payee_id: UUID, code: str, landing_url: str = ""
) -> DiscountCode:
    """Give a creator a code. Raises Forbidden, NotFound, Invalid, Conflict for one in use, whatever its case."""
    _may(actor, organization_id)
    code, url = rules.clean_code(code), rules.clean_landing_url(landing_url)
    kind = session.scalar(
        select(Payee.kind)
        .join(Engagement, Engagement.payee_id == Payee.id)
        .where(Engagement.organization_id == organization_id, Payee.id == payee_id)
    )
    if kind is None or not spec_of(kind).earns_commission:
        raise NotFound("There is no such creator.")
    taken = session.scalar(
        select(DiscountCode.id).where(
            DiscountCode.organization_id == organization_id, func.lower(DiscountCode.code) == code.lower()
        )
    )
    if taken is not None:
        raise Conflict(f"The code “{code}” is in use already.", fields={"code": "In use already."})
    made = DiscountCode(
        id=new_id(), organization_id=organization_id, payee_id=payee_id, code=code, landing_url=url,
        token="".join(secrets.choice(_LETTERS) for _ in range(12)), created_at=utc_now(),
    )  # fmt: skip
    session.add(made)
    session.flush()
    audit.record(
        session, actor, "discount_code.added", "discount_code", made.id, organization_id=organization_id,
        code=code, payee_id=payee_id,
    )  # fmt: skip
    return made


def change_code(
    session: Session, actor: Actor, organization_id: UUID, code_id: UUID, *, active: bool, landing_url: str
) -> DiscountCode:
    """Switch a code on or off, and say where its link leads. Orders keep what they earned. Raises as `add_code`."""
    _may(actor, organization_id)
    found = session.scalar(
        select(DiscountCode)
        .where(DiscountCode.id == code_id, DiscountCode.organization_id == organization_id)
        .with_for_update()
    )
    if found is None:
        raise NotFound("There is no such code.")
    found.active, found.landing_url = active, rules.clean_landing_url(landing_url)
    session.flush()
    audit.record(
        session, actor, "discount_code.changed", "discount_code", code_id, organization_id=organization_id,
        active=active,
    )  # fmt: skip
    return found


_VISIT = text(
    """INSERT INTO code_visits (discount_code_id, day, organization_id, payee_id, visits)
    SELECT d.id, CAST(:now AS timestamptz) AT TIME ZONE o.time_zone, d.organization_id, d.payee_id, 1
    FROM discount_codes d JOIN organizations o ON o.id = d.organization_id WHERE d.id = :id
    ON CONFLICT (discount_code_id, day) DO UPDATE SET visits = code_visits.visits + 1"""
)


def follow(session: ScopedSession, token: str, *, counts: bool) -> str:
    """Where a short link leads; with `counts` the visit is counted. Raises NotFound for one that leads nowhere."""
    with session.elevated("a creator's link"):
        found = session.execute(
            select(DiscountCode.id, DiscountCode.landing_url, DiscountCode.active).where(DiscountCode.token == token)
        ).one_or_none()
        if found is None or found.landing_url is None:
            raise NotFound("This link leads nowhere any more.")
        if counts and found.active:
            session.execute(_VISIT, {"id": found.id, "now": utc_now()})
    return str(found.landing_url)


@dataclass(frozen=True, slots=True)
class StoreSecret:
    """The secret is shown this once."""

    store_id: UUID
    secret: str = field(repr=False)


def add_store(
    session: Session, actor: Actor, organization_id: UUID, shop: Shop, name: str, secret: str = ""
) -> StoreSecret:
    """Take calls of a shop. Without a secret given, as Shopify gives one, it is made here.

    Raises Forbidden, Invalid, Conflict when there is a store of this kind.
    """
    actor.require(Permission.STORE_MANAGE)
    actor.require_organization(organization_id)
    name = name.strip()
    if not 0 < len(name) <= LONGEST_NAME:
        sentence = f"Give a name of at most {LONGEST_NAME} letters."
        raise Invalid(sentence, fields={"name": sentence})
    if session.scalar(select(Store.id).where(Store.organization_id == organization_id, Store.shop == shop)):
        raise Conflict("There is a store of this kind already.", fields={"shop": "There is one already."})
    store_id, secret = new_id(), _secret(secret)
    session.add(
        Store(
            id=store_id, organization_id=organization_id, shop=shop, name=name, secret_last4=secret[-4:],
            secret_sealed=SealedText(seal(secret, _context(store_id))), created_at=utc_now(),
        )
    )  # fmt: skip
    session.flush()
    audit.record(session, actor, "store.added", "store", store_id, organization_id=organization_id, shop=shop.value)
    return StoreSecret(store_id, secret)


def rotate(session: Session, actor: Actor, organization_id: UUID, store_id: UUID, secret: str = "") -> StoreSecret:
    """Another secret; calls signed with the former one are refused from now on. Raises as `add_store`, NotFound."""
    store, secret = _store(session, actor, organization_id, store_id), _secret(secret)
    store.secret_sealed, store.secret_last4 = SealedText(seal(secret, _context(store_id))), secret[-4:]
    audit.record(session, actor, "store.rotated", "store", store_id, organization_id=organization_id)
    return StoreSecret(store_id, secret)


def switch_store(session: Session, actor: Actor, organization_id: UUID, store_id: UUID, *, active: bool) -> Store:
    """Take its calls, or refuse them. Raises Forbidden, NotFound."""
    store = _store(session, actor, organization_id, store_id)
    store.active = active
    audit.record(session, actor, "store.switched", "store", store_id, organization_id=organization_id, active=active)
    return store


def store_secret(session: Session, organization_id: UUID, shop: Shop) -> str | None:
    """What calls of this shop are signed with; None when none are taken. Needs a platform scope."""
    found = session.execute(
        select(Store.id, Store.secret_sealed).where(
            Store.organization_id == organization_id, Store.shop == shop, Store.active
        )
    ).one_or_none()
    return None if found is None else str(open_sealed(found.secret_sealed, _context(found.id)))


def called(session: Session, organization_id: UUID, shop: Shop) -> None:
    """Note that the store's call fitted, to the minute. Needs a platform scope."""
    now = utc_now()
    session.execute(
        update(Store)
        .where(
            Store.organization_id == organization_id,
            Store.shop == shop,
            or_(Store.last_call_at.is_(None), Store.last_call_at < now - _SEEN_EVERY),
        )
        .values(last_call_at=now)
    )


def _store(session: Session, actor: Actor, organization_id: UUID, store_id: UUID) -> Store:
    actor.require(Permission.STORE_MANAGE)
    actor.require_organization(organization_id)
    found = session.scalar(
        select(Store).where(Store.id == store_id, Store.organization_id == organization_id).with_for_update()
    )
    if found is None:
        raise NotFound("There is no such store.")
    return found


def _secret(given: str) -> str:
    """What was given, or a new one. Raises Invalid for one that could be guessed."""
    secret = given.strip()
    if secret and not SHORTEST_SECRET <= len(secret) <= LONGEST_SECRET:
        sentence = f"The secret has {SHORTEST_SECRET} to {LONGEST_SECRET} characters. Leave it empty to have one made."
        raise Invalid(sentence, fields={"secret": sentence})
    return secret or new_token()


def _may(actor: Actor, organization_id: UUID) -> None:
    actor.require(Permission.SALES_MANAGE)
    actor.require_organization(organization_id)


def _context(store_id: UUID) -> str:
    return f"stores.secret_sealed.{store_id}"
