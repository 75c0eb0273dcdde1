"""Applications of consultants: everybody's (`app.payees.applications`) with a practice, skills and a picture.

Approving one makes the profile too. For other kinds of payees nothing is added.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.consultations import directory, profiles
from app.consultations.profile_models import ApplicationDetails, ConsultantProfile
from app.consultations.profile_rules import LONGEST_WORD, Expertise
from app.consultations.states import Practice
from app.core.clock import utc_now
from app.core.crypto import token_sha256
from app.core.scope import Actor
from app.db.paging import AnyRow
from app.db.session import ScopedSession
from app.files import service as files
from app.files.models import FilePurpose, StoredFile
from app.files.sniffing import Inspected
from app.payees import application_queries as queries
from app.payees import application_rules as rules
from app.payees import applications
from app.payees.application_models import PayeeApplication
from app.payees.application_rules import Stated
from app.payees.states import PayeeKind


def apply(
    session: ScopedSession,
    slug: str | None,
    email: str,
    stated: Stated,
    expertise: Expertise,
    picture: tuple[Inspected, str] | None = None,
) -> str | None:
    """As `payees.applications.apply`, for a consultant. `picture`: what it is, and the key of its bytes."""
    token = applications.apply(session, PayeeKind.CONSULTANT, slug, email, stated)
    if token is None:
        return None
    with session.elevated("what an application says, before there is an account"):
        row = session.execute(
            select(PayeeApplication.id, PayeeApplication.organization_id).where(
                PayeeApplication.token_sha256 == token_sha256(token)
            )
        ).one()
        kept = picture and files.add(
            session, Actor(stated.name, "applicant"), picture[0], picture[1], organization_id=row.organization_id,
            purpose=FilePurpose.AVATAR, subject_id=row.id,
        )  # fmt: skip
        session.add(
            ApplicationDetails(
                application_id=row.id,
                organization_id=row.organization_id,
                practice=expertise.practice,
                skills=list(expertise.skills),
                specialties=list(expertise.specialties),
                languages=list(expertise.languages),
                bio=expertise.bio,
                avatar_file_id=kept.id if kept else None,
            )
        )
    return token


def details(session: Session, application_id: UUID) -> AnyRow | None:
    """practice, skills, specialties, languages, bio, avatar_file_id; None for other kinds of payees."""
    return session.execute(
        select(
            ApplicationDetails.practice, ApplicationDetails.skills, ApplicationDetails.specialties,
            ApplicationDetails.languages, ApplicationDetails.bio, ApplicationDetails.avatar_file_id,
        ).where(ApplicationDetails.application_id == application_id)
    ).one_or_none()  # fmt: skip


def details_of(session: Session, application_ids: list[UUID]) -> dict[UUID, AnyRow]:
    """`details` of a page of applications, by application."""
    rows = session.execute(
        select(
            ApplicationDetails.application_id, ApplicationDetails.practice, ApplicationDetails.skills,
            ApplicationDetails.specialties, ApplicationDetails.languages, ApplicationDetails.bio,
            ApplicationDetails.avatar_file_id,
        ).where(ApplicationDetails.application_id.in_(application_ids))
    ).all()  # fmt: skip
    return {row.application_id: row for row in rows}


def approve(session: ScopedSession, actor: Actor, application_id: UUID, message: str = "") -> UUID:
    """As `payees.applications.approve`; a consultant is in the directory at once. Returns the payee's id.

    Who has a profile with another organization keeps it: clients book them there.
    """
    payee_id = applications.approve(session, actor, application_id, message)
    row = queries.application(session, application_id)
    if row.kind is not PayeeKind.CONSULTANT or directory.has_profile(session, payee_id):
        return payee_id
    said = details(session, application_id)
    profile = profiles.create(
        session,
        actor,
        payee_id=payee_id,
        organization_id=row.organization_id,
        practice=said.practice if said else Practice.CONSULTANT,
        name=row.name,
        headline=row.work,
        bio=said.bio if said else row.message,
        skills=said.skills if said else (),
        specialties=said.specialties if said else (row.work[:LONGEST_WORD],),
        languages=said.languages if said else (),
        country=row.country,
        portfolio_urls=row.links,
        avatar_file_id=said.avatar_file_id if said else None,
    )
    if profile.avatar_file_id is not None:
        _hand_over(session, profile)
    return payee_id


def _hand_over(session: Session, profile: ConsultantProfile) -> None:
    """The picture is the consultant's now, to keep or to replace."""
    session.execute(
        update(StoredFile)
        .where(StoredFile.id == profile.avatar_file_id)
        .values(payee_id=profile.payee_id, subject_id=profile.id)
        .execution_options(synchronize_session=False)
    )


def forget_pictures(session: ScopedSession, limit: int) -> int:
    """Remove at most `limit` pictures that no application and no profile shows any more; returns how many."""
    with session.elevated("personal data nobody needs"):
        shown = (
            select(ApplicationDetails.id).where(ApplicationDetails.avatar_file_id == StoredFile.id).exists(),
            select(ConsultantProfile.id).where(ConsultantProfile.avatar_file_id == StoredFile.id).exists(),
        )
        old = select(StoredFile.id).where(
            StoredFile.purpose == FilePurpose.AVATAR,
            StoredFile.created_at < utc_now() - rules.LINK_LIVES,
            *(~one for one in shown),
        )
        gone = session.execute(
            delete(StoredFile)
            .where(StoredFile.id.in_(old.limit(limit)))
            .returning(StoredFile.id)
            .execution_options(synchronize_session=False)
        ).all()
    return len(gone)
