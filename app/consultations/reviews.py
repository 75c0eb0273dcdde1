"""Reviews: once for each consultation, after it was held, by its client. The profile keeps their average and count."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from app.audit import service as audit
from app.consultations.models import Consultation, Review
from app.consultations.privacy import payee_facing, without_identity
from app.consultations.profile_models import ConsultantProfile
from app.consultations.states import ConsultationStatus
from app.core.clock import utc_now
from app.core.errors import Conflict, Invalid, NotFound
from app.core.scope import Actor, Permission
from app.db import paging
from app.db.session import ScopedSession
from app.db.types import new_id
from app.identity.models import Account

LONGEST_TEXT = 2_000
_KEY = paging.Key((Review.created_at, Review.id), ("created_at", "id"))


@dataclass(frozen=True, slots=True)
class Verdict:
    """1 to 5 each; only `rating` is needed."""

    rating: int
    text: str = ""
    expertise: int | None = None
    communication: int | None = None
    helpfulness: int | None = None


def write(session: ScopedSession, actor: Actor, consultation_id: UUID, verdict: Verdict) -> UUID:
    """The client's word on a consultation that was held. What tells who the client is, is left out of the text.

    Raises Forbidden, NotFound for somebody else's, Invalid, Conflict before it was held or the second time.
    """
    actor.require(Permission.CONSULTATION_BOOK)
    _check(verdict)
    held = session.scalar(
        select(Consultation).where(
            Consultation.id == consultation_id, Consultation.client_account_id == actor.account_id
        )
    )
    if held is None:
        raise NotFound("There is no such consultation.")
    if held.status is not ConsultationStatus.COMPLETED:
        raise Conflict("A consultation can be reviewed once it was held.")
    with session.elevated("publish a review"):
        name, email = session.execute(
            select(Account.name, Account.email).where(Account.id == held.client_account_id)
        ).one()
        made: UUID | None = session.scalar(
            insert(Review)
            .values(
                id=new_id(), created_at=utc_now(), consultation_id=held.id, payee_id=held.payee_id,
                client_first_name=held.client_first_name, rating=verdict.rating, expertise=verdict.expertise,
                communication=verdict.communication, helpfulness=verdict.helpfulness,
                text=without_identity(verdict.text.strip(), name, email),
            )
            .on_conflict_do_nothing(index_elements=["consultation_id"])
            .returning(Review.id)
        )  # fmt: skip
        if made is None:
            raise Conflict("You reviewed this consultation already.")
        _count(session, held.payee_id, verdict.rating, 1)
    audit.record(
        session, actor, "review.written", "review", made, organization_id=held.organization_id, rating=verdict.rating
    )
    return made


def hide(session: ScopedSession, actor: Actor, review_id: UUID, reason: str) -> None:
    """Take a review off the profile and out of its average. The consultant reads the reason.

    Raises Forbidden, NotFound, Conflict when it is hidden; Invalid for a reason that is empty, too long or tells more
    of the client than the first name.
    """
    actor.require(Permission.PLATFORM)
    with session.elevated("hide a review"):
        found = _locked(session, review_id)
        if found.hidden_at is not None:
            raise Conflict("This review is hidden already.")
        name, email = session.execute(
            select(Account.name, Account.email)
            .join(Consultation, Consultation.client_account_id == Account.id)
            .where(Consultation.id == found.consultation_id)
        ).one()
        reason = payee_facing(reason, name, email)
        found.hidden_at, found.hidden_reason, found.hidden_by = utc_now(), reason, actor.label
        _count(session, found.payee_id, -found.rating, -1)
        session.flush()
    audit.record(session, actor, "review.hidden", "review", review_id, reason=reason)


def show(session: ScopedSession, actor: Actor, review_id: UUID) -> None:
    """Publish a hidden review again. Raises Forbidden, NotFound, Conflict."""
    actor.require(Permission.PLATFORM)
    with session.elevated("show a review again"):
        found = _locked(session, review_id)
        if found.hidden_at is None:
            raise Conflict("This review is not hidden.")
        found.hidden_at = found.hidden_reason = found.hidden_by = None
        _count(session, found.payee_id, found.rating, 1)
        session.flush()
    audit.record(session, actor, "review.shown", "review", review_id)


def published(
    session: ScopedSession, payee_id: UUID, cursor: str | None = None, limit: int = paging.DEFAULT_LIMIT
) -> paging.Page:
    """What anybody reads on a profile, newest first."""
    return paging.fetch(
        session, _query().where(Review.payee_id == payee_id, Review.hidden_at.is_(None)), _KEY, cursor, limit
    )


def everything(session: ScopedSession, cursor: str | None = None, limit: int = paging.DEFAULT_LIMIT) -> paging.Page:
    """All reviews with whom they are of, hidden ones too, for the platform."""
    query = _query(Review.hidden_at, Review.hidden_reason, Review.hidden_by, Review.payee_id, ConsultantProfile.name)
    return paging.fetch(
        session, query.join(ConsultantProfile, ConsultantProfile.payee_id == Review.payee_id), _KEY, cursor, limit
    )


def of_payee(
    session: ScopedSession, payee_id: UUID, cursor: str | None = None, limit: int = paging.DEFAULT_LIMIT
) -> paging.Page:
    """A consultant's own, newest first: also those that are hidden, with the reason why."""
    query = _query(Review.hidden_at, Review.hidden_reason).where(Review.payee_id == payee_id)
    return paging.fetch(session, query, _KEY, cursor, limit)


