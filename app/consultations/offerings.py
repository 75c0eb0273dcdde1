"""What can be booked: the platform's lengths, which every advisor offers, and what consultants offer at own prices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, or_, select
from sqlalchemy.dialects.postgresql import insert

from app.audit import service as audit
from app.consultations import entitlements
from app.consultations.entitlements import Entitlement
from app.consultations.models import Consultation
from app.consultations.profile_models import Collaborator, ConsultantProfile, Offering
from app.consultations.states import TAKES_TIME, OfferingKind, Practice
from app.core.clock import today, utc_now
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.money import MAX_MINOR, Money
from app.core.scope import Actor, Permission
from app.db.session import ScopedSession
from app.db.types import new_id
from app.organizations.models import Organization
from app.payees.models import Engagement
from app.payees.states import EngagementStatus

SESSION_PRICES: Mapping[int, int] = {15: 900, 30: 1900, 60: 3500}  # minutes: cents
SESSION_CURRENCY = "USD"
OWN_KINDS = (OfferingKind.CONSULTATION, OfferingKind.WEBINAR, OfferingKind.CLASS)
MOST_OFFERINGS = 50  # active ones of a consultant
MOST_COLLABORATORS = 20
MOST_SEATS = 1_000
LONGEST_TITLE, LONGEST_DESCRIPTION = 120, 2_000
LONGEST_WEIGHT = 10_000


@dataclass(frozen=True, slots=True)
class OfferingForm:
    """`capacity` and `starts_at` are of what is held once for many; `starts_at` is aware."""

    kind: OfferingKind
    title: str
    duration_minutes: int
    price: Money
    description: str = ""
    capacity: int = 1
    starts_at: datetime | None = None

    def cleaned(self) -> OfferingForm:
        group = self.kind.is_group
        return replace(
            self,
            title=" ".join(self.title.split()),
            description=self.description.strip(),
            capacity=self.capacity if group else 1,
            starts_at=self.starts_at if group else None,
        )


def seed_sessions(session: ScopedSession) -> int:
    """The platform's lengths and prices; what is there already stays. How many were missing; none without a house."""
    house = session.scalar(select(Organization.id).where(Organization.is_house))
    if house is None:
        return 0
    rows = [
        {
            "id": new_id(), "organization_id": house, "kind": OfferingKind.SESSION, "title": f"{minutes} minutes",
            "duration_minutes": minutes, "price_minor": cents, "currency": SESSION_CURRENCY,
        }
        for minutes, cents in SESSION_PRICES.items()
    ]  # fmt: skip
    with session.elevated("the platform's price list"):
        made = session.scalars(insert(Offering).values(rows).on_conflict_do_nothing().returning(Offering.id))
        return len(made.all())


def sessions(session: ScopedSession) -> list[Offering]:
    """The platform's price list, shortest first; empty before the house is set up."""
    query = select(Offering).where(Offering.payee_id.is_(None), Offering.active).order_by(Offering.duration_minutes)
    return list(session.scalars(query))


def bookable(session: ScopedSession, payee_id: UUID, practice: Practice) -> list[Offering]:
    """What clients can book with a consultant now: nothing that is full. Advisors offer the platform's lengths, and
    what is their own."""
    own = select(Offering).where(
        Offering.payee_id == payee_id,
        Offering.active,
        or_(Offering.starts_at.is_(None), Offering.starts_at > utc_now()),
    )
    found = list(session.scalars(own.order_by(Offering.starts_at.asc().nulls_first(), Offering.id)))
    full = _full(session, [one for one in found if one.kind.is_group])
    found = [one for one in found if one.id not in full]
    return [*sessions(session), *found] if practice is Practice.ADVISOR else found


def _full(session: ScopedSession, groups: list[Offering]) -> set[UUID]:
    if not groups:
        return set()
    with session.elevated("how many are booked"):
        taken = select(Consultation.offering_id, func.count()).where(
            Consultation.offering_id.in_([one.id for one in groups]), Consultation._status.in_(TAKES_TIME)
        )
        counts = {row[0]: row[1] for row in session.execute(taken.group_by(Consultation.offering_id))}
    return {one.id for one in groups if counts.get(one.id, 0) >= one.capacity}


def own(session: ScopedSession, payee_id: UUID) -> list[Offering]:
    """Everything a consultant offers or offered, what is active first."""
    query = select(Offering).where(Offering.payee_id == payee_id)
    return list(session.scalars(query.order_by(Offering.active.desc(), Offering.id.desc()).limit(200)))


