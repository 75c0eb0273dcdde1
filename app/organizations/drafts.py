"""An organization before it is launched: somebody without one opens a draft, says step by step what it is, launches.

Whoever starts is its owner. Nothing of a draft is open to anybody else, and it can hold no money.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID
from zoneinfo import available_timezones

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.money import CURRENCIES
from app.core.rates import WHOLE_BPS
from app.core.scope import Actor, Permission
from app.core.topics import Topic
from app.db import locks, outbox
from app.db.session import ScopedSession
from app.db.types import new_id
from app.identity.rules import normal_email
from app.organizations import gating, own_payee, rules, steps
from app.organizations.models import Member, Organization, OrganizationDraft
from app.organizations.states import BillingMode, MemberStatus, OrganizationKind, OrganizationStatus, Role
from app.organizations.steps import Step

MOST_DRAFTS = 3  # of one account at a time
MOST_INVITEES = 50
_NOT_INVITED = frozenset({Role.LEARNER, Role.CONSULTANT})  # they come with a list, once there is something to book


@dataclass(frozen=True, slots=True)
class Identity:
    """What the first step asks for; the rest of it stands in the billing profile."""

    name: str
    slug: str
    legal_name: str
    country: str
    currency: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class Invitee:
    """Somebody to be invited as the organization is launched."""

    email: str
    role: Role


def start(session: ScopedSession, actor: Actor, *, owner: str, email: str, identity: Identity) -> Organization:
    """A draft that belongs to the actor's account; `owner` and `email` are the person's.

    Raises Forbidden without an account, Invalid, Conflict for a taken short name or a fourth draft.
    """
    if actor.account_id is None or actor.payee_id is not None:
        raise Forbidden("Sign in with an account of the organization portal to open an organization.")
    wanted = _checked(identity)
    with session.elevated("an account opens an organization"):
        locks.hold(session, "organization slugs")
        if drafts_of(session, actor.account_id) >= MOST_DRAFTS:
            raise Conflict(f"You have {MOST_DRAFTS} drafts. Launch one first, or wait until they are removed.")
        _check_slug(session, wanted.slug)
        made = Organization(
            id=new_id(), slug=wanted.slug, name=wanted.name, legal_name=wanted.legal_name or None,
            currency=wanted.currency, country=wanted.country or None, time_zone=wanted.time_zone,
            kind=OrganizationKind.BUYER, status=OrganizationStatus.DRAFT,
        )  # fmt: skip
        session.add(made)
        session.flush()
        session.add_all(
            [
                Member(
                    id=new_id(), organization_id=made.id, account_id=actor.account_id, name=owner, email=email.lower(),
                    role=Role.OWNER, status=MemberStatus.ACTIVE,
                ),
                OrganizationDraft(id=new_id(), organization_id=made.id, steps=[Step.IDENTITY.value], invitees=[]),
            ]
        )  # fmt: skip
        session.flush()
        audit.record(
            session, actor, "organization.drafted", "organization", made.id, organization_id=made.id, slug=made.slug
        )
    return made


def owner_of(actor: Actor, organization_id: UUID) -> Actor:
    """Who just started it, as its owner."""
    return Actor(
        actor.label, Role.OWNER.value, actor.account_id, organization_id, rank=Role.OWNER.rank, ip=actor.ip
    )  # fmt: skip


def drafts_of(session: Session, account_id: UUID) -> int:
    """How many drafts an account has. Needs a platform scope."""
    return (
        session.scalar(
            select(func.count())
            .select_from(Member)
            .join(Organization, Organization.id == Member.organization_id)
            .where(Member.account_id == account_id, Organization.status == OrganizationStatus.DRAFT)
        )
        or 0
    )


def slug_is_free(session: Session, slug: str, organization_id: UUID | None = None) -> bool:
    """Whether an organization (the one given: another one than now) can be called so in addresses."""
    if rules.slug_of(slug) != slug or slug in rules.RESERVED_SLUGS:
        return False
    return not session.scalar(
        select(exists().where(Organization.slug == slug, Organization.id != (organization_id or new_id())))
    )


def of(session: Session, organization_id: UUID) -> OrganizationDraft:
    """What the wizard knows so far. Raises NotFound once it is launched."""
    found = session.scalar(select(OrganizationDraft).where(OrganizationDraft.organization_id == organization_id))
    if found is None:
        raise NotFound("There is no such draft.")
    return found


def save_identity(session: Session, actor: Actor, organization_id: UUID, identity: Identity) -> Organization:
    """Raises Forbidden, NotFound, Invalid, Conflict for a taken short name or once it is launched."""
    wanted = _checked(identity)
    locks.hold(session, "organization slugs")
    found, draft = _to_change(session, actor, organization_id)
    _check_slug(session, wanted.slug, organization_id)
    found.name, found.slug, found.legal_name = wanted.name, wanted.slug, wanted.legal_name or None
    found.country, found.currency, found.time_zone = wanted.country or None, wanted.currency, wanted.time_zone
    _saved(draft, Step.IDENTITY)
    session.flush()
    return found


def choose_kind(session: Session, actor: Actor, organization_id: UUID, kind: OrganizationKind) -> None:
    """Raises SwitchedOff for those that provide where this deployment has none, and as `save_identity`."""
    check_kind(kind)
    found, draft = _to_change(session, actor, organization_id)
    found.kind = kind
    if kind is OrganizationKind.PROVIDER:  # it buys nothing
        found.billing_mode = BillingMode.TAG_ONLY
    if kind is OrganizationKind.BUYER:
        draft.organization_bps, found.auto_approve_consultants = None, False
    left = {step.value for step in steps.steps_of(kind)}
    draft.steps = [name for name in draft.steps if name in left]
    _saved(draft, Step.KIND)


def check_kind(kind: OrganizationKind) -> None:
    """Raises SwitchedOff."""
    if kind is not OrganizationKind.BUYER:
        gating.require_tier()


def choose_billing(session: Session, actor: Actor, organization_id: UUID, mode: BillingMode) -> None:
    """How it pays; its terms stand in the billing profile. Raises Conflict for a provider, and as `save_identity`."""
    found, draft = _to_change(session, actor, organization_id)
    _belongs(found, Step.BILLING)
    found.billing_mode = mode
    _saved(draft, Step.BILLING)


def choose_rates(
    session: Session, actor: Actor, organization_id: UUID, *, organization_bps: int, auto_approve: bool
) -> None:
    """The organization's part of bookings with its consultants, set as it is launched; who is let in without asking.

    Raises Conflict for a buyer, and as `save_identity`.
    """
    if not 0 <= organization_bps <= WHOLE_BPS:
        raise Invalid(
            "A rate lies between 0 % and 100 %.", fields={"organization_bps": "A rate lies between 0 % and 100 %."}
        )
    found, draft = _to_change(session, actor, organization_id)
    _belongs(found, Step.RATES)
    draft.organization_bps, found.auto_approve_consultants = organization_bps, auto_approve
    _saved(draft, Step.RATES)


def choose_team(session: Session, actor: Actor, organization_id: UUID, invitees: Sequence[Invitee]) -> None:
    """Who is invited as it is launched, in place of all named before. Raises Invalid, and as `save_identity`."""
    _found, draft = _to_change(session, actor, organization_id)
    if len(invitees) > MOST_INVITEES:
        raise Invalid(f"Name at most {MOST_INVITEES} people here; more are invited later, from a list.")
    kept: dict[str, str] = {}
    for one in invitees:
        if one.role in _NOT_INVITED:
            raise Invalid(f"{one.email}: {one.role.label} is not a role of the team.")
        if said := gating.why_not(one.role):
            raise Invalid(f"{one.email}: {said}")
        try:
            email = normal_email(one.email)
        except Invalid:
            raise Invalid(f"“{one.email}” is no e-mail address.") from None
        if email in kept:
            raise Invalid(f"{email} is named twice.")
        kept[email] = one.role.value
    draft.invitees = [{"email": email, "role": role} for email, role in kept.items()]
    _saved(draft, Step.TEAM)


def launch(session: ScopedSession, actor: Actor, organization_id: UUID) -> Organization:
    """From now on it is an organization like any other; its team is invited by a job. One that provides is a payee.

    Only for `app.earnings.launching`, which knows the rates. Raises Forbidden, NotFound, Conflict naming what is
    missing or once it is launched, SwitchedOff.
    """
    found, draft = _to_change(session, actor, organization_id)
    check_kind(found.kind)
    lacking = steps.missing(found.kind, draft.steps)
    if lacking:
        raise Conflict(f"Something is missing: {', '.join(step.value for step in lacking)}.")
    found.status = OrganizationStatus.ACTIVE
    session.flush()
    audit.record(
        session, actor, "organization.launched", "organization", found.id, organization_id=found.id,
        kind=found.kind.value, billing_mode=found.billing_mode.value,
    )  # fmt: skip
    own_payee.ensure(session, actor, found.id)
    outbox.emit(session, Topic.ORGANIZATION_LAUNCHED, organization_id=found.id)
    return found


def _to_change(session: Session, actor: Actor, organization_id: UUID) -> tuple[Organization, OrganizationDraft]:
    """Held until the end of the transaction, so that the daily removal waits, or has been."""
    actor.require(Permission.ORGANIZATION_SETTINGS)
    actor.require_organization(organization_id)
    if not actor.can(Permission.PLATFORM) and actor.rank < Role.OWNER.rank:
        raise Forbidden("Only its owner opens an organization.")
    found = session.scalar(select(Organization).where(Organization.id == organization_id).with_for_update())
    if found is None:
        raise NotFound("There is no such draft.")
    if found.status is not OrganizationStatus.DRAFT:
        raise Conflict(f"{found.name} is launched already.")
    return found, of(session, organization_id)


def _belongs(organization: Organization, step: Step) -> None:
    if step not in steps.steps_of(organization.kind):
        raise Conflict("This kind of organization has no such step. Choose its kind first.")


def _saved(draft: OrganizationDraft, step: Step) -> None:
    if step.value not in draft.steps:
        draft.steps = [*draft.steps, step.value]


def _checked(identity: Identity) -> Identity:
    wrong: dict[str, str] = {}
    name = " ".join(identity.name.split())
    if not name:
        wrong["name"] = "Give the organization’s name."
    if rules.slug_of(identity.slug) != identity.slug:
        wrong["slug"] = "A short name has small letters, digits and single dashes, at most 60."
    if identity.currency not in CURRENCIES:
        wrong["currency"] = "Choose a currency."
    if identity.time_zone not in available_timezones():
        wrong["time_zone"] = "Choose a time zone."
    if identity.country and len(identity.country) != 2:
        wrong["country"] = "Choose a country."
    if wrong:
        raise Invalid(" ".join(wrong.values()), fields=wrong)
    legal_name = " ".join(identity.legal_name.split())
    return Identity(name, identity.slug, legal_name, identity.country, identity.currency, identity.time_zone)


def _check_slug(session: Session, slug: str, organization_id: UUID | None = None) -> None:
    if not slug_is_free(session, slug, organization_id):
        raise Invalid(f"“{slug}” is taken.", fields={"slug": f"“{slug}” is taken. Choose another short name."})