@dataclass(frozen=True, slots=True)
class Averages:
    """Of the published reviews, with one decimal; None where nobody said. `stars`: how many gave 5, 4, 3, 2, 1."""

    number: int
    hidden: int
    rating: Decimal | None
    expertise: Decimal | None
    communication: Decimal | None
    helpfulness: Decimal | None
    stars: tuple[int, ...]


def averages(session: ScopedSession, payee_id: UUID) -> Averages:
    shown = Review.hidden_at.is_(None)
    marks = (Review.rating, Review.expertise, Review.communication, Review.helpfulness)
    row = session.execute(
        select(
            func.count().filter(shown),
            func.count().filter(~shown),
            *(func.round(func.avg(mark).filter(shown), 1) for mark in marks),
            *(func.count().filter(shown, Review.rating == stars) for stars in range(5, 0, -1)),
        ).where(Review.payee_id == payee_id)
    ).one()
    number, hidden, rating, expertise, communication, helpfulness, *stars = row
    return Averages(number, hidden, rating, expertise, communication, helpfulness, tuple(stars))


def one(session: ScopedSession, review_id: UUID) -> paging.AnyRow:
    """Hidden or not. Raises NotFound."""
    found = session.execute(_query().where(Review.id == review_id)).one_or_none()
    if found is None:
        raise NotFound("There is no such review.")
    return found


def of_consultation(session: ScopedSession, consultation_id: UUID) -> paging.AnyRow | None:
    """The client's own review; hidden or not, it was written."""
    return session.execute(_query().where(Review.consultation_id == consultation_id)).one_or_none()


def _query(*more: Any) -> paging.AnySelect:
    return select(
        Review.id, Review.consultation_id, Review.client_first_name, Review.rating, Review.expertise,
        Review.communication, Review.helpfulness, Review.text, Review.created_at, *more,
    )  # fmt: skip


def _check(verdict: Verdict) -> None:
    wrong = {
        name: "From 1 to 5."
        for name in ("rating", "expertise", "communication", "helpfulness")
        if not (1 <= (getattr(verdict, name) or 0) <= 5 or (name != "rating" and getattr(verdict, name) is None))
    }
    if "rating" in wrong:
        wrong["rating"] = "Give 1 to 5 stars."
    if len(verdict.text) > LONGEST_TEXT:
        wrong["text"] = f"At most {LONGEST_TEXT} letters."
    if wrong:
        raise Invalid(" ".join(wrong.values()), fields=wrong)


def _locked(session: ScopedSession, review_id: UUID) -> Review:
    found = session.scalar(
        select(Review).where(Review.id == review_id).with_for_update().execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound("There is no such review.")
    return found


def _count(session: ScopedSession, payee_id: UUID, stars: int, reviews: int) -> None:
    session.execute(
        update(ConsultantProfile)
        .where(ConsultantProfile.payee_id == payee_id)
        .values(rating_sum=ConsultantProfile.rating_sum + stars, rating_count=ConsultantProfile.rating_count + reviews)
        .execution_options(synchronize_session=False)
    )