def one(session: ScopedSession, payee_id: UUID, offering_id: UUID) -> Offering:
    """Raises NotFound."""
    found = session.scalar(select(Offering).where(Offering.id == offering_id, Offering.payee_id == payee_id))
    if found is None:
        raise NotFound("There is no such offering.")
    return found


def create(session: ScopedSession, actor: Actor, payee_id: UUID, form: OfferingForm) -> Offering:
    """Own prices of an advisor are part of the premium plan.

    Raises Forbidden, NotFound without a profile, Invalid naming each bad field.
    """
    profile = _profile(session, actor, payee_id)
    form = form.cleaned()
    check(form)
    if profile.practice is Practice.DOCTOR:
        raise Invalid("Doctors are paid for each appointment. There is nothing to price.")
    if profile.practice is Practice.ADVISOR:
        entitlements.require(profile, Entitlement.CUSTOM_OFFERINGS, today())
    active = select(Offering.id).where(Offering.payee_id == payee_id, Offering.active).limit(MOST_OFFERINGS)
    if len(session.scalars(active).all()) >= MOST_OFFERINGS:
        raise Invalid(f"You offer {MOST_OFFERINGS} things already. End one that is not booked any more.")
    made = Offering(
        id=new_id(), organization_id=profile.organization_id, payee_id=payee_id, kind=form.kind, active=True, version=1
    )
    _fill(made, form)
    session.add(made)
    session.flush()
    _note(session, actor, made, "created")
    return made


def edit(session: ScopedSession, actor: Actor, payee_id: UUID, offering_id: UUID, form: OfferingForm) -> Offering:
    """What was booked keeps its price and length. The kind stays, and so does the time of what is booked already.

    Raises Forbidden, NotFound, Invalid, Conflict for an ended one.
    """
    _profile(session, actor, payee_id)
    found = _locked(session, payee_id, offering_id)
    if not found.active:
        raise Conflict("This offering has ended. Make a new one.")
    form = replace(form, kind=found.kind).cleaned()
    check(form, begun_at=found.starts_at)
    seats = seats_taken(session, found.id) if found.kind.is_group else 0
    if seats and (form.starts_at, form.duration_minutes) != (found.starts_at, found.duration_minutes):
        sentence = "It is booked already, so its time stays. End it and make a new one instead."
        raise Invalid(sentence, fields={"starts_at": sentence})
    if form.capacity < seats:
        sentence = f"{seats} are booked already."
        raise Invalid(sentence, fields={"capacity": sentence})
    before = (found.price, found.duration_minutes)
    _fill(found, form)
    if before != (found.price, found.duration_minutes):
        found.version += 1
    session.flush()
    _note(session, actor, found, "edited")
    return found


def end(session: ScopedSession, actor: Actor, payee_id: UUID, offering_id: UUID) -> Offering:
    """Nobody can book it any more; what is booked stays. Ending twice is harmless. Raises Forbidden, NotFound."""
    _profile(session, actor, payee_id)
    found = _locked(session, payee_id, offering_id)
    if found.active:
        found.active = False
        session.flush()
        _note(session, actor, found, "ended")
    return found


def collaborators(session: ScopedSession, offering_id: UUID) -> Sequence[tuple[UUID, str, str, int]]:
    """(payee_id, name, slug, weight) of those who share an offering, heaviest first; empty: its owner alone."""
    query = (
        select(Collaborator.payee_id, ConsultantProfile.name, ConsultantProfile.slug, Collaborator.weight)
        .join(ConsultantProfile, ConsultantProfile.payee_id == Collaborator.payee_id)
        .where(Collaborator.offering_id == offering_id)
        .order_by(Collaborator.weight.desc(), Collaborator.id)
    )
    return [(row.payee_id, row.name, row.slug, row.weight) for row in session.execute(query)]


def share(session: ScopedSession, actor: Actor, payee_id: UUID, offering_id: UUID, weights: Mapping[str, int]) -> None:
    """Share the consultant part of an offering by weight, by the slugs of profiles; its owner must be one of them.

    Nobody but the owner: it is shared with nobody. What was booked stays. Raises Forbidden, NotFound, Invalid.
    """
    mine = _profile(session, actor, payee_id)
    found = _locked(session, payee_id, offering_id)
    if len(weights) > MOST_COLLABORATORS or any(not 0 < weight <= LONGEST_WEIGHT for weight in weights.values()):
        raise _wrong_share(f"At most {MOST_COLLABORATORS} people share, each with a weight from 1 to {LONGEST_WEIGHT}.")
    if weights and mine.slug not in weights:
        raise _wrong_share("You are one of those who share. Give yourself a weight too.")
    known = _engaged(session, found.organization_id, list(weights))
    missing = [slug for slug in weights if slug not in known]
    if missing:
        raise _wrong_share(f"Nobody here goes by “{missing[0]}”. Use the last part of their profile's address.")
    session.execute(delete(Collaborator).where(Collaborator.offering_id == found.id))
    if set(weights) - {mine.slug}:
        rows = [
            {"id": new_id(), "offering_id": found.id, "payee_id": known[slug], "weight": weight}
            for slug, weight in weights.items()
        ]
        session.execute(insert(Collaborator).values(rows))
    found.version += 1
    session.flush()
    _note(session, actor, found, "shared", weights=dict(weights))


