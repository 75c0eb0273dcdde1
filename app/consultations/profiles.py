"""Profiles of consultants: made when somebody is taken on, kept by the consultant, listed while they are engaged.

`listed` follows the engagement with who pays them; `accepting` is the consultant's own switch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.consultations import elsewhere
from app.consultations import profile_rules as rules
from app.consultations.profile_models import ConsultantProfile
from app.consultations.profile_rules import Published
from app.consultations.states import Practice
from app.core.clock import today
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.scope import Actor, Permission
from app.db import locks
from app.db.session import ScopedSession
from app.db.types import new_id
from app.files import service as files
from app.files.models import FilePurpose, StoredFile
from app.files.sniffing import Inspected
from app.payees import service as payees
from app.payees.models import Engagement, Payee
from app.payees.states import EngagementStatus, PayeeKind

LATEST_PREMIUM = date(2100, 1, 1)


def create(
    session: ScopedSession,
    actor: Actor,
    *,
    payee_id: UUID,
    organization_id: UUID,
    practice: Practice,
    name: str,
    headline: str = "",
    bio: str = "",
    skills: Sequence[str] = (),
    specialties: Sequence[str] = (),
    languages: Sequence[str] = ("en",),
    country: str | None = None,
    portfolio_urls: Sequence[str] = (),
    time_zone: str = "UTC",
    avatar_file_id: UUID | None = None,
) -> ConsultantProfile:
    """Publish a consultant whom `organization_id` engages; what they did not write yet they add themselves.

    Raises Forbidden, NotFound unless this organization engages them, Invalid for another kind of payee and for an
    advisor of an organization, Conflict when there is a profile.
    """
    actor.require(Permission.CONSULTATION_MANAGE)
    actor.require_organization(organization_id)
    active = _is_active(session, organization_id, payee_id, practice)
    locks.hold(session, "profile slugs")
    if _found(session, payee_id) is not None:
        raise Conflict(f"{name} has a profile already.")
    made = ConsultantProfile(
        id=new_id(),
        payee_id=payee_id,
        organization_id=organization_id,
        practice=practice,
        slug=_free_slug(session, name),
        name=" ".join(name.split()),
        headline=headline,
        bio=bio,
        skills=list(skills),
        specialties=list(specialties),
        languages=list(languages),
        country=country,
        portfolio_urls=list(portfolio_urls),
        avatar_file_id=avatar_file_id,
        time_zone=time_zone,
        accepting=True,
        listed=active,
        rating_sum=0,
        rating_count=0,
    )
    _index(made)
    session.add(made)
    session.flush()
    audit.record(
        session, actor, "profile.created", "payee", payee_id, organization_id=organization_id, payee_id=payee_id,
        practice=practice.value, slug=made.slug,
    )  # fmt: skip
    return made


def edit(session: Session, actor: Actor, payee_id: UUID, published: Published) -> ConsultantProfile:
    """Replace what is public of a profile; its address stays. Raises Forbidden, NotFound."""
    profile = _own(session, actor, payee_id)
    new = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(published).items()}
    changed = sorted(name for name, value in new.items() if getattr(profile, name) != value)
    for name in changed:
        setattr(profile, name, new[name])
    _index(profile)
    session.flush()
    if changed:
        _note(session, actor, profile, "profile.edited", changed=changed)
    return profile


def set_avatar(
    session: ScopedSession, actor: Actor, payee_id: UUID, inspected: Inspected, storage_key: str
) -> ConsultantProfile:
    """Show another picture, whose bytes lie under `storage_key`. Raises Forbidden, NotFound."""
    profile = _own(session, actor, payee_id)
    row = files.add(
        session, actor, inspected, storage_key, organization_id=profile.organization_id, payee_id=payee_id,
        purpose=FilePurpose.AVATAR, subject_id=profile.id,
    )  # fmt: skip
    _replace_avatar(session, actor, profile, row.id)
    return profile


def remove_avatar(session: ScopedSession, actor: Actor, payee_id: UUID) -> ConsultantProfile:
    """Show initials again. Raises Forbidden, NotFound."""
    profile = _own(session, actor, payee_id)
    if profile.avatar_file_id is not None:
        _replace_avatar(session, actor, profile, None)
    return profile


def accept_bookings(session: Session, actor: Actor, payee_id: UUID, accepting: bool) -> ConsultantProfile:
    """The consultant's switch; sessions that are booked stay. Raises Forbidden, NotFound."""
    profile = _own(session, actor, payee_id)
    if profile.accepting != accepting:
        profile.accepting = accepting
        session.flush()
        _note(session, actor, profile, "profile.accepting" if accepting else "profile.not_accepting")
    return profile


def set_calendar_link(session: Session, actor: Actor, payee_id: UUID, text: str) -> ConsultantProfile:
    """Where their calendar elsewhere takes bookings; nothing: clients see the hours kept here again.

    Raises Forbidden, NotFound, Conflict where no such calendar is set up, Invalid naming `link`.
    """
    profile = _own(session, actor, payee_id)
    if not elsewhere.configured():
        raise Conflict("Calendars at Cal.com are not set up here.")
    link = elsewhere.link(text)
    if profile.calendar_link != link:
        profile.calendar_link = link
        session.flush()
        _note(session, actor, profile, "profile.calendar_linked" if link else "profile.calendar_unlinked")
    return profile


