"""Payees and their engagements with organizations.

Payees are seen through their engagements, so a new payee is written as the platform, after the permission check.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.core.clock import utc_now
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.scope import Actor, Permission
from app.core.topics import Topic
from app.db import locks, outbox
from app.db.session import ScopedSession
from app.db.types import new_id
from app.identity import addresses
from app.payees import letters, rates, rules
from app.payees.kinds import spec_of
from app.payees.models import Engagement, Payee
from app.payees.rules import Business
from app.payees.states import BusinessType, EngagementStatus, PayeeKind, ProjectBilling

DEFAULT_TERMS_DAYS = 30


def create(
    session: ScopedSession,
    actor: Actor,
    organization_id: UUID,
    *,
    kind: PayeeKind,
    name: str,
    currency: str,
    reference: str | None = None,
    email: str | None = None,
    country: str | None = None,
    legal_name: str | None = None,
    address: Mapping[str, str] | None = None,
    business_type: BusinessType | None = None,
    trading_name: str | None = None,
    registration_number: str | None = None,
    terms_days: int = DEFAULT_TERMS_DAYS,
    commission_bps: int = 0,
) -> Payee:
    """Add a payee together with its engagement. Raises Forbidden, Invalid, Conflict for a reference in use."""
    actor.require(Permission.PAYEE_MANAGE)
    actor.require_organization(organization_id)
    rules.check_payee(name=name, currency=currency, terms_days=terms_days, country=country, reference=reference)
    email = rules.clean_email(email)
    business = _business(kind, Business(business_type, legal_name, trading_name, registration_number))
    locks.hold(session, "engagement references", organization_id)
    _refuse_taken(session, organization_id, reference)
    payee = Payee(
        id=new_id(),
        kind=kind,
        name=" ".join(name.split()),
        **asdict(business),
        email=email,
        country=country or None,
        address=rules.clean_address(address),
    )
    engagement = Engagement(
        id=new_id(),
        organization_id=organization_id,
        payee_id=payee.id,
        reference=_reference(reference),
        currency=currency,
        terms_days=terms_days,
        commission_bps=commission_bps,
    )
    with session.elevated("a payee is visible only once it is engaged"):
        session.add(payee)
        session.flush()
        session.add(engagement)
        session.flush()
        _note_rate(session, actor, kind, engagement)
    audit.record(
        session, actor, "payee.created", "payee", payee.id,
        organization_id=organization_id, name=payee.name, kind=kind.value,
    )  # fmt: skip
    return payee


def _note_rate(session: Session, actor: Actor, kind: PayeeKind, engagement: Engagement) -> None:
    if spec_of(kind).earns_commission:
        rates.note(session, actor, engagement.organization_id, {engagement.payee_id: engagement.commission_bps})


def _business(kind: PayeeKind, business: Business) -> Business:
    """Cleaned. Raises Invalid, also for details that only a business has."""
    business = business.cleaned()
    if not spec_of(kind).is_business:
        wrong = {name: "Only a vendor has this." for name in _BUSINESS if getattr(business, name) is not None}
        if wrong:
            raise Invalid(f"A {kind.value} has no business details.", fields=wrong)
    return business


def engage(
    session: Session,
    actor: Actor,
    organization_id: UUID,
    payee_id: UUID,
    *,
    currency: str,
    reference: str | None = None,
    terms_days: int = DEFAULT_TERMS_DAYS,
    commission_bps: int = 0,
) -> Engagement:
    """Tie an existing payee to one more organization. Needs a platform scope.

    Raises Forbidden, NotFound, or Conflict for contractors and vendors: they have exactly one engagement.
    """
    actor.require(Permission.PLATFORM)
    locks.hold(session, "engagement references", organization_id)
    locks.hold(session, "engagements of", payee_id)
    payee = session.get(Payee, payee_id)
    if payee is None:
        raise NotFound("There is no such payee.")
    rules.check_payee(name=payee.name, currency=currency, terms_days=terms_days, country=None, reference=reference)
    existing = session.scalars(select(Engagement.organization_id).where(Engagement.payee_id == payee_id)).all()
    if organization_id in existing:
        raise Conflict(f"{payee.name} is engaged already.")
    if existing and spec_of(payee.kind).single_engagement:
        raise Conflict(f"A {payee.kind.value} works for one organization only.")
    _refuse_taken(session, organization_id, reference)
    made = Engagement(
        id=new_id(),
        organization_id=organization_id,
        payee_id=payee_id,
        reference=_reference(reference),
        currency=currency,
        terms_days=terms_days,
        commission_bps=commission_bps,
    )
    session.add(made)
    session.flush()
    _note_rate(session, actor, payee.kind, made)
    audit.record(session, actor, "payee.engaged", "payee", payee_id, organization_id=organization_id, name=payee.name)
    return made


def _reference(text_: str | None) -> str | None:
    return (text_ or "").strip() or None


def _refuse_taken(session: Session, organization_id: UUID, reference: str | None, besides: UUID | None = None) -> None:
    wanted = _reference(reference)
    if wanted is None:
        return
    found = session.scalar(
        select(Engagement.payee_id).where(
            Engagement.organization_id == organization_id, func.lower(Engagement.reference) == wanted.lower()
        )
    )
    if found is not None and found != besides:
        raise Conflict(f"The reference “{wanted}” belongs to another payee.", fields={"reference": "Already in use."})


_ENSURE = text(
    """WITH wanted AS (
        SELECT DISTINCT ON (lower(reference)) reference, name
        FROM unnest(CAST(:references AS text[]), CAST(:names AS text[])) WITH ORDINALITY AS w (reference, name, place)
        ORDER BY lower(reference), place
    ), new AS MATERIALIZED (
        SELECT uuidv7() AS payee_id, wanted.reference, wanted.name FROM wanted
        LEFT JOIN engagements e ON e.organization_id = :organization_id AND lower(e.reference) = lower(wanted.reference)
        WHERE e.id IS NULL
    ), payee AS (
        INSERT INTO payees (id, kind, name) SELECT payee_id, 'vendor', name FROM new
    )
    INSERT INTO engagements (organization_id, payee_id, reference, currency, terms_days)
    SELECT :organization_id, payee_id, reference, :currency, :terms_days FROM new"""
)
_REFERENCES = text(
    """SELECT w.reference, e.payee_id
    FROM (SELECT DISTINCT reference FROM unnest(CAST(:references AS text[])) AS u (reference)) w
    JOIN engagements e ON e.organization_id = :organization_id AND lower(e.reference) = lower(w.reference)"""
)


def ensure_vendors(
    session: ScopedSession,
    organization_id: UUID,
    suppliers: Sequence[tuple[str, str]],
    currency: str,
    terms_days: int = DEFAULT_TERMS_DAYS,
) -> tuple[dict[str, UUID], int]:
    """Payee by supplier reference, and how many vendors were new. Two statements for any number of suppliers.

    `suppliers`: (the organization's reference, name). A known reference keeps its payee and name. The caller has
    checked the permission; concurrent calls wait for each other.
    """
    if not suppliers:
        return {}, 0
    references = [reference for reference, _ in suppliers]
    locks.hold(session, "engagement references", organization_id)
    parameters: dict[str, Any] = {"references": references, "organization_id": organization_id}
    with session.elevated("payees are visible only once they are engaged"):
        made = session.execute(
            _ENSURE,
            {**parameters, "names": [name for _, name in suppliers], "currency": currency, "terms_days": terms_days},
        )
        found = session.execute(_REFERENCES, parameters).all()
    return {row.reference: row.payee_id for row in found}, int(getattr(made, "rowcount", 0))


def set_project_billing(
    session: Session, actor: Actor, organization_id: UUID, payee_id: UUID, billing: ProjectBilling
) -> None:
    """Whether new projects of a contractor are payable by their approval or by an invoice. Raises Forbidden, NotFound,
    Conflict for other payees.
    """
    actor.require(Permission.PAYEE_MANAGE)
    actor.require_organization(organization_id)
    payee, engagement = _engaged(session, organization_id, payee_id)
    if payee.kind is not PayeeKind.CONTRACTOR:
        raise Conflict("Only contractors have projects.")
    engagement.project_billing = billing
    session.flush()
    audit.record(
        session, actor, "payee.project_billing", "payee", payee_id, organization_id=organization_id,
        billing=billing.value,
    )  # fmt: skip


def edit(session: ScopedSession, actor: Actor, organization_id: UUID, payee_id: UUID, **changes: Any) -> Payee:
    """Change a payee and its engagement: any of name, legal_name, email, country, address, business_type,
    trading_name, registration_number, reference, currency, terms_days. What a creator or consultant is called is
    theirs to change, not the organization's.

    Raises Forbidden, NotFound, Invalid, Conflict.
    """
    actor.require(Permission.PAYEE_MANAGE)
    actor.require_organization(organization_id)
    payee, engagement = _engaged(session, organization_id, payee_id)
    unknown = set(changes) - _OWN - _TERMS
    if unknown:
        raise Invalid(f"These cannot be changed: {', '.join(sorted(unknown))}.")
    own = set(changes) & _OWN
    if own and not spec_of(payee.kind).single_engagement and not actor.can(Permission.PLATFORM):
        raise Invalid(f"Only the {payee.kind.value} can change {' and '.join(sorted(own))}.")
    if "email" in changes:
        changes["email"] = rules.clean_email(changes["email"])
        addresses.note_contact_change(session, payee_id, payee.email, changes["email"])
    if "address" in changes:
        changes["address"] = rules.clean_address(changes["address"])
    if "reference" in changes:
        locks.hold(session, "engagement references", organization_id)
        _refuse_taken(session, organization_id, changes["reference"], besides=payee_id)
        kept = engagement.reference or ""
        # A supplier known by name only has a hidden reference, by which the next file finds it again.
        changes["reference"] = _reference(changes["reference"]) or (kept if kept.startswith("name:") else None)
    if set(changes) & {*_BUSINESS, "legal_name"}:
        stated = Business(*(changes.get(name, getattr(payee, name)) for name in Business.__slots__))
        cleaned = asdict(_business(payee.kind, stated))
        changes |= {name: cleaned[name] for name in cleaned if name in changes}
    rate_before = engagement.commission_bps
    for name, value in changes.items():
        setattr(payee if name in _OWN else engagement, name, value)
    payee.name = " ".join(payee.name.split())
    rules.check_payee(
        name=payee.name,
        currency=engagement.currency,
        terms_days=engagement.terms_days,
        country=payee.country,
        reference=engagement.reference,
    )
    session.flush()
    if engagement.commission_bps != rate_before:
        _note_rate(session, actor, payee.kind, engagement)
    audit.record(
        session, actor, "payee.edited", "payee", payee_id, organization_id=organization_id, changed=sorted(changes)
    )
    return payee


def state_business(session: Session, actor: Actor, payee_id: UUID, business: Business) -> Payee:
    """What a vendor says of itself: its type, legal and trading name and registration number.

    Raises Forbidden for anybody but the payee itself, NotFound, Invalid.
    """
    actor.require(Permission.BUSINESS_OWN)
    if actor.payee_id != payee_id:
        raise Forbidden("Only the vendor states these details.")
    payee = session.scalar(select(Payee).where(Payee.id == payee_id).with_for_update())
    if payee is None:
        raise NotFound("There is no such payee.")
    stated = asdict(_business(payee.kind, business))
    changed = sorted(name for name, value in stated.items() if getattr(payee, name) != value)
    for name in changed:
        setattr(payee, name, stated[name])
    session.flush()
    if changed:
        engaged_by = session.scalars(select(Engagement.organization_id).where(Engagement.payee_id == payee_id))
        for organization_id in engaged_by.all():
            audit.record(
                session, actor, "payee.business_stated", "payee", payee_id, organization_id=organization_id,
                changed=changed,
            )  # fmt: skip
    return payee


_BUSINESS = ("business_type", "trading_name", "registration_number")
_OWN = frozenset({"name", "legal_name", "email", "country", "address", *_BUSINESS})
_TERMS = frozenset({"reference", "currency", "terms_days", "commission_bps", "commission_hold_days"})


def _engaged(session: Session, organization_id: UUID, payee_id: UUID) -> tuple[Payee, Engagement]:
    found = session.execute(
        select(Payee, Engagement)
        .join(Engagement, Engagement.payee_id == Payee.id)
        .where(Engagement.organization_id == organization_id, Engagement.payee_id == payee_id)
        .with_for_update(of=Engagement)
    ).one_or_none()
    if found is None:
        raise NotFound("There is no such payee.")
    return found[0], found[1]


def set_status(
    session: ScopedSession,
    actor: Actor,
    organization_id: UUID,
    payee_id: UUID,
    to: EngagementStatus,
    *,
    reason: str = "",
) -> None:
    """Pause, suspend, end or take up again an engagement; the payee is told with the reason.

    Anything but active: no new bills, projects or commission, and no part in batches. Suspended: what was earned stays
    owed but is not paid out either. Raises Forbidden, NotFound, Invalid without a reason, Conflict when it is so
    already or the platform suspended it and this is not the platform.
    """
    actor.require(Permission.PAYEE_MANAGE)
    actor.require_organization(organization_id)
    payee, engagement = _engaged(session, organization_id, payee_id)
    platform = actor.can(Permission.PLATFORM)
    if payee.own_organization_id is not None and not platform:
        raise Forbidden("This is the organization itself; only Quittance decides about that.")
    if engagement.status is to:
        raise Conflict(f"{payee.name} is {to.value} already.")
    if engagement.status_by_platform and not platform:
        raise Conflict(f"Quittance suspended {payee.name}; only Quittance can end that. Write to support.")
    reason = " ".join(reason.split())
    if to is not EngagementStatus.ACTIVE and not reason:
        raise Invalid("Say why: the payee reads it.", fields={"reason": "Give a reason."})
    if len(reason) > rules.LONGEST_REASON:
        raise Invalid("The reason is too long.", fields={"reason": f"At most {rules.LONGEST_REASON} letters."})
    before, engagement.status = engagement.status, to
    engagement.status_reason, engagement.status_at = reason or None, utc_now()
    engagement.status_by_platform = platform and actor.organization_id is None and to is EngagementStatus.SUSPENDED
    session.flush()
    audit.record(session, actor, f"payee.{to.value}", "payee", payee_id, organization_id=organization_id, reason=reason)
    audit.timeline(
        session, actor, "payee", payee_id, to.value, from_state=before.value, note=reason or None,
        organization_id=organization_id, payee_id=payee_id,
    )  # fmt: skip
    letters.changed(session, organization_id, payee, to, reason)
    outbox.emit(session, Topic.ENGAGEMENT_CHANGED, organization_id=organization_id, payee_id=payee_id)