def seats_taken(session: ScopedSession, offering_id: UUID) -> int:
    with session.elevated("how many are booked"):
        query = select(Consultation.id).where(
            Consultation.offering_id == offering_id, Consultation._status.in_(TAKES_TIME)
        )
        return len(session.scalars(query).all())


def check(form: OfferingForm, *, begun_at: datetime | None = None) -> None:
    """`begun_at`: the time it has already, which may have passed. Raises Invalid."""
    wrong: dict[str, str] = {}
    if form.kind not in OWN_KINDS:
        wrong["kind"] = "Choose what you offer."
    if not 0 < len(form.title) <= LONGEST_TITLE:
        wrong["title"] = f"Give it a title of at most {LONGEST_TITLE} letters."
    if len(form.description) > LONGEST_DESCRIPTION:
        wrong["description"] = f"At most {LONGEST_DESCRIPTION} letters."
    if not 5 <= form.duration_minutes <= 1440:
        wrong["duration_minutes"] = "From 5 minutes to a day."
    if not 0 < form.price.minor <= MAX_MINOR:
        wrong["price"] = "Write a price above zero."
    if form.kind.is_group:
        if not 1 <= form.capacity <= MOST_SEATS:
            wrong["capacity"] = f"From 1 to {MOST_SEATS} people."
        if form.starts_at is None:
            wrong["starts_at"] = "Say when it is held."
        elif form.starts_at <= utc_now() and form.starts_at != begun_at:
            wrong["starts_at"] = "This time has passed."
    if wrong:
        raise Invalid(" ".join(wrong.values()), fields=wrong)


def _wrong_share(sentence: str) -> Invalid:
    return Invalid(sentence, fields={"weights": sentence})


def _engaged(session: ScopedSession, organization_id: UUID, slugs: list[str]) -> dict[str, UUID]:
    """Only who works with the same organization can be paid by it."""
    query = (
        select(ConsultantProfile.slug, ConsultantProfile.payee_id)
        .join(Engagement, Engagement.payee_id == ConsultantProfile.payee_id)
        .where(
            ConsultantProfile.slug.in_(slugs),
            Engagement.organization_id == organization_id,
            Engagement.status == EngagementStatus.ACTIVE,
        )
    )
    with session.elevated("who may share an offering"):
        return {row.slug: row.payee_id for row in session.execute(query)}


def _profile(session: ScopedSession, actor: Actor, payee_id: UUID) -> ConsultantProfile:
    """The consultant's, once the actor may change it. Raises Forbidden, NotFound."""
    found = session.scalar(select(ConsultantProfile).where(ConsultantProfile.payee_id == payee_id))
    if found is None:
        raise NotFound("There is no consultant's profile yet.")
    if actor.payee_id is not None:
        actor.require(Permission.CONSULTATION_OWN)
        if actor.payee_id != payee_id:
            raise Forbidden("This belongs to another consultant.")
    else:
        actor.require(Permission.CONSULTATION_MANAGE)
        actor.require_organization(found.organization_id)
    return found


def _locked(session: ScopedSession, payee_id: UUID, offering_id: UUID) -> Offering:
    query = select(Offering).where(Offering.id == offering_id, Offering.payee_id == payee_id).with_for_update()
    found = session.scalar(query.execution_options(populate_existing=True))
    if found is None:
        raise NotFound("There is no such offering.")
    return found


def _fill(row: Offering, form: OfferingForm) -> None:
    row.title, row.description, row.duration_minutes = form.title, form.description, form.duration_minutes
    row.price_minor, row.currency = form.price.minor, form.price.currency
    row.capacity, row.starts_at = form.capacity, form.starts_at


def _note(session: ScopedSession, actor: Actor, row: Offering, what: str, **more: object) -> None:
    audit.record(
        session, actor, f"offering.{what}", "offering", row.id, organization_id=row.organization_id, title=row.title,
        price_minor=row.price_minor, currency=row.currency, **more,
    )  # fmt: skip