def suspend(session: ScopedSession, actor: Actor, payee_id: UUID, reason: str) -> ConsultantProfile:
    """Out of the directory and no new bookings; payouts that did not leave are held (`payees.service.set_status`).

    Raises Forbidden, NotFound, Invalid without a reason, Conflict when it is so already.
    """
    profile = _of_staff(session, actor, payee_id)
    payees.set_status(
        session, actor, profile.organization_id, payee_id, EngagementStatus.SUSPENDED, reason=reason
    )  # fmt: skip
    profile.listed = False
    session.flush()
    return profile


def reactivate(session: ScopedSession, actor: Actor, payee_id: UUID) -> ConsultantProfile:
    """Raises Forbidden, NotFound, Conflict when they are active, or the platform suspended them and this is not it."""
    profile = _of_staff(session, actor, payee_id)
    payees.set_status(session, actor, profile.organization_id, payee_id, EngagementStatus.ACTIVE)
    profile.listed = True
    session.flush()
    return profile


def follow(session: Session, organization_id: UUID, payee_id: UUID) -> bool:
    """List the profile, or not, as its engagement is now, whoever changed that; True when that changed something."""
    profile = _found(session, payee_id)
    if profile is None or profile.organization_id != organization_id:
        return False
    status = session.scalar(
        select(Engagement.status).where(Engagement.organization_id == organization_id, Engagement.payee_id == payee_id)
    )
    listed = status is EngagementStatus.ACTIVE
    changed = profile.listed != listed
    profile.listed = listed
    session.flush()
    return changed


def grant_premium(session: Session, actor: Actor, payee_id: UUID, until: date | None) -> ConsultantProfile:
    """The premium plan up to and with that day (UTC); None ends it. Raises Forbidden, NotFound, Invalid if past."""
    actor.require(Permission.PLATFORM)
    profile = _locked(session, payee_id)
    if until is not None and not today() <= until <= LATEST_PREMIUM:
        sentence = "Choose a day from today on."
        raise Invalid(sentence, fields={"until": sentence})
    profile.premium_until = until
    session.flush()
    _note(session, actor, profile, "profile.premium", until=until.isoformat() if until else None)
    return profile


def _found(session: Session, payee_id: UUID) -> ConsultantProfile | None:
    return session.scalar(
        select(ConsultantProfile)
        .where(ConsultantProfile.payee_id == payee_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def _locked(session: Session, payee_id: UUID) -> ConsultantProfile:
    found = _found(session, payee_id)
    if found is None:
        raise NotFound("There is no such consultant.")
    return found


def _own(session: Session, actor: Actor, payee_id: UUID) -> ConsultantProfile:
    """For its owner and the platform. Raises Forbidden, NotFound."""
    if not actor.can(Permission.PLATFORM):
        actor.require(Permission.CONSULTATION_OWN)
        if actor.payee_id != payee_id:
            raise Forbidden("Only the consultant changes their profile.")
    return _locked(session, payee_id)


def _of_staff(session: Session, actor: Actor, payee_id: UUID) -> ConsultantProfile:
    """For managers of the organization that engages them, and the platform. Raises Forbidden, NotFound."""
    actor.require(Permission.CONSULTATION_MANAGE)
    profile = _locked(session, payee_id)
    actor.require_organization(profile.organization_id)
    return profile


def _replace_avatar(session: ScopedSession, actor: Actor, profile: ConsultantProfile, file_id: UUID | None) -> None:
    old, profile.avatar_file_id = profile.avatar_file_id, file_id
    session.flush()
    if old is not None and session.get(StoredFile, old) is not None:
        files.remove(session, actor, old)
    _note(session, actor, profile, "profile.picture_changed" if file_id else "profile.picture_removed")


def _note(session: Session, actor: Actor, profile: ConsultantProfile, action: str, **detail: object) -> None:
    audit.record(
        session, actor, action, "payee", profile.payee_id, organization_id=profile.organization_id,
        payee_id=profile.payee_id, **detail,
    )  # fmt: skip


def _index(profile: ConsultantProfile) -> None:
    profile.words = rules.words_of(
        profile.name, profile.headline, *profile.specialties, *profile.skills,
        *rules.language_names(profile.languages), profile.bio,
    )  # fmt: skip


def _is_active(session: Session, organization_id: UUID, payee_id: UUID, practice: Practice) -> bool:
    """Whether they work for the organization now. Raises NotFound when they never did, Invalid as `create`."""
    engaged = session.execute(
        select(Payee.kind, Engagement.status)
        .join(Engagement, Engagement.payee_id == Payee.id)
        .where(Payee.id == payee_id, Engagement.organization_id == organization_id)
    ).one_or_none()
    if engaged is None:
        raise NotFound("There is no such consultant.")
    if engaged.kind is not PayeeKind.CONSULTANT:
        raise Invalid(f"A {engaged.kind.value} has no public profile.")
    if practice is Practice.ADVISOR and not _is_house(session, organization_id):
        raise Invalid("Advisors work for the platform itself: its prices are theirs.")
    return bool(engaged.status is EngagementStatus.ACTIVE)


def _is_house(session: Session, organization_id: UUID) -> bool:
    return bool(session.scalar(text("SELECT is_house FROM organizations WHERE id = :id"), {"id": organization_id}))


def _free_slug(session: Session, name: str) -> str:
    """The caller holds the lock of slugs."""
    base = rules.slug_of(name)
    alike = set(session.scalars(select(ConsultantProfile.slug).where(ConsultantProfile.slug.startswith(base))))
    return base if base not in alike else next(s for n in range(2, len(alike) + 3) if (s := f"{base}-{n}") not in alike)
