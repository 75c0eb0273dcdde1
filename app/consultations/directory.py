"""Reads of consultants' profiles: the public directory, one with its prices and reviews, the platform's list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, Text, Uuid, column, func, or_, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from app.consultations import profile_rules as rules
from app.consultations.models import Consultation, Review
from app.consultations.profile_models import ConsultantProfile as P
from app.consultations.states import ConsultationStatus, Practice
from app.core.errors import NotFound
from app.db import paging
from app.db.session import ScopedSession
from app.files.models import StoredFile
from app.payees.models import Engagement

FACETS = 60
# What counts as a session of somebody: booked, and not cancelled since.
SESSIONS = (
    ConsultationStatus.BOOKED, ConsultationStatus.COMPLETED, ConsultationStatus.NO_SHOW_CLIENT,
    ConsultationStatus.NO_SHOW_CONSULTANT,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wanted:
    """`rating`: at least so many stars on average. `listed` None and `organization_id` are for staff."""

    search: str = ""
    specialty: str = ""
    language: str = ""
    accepting: bool = False
    rating: int | None = None
    practice: Practice | None = None
    listed: bool | None = True
    organization_id: UUID | None = None

    @property
    def any(self) -> bool:
        return bool(self.search or self.specialty or self.language or self.accepting or self.rating or self.practice)


@dataclass(frozen=True, slots=True)
class Facets:
    """What can be filtered by: specialties as they are written, languages as code and name, the commonest first."""

    specialties: list[str]
    languages: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Picture:
    storage_key: str
    content_type: str
    sha256: str


_COLUMNS = (
    P.id, P.payee_id, P.organization_id, P.practice, P.slug, P.name, P.headline, P.specialties, P.languages, P.country,
    P.accepting, P.listed, P.premium_until, P.rating_sum, P.rating_count, P.avatar_file_id, P.created_at,
)  # fmt: skip
_ALL = (*_COLUMNS, P.bio, P.skills, P.portfolio_urls, P.time_zone, P.calendar_link)
# For the search of this transaction: a name with one letter left out is found, one with two letters changed is not.
_FORGIVING = text("SELECT set_config('pg_trgm.word_similarity_threshold', '0.5', true)")
_KEY = paging.Key((P.rating_count, P.id), ("rating_count", "id"))


def search(
    session: Session, wanted: Wanted, cursor: str | None = None, limit: int = paging.DEFAULT_LIMIT
) -> paging.Page:
    """Profiles without their texts, those with most reviews first."""
    if wanted.search:
        session.execute(_FORGIVING)
    return paging.fetch(session, _filtered(select(*_COLUMNS), wanted), _KEY, cursor, limit)


class Sort(StrEnum):
    NAME = "name"
    SESSIONS = "sessions"


def by(
    session: Session, wanted: Wanted, sort: Sort, cursor: str | None = None, limit: int = paging.DEFAULT_LIMIT
) -> paging.Page:
    """As `search`, for staff: by name, or by sessions that were booked and not cancelled, most first."""
    if wanted.search:
        session.execute(_FORGIVING)
    if sort is Sort.NAME:
        key = paging.Key((P.name, P.id), ("name", "id"), descending=False)
        return paging.fetch(session, _filtered(select(*_COLUMNS), wanted), key, cursor, limit)
    counted = (
        select(Consultation.payee_id, func.count().label("sessions"))
        .where(Consultation._status.in_(SESSIONS))
        .group_by(Consultation.payee_id)
        .subquery()
    )
    sessions = func.coalesce(counted.c.sessions, 0)
    query = select(*_COLUMNS, sessions.label("sessions")).outerjoin(counted, counted.c.payee_id == P.payee_id)
    key = paging.Key((sessions, P.id), ("sessions", "id"))
    return paging.fetch(session, _filtered(query, wanted), key, cursor, limit)


def facets(session: Session) -> Facets:
    specialties = session.scalars(_SPECIALTIES, {"n": FACETS}).all()
    codes = session.scalars(_LANGUAGES, {"n": FACETS}).all()
    return Facets(list(specialties), list(zip(codes, rules.language_names(codes), strict=True)))


_SPECIALTIES = text(
    """SELECT min(word) FROM consultant_profiles, unnest(specialties) AS word WHERE listed
    GROUP BY lower(word) ORDER BY count(*) DESC, 1 LIMIT :n"""
)
_LANGUAGES = text(
    """SELECT code FROM consultant_profiles, unnest(languages) AS code WHERE listed
    GROUP BY code ORDER BY count(*) DESC, 1 LIMIT :n"""
)


def profile(session: Session, slug: str) -> paging.AnyRow:
    """A listed profile with all that is published. Raises NotFound."""
    return _one(session, select(*_ALL).where(P.slug == slug, P.listed))


def listed(session: Session, payee_id: UUID) -> paging.AnyRow:
    """As `profile`, by the consultant's id. Raises NotFound."""
    return _one(session, select(*_ALL).where(P.payee_id == payee_id, P.listed))


def own(session: Session, payee_id: UUID) -> paging.AnyRow:
    """As `profile`, listed or not: for its owner and staff. Raises NotFound."""
    return _one(session, select(*_ALL).where(P.payee_id == payee_id))


def has_profile(session: Session, payee_id: UUID) -> bool:
    return session.scalar(select(P.id).where(P.payee_id == payee_id)) is not None


def reviews(
    session: Session, payee_id: UUID, cursor: str | None = None, limit: int = paging.DEFAULT_LIMIT
) -> paging.Page:
    """Those that are not hidden, newest first."""
    return paging.fetch(
        session,
        select(
            Review.id, Review.created_at, Review.client_first_name, Review.rating, Review.expertise,
            Review.communication, Review.helpfulness, Review.text,
        ).where(Review.payee_id == payee_id, Review.hidden_at.is_(None)),
        paging.Key((Review.created_at, Review.id), ("created_at", "id")), cursor, limit,
    )  # fmt: skip


def average(row: paging.AnyRow) -> Decimal | None:
    """Stars with one decimal; None without reviews."""
    if not row.rating_count:
        return None
    stars: Decimal = Decimal(row.rating_sum) / Decimal(row.rating_count)
    return stars.quantize(Decimal("0.1"), ROUND_HALF_UP)


def picture(session: ScopedSession, avatar_file_id: UUID | None) -> Picture:
    """Whoever may see the profile or application may see its picture: the caller has found it. Raises NotFound."""
    with session.elevated("the picture of a profile"):
        found = session.execute(
            select(StoredFile.storage_key, StoredFile.content_type, StoredFile.content_sha256).where(
                StoredFile.id == avatar_file_id
            )
        ).one_or_none()
    if found is None:
        raise NotFound("There is no picture.")
    return Picture(found.storage_key, found.content_type, found.content_sha256)


def statuses(session: Session, rows: Sequence[paging.AnyRow]) -> dict[UUID, paging.AnyRow]:
    """The engagements of profiles by payee: status, status_reason, status_by_platform, currency."""
    if not rows:
        return {}
    found = session.execute(
        select(
            Engagement.payee_id, Engagement.status, Engagement.status_reason, Engagement.status_by_platform,
            Engagement.currency,
        )
        .join(P, (P.payee_id == Engagement.payee_id) & (P.organization_id == Engagement.organization_id))
        .where(P.payee_id.in_([row.payee_id for row in rows]))
    ).all()  # fmt: skip
    return {row.payee_id: row for row in found}


def _one(session: Session, query: paging.AnySelect) -> paging.AnyRow:
    found = session.execute(query).one_or_none()
    if found is None:
        raise NotFound("There is no such consultant.")
    return found


def _filtered(query: paging.AnySelect, wanted: Wanted) -> paging.AnySelect:
    for term in rules.terms(wanted.search):
        query = query.where(or_(P.words.contains(term, autoescape=True), P.words.bool_op("%>")(term)))
    if wanted.specialty.strip():
        word = " ".join(wanted.specialty.split())
        spelled = func.unnest(P.specialties).table_valued("word").render_derived(name="spelled")
        # The first condition has an index, the second is exact.
        query = query.where(
            P.words.contains(rules.plain(word), autoescape=True),
            select(1).select_from(spelled).where(func.lower(spelled.c.word) == word.lower()).exists(),
        )
    if wanted.language:
        query = query.where(P.languages.contains([wanted.language.lower()]))
    if wanted.accepting:
        query = query.where(P.accepting, P.practice != Practice.DOCTOR)  # doctors sell no times here
    if wanted.rating:
        query = query.where(P.rating_count > 0, P.rating_sum >= wanted.rating * P.rating_count)
    if wanted.practice is not None:
        query = query.where(P.practice == wanted.practice)
    if wanted.listed is not None:
        query = query.where(P.listed.is_(wanted.listed))
    if wanted.organization_id is not None:
        query = query.where(P.organization_id == wanted.organization_id)
    return query


# Members who are consultants, and who has a profile with the organization: one row a person, known by the address.
_TEAM = text(
    """SELECT coalesce(p.id, m.id) AS id, m.id AS member_id, p.payee_id, coalesce(p.name, m.name) AS name,
        coalesce(lower(y.email), m.email) AS email, coalesce(CAST(m.status AS text), CAST(g.status AS text)) AS status,
        p.slug, CAST(p.practice AS text) AS practice, p.headline, p.specialties, p.languages, p.accepting, p.listed,
        p.rating_sum, p.rating_count
    FROM (SELECT x.* FROM consultant_profiles x WHERE x.organization_id = :organization_id) p
    JOIN payees y ON y.id = p.payee_id
    JOIN engagements g ON g.organization_id = p.organization_id AND g.payee_id = p.payee_id
    FULL JOIN (SELECT * FROM members WHERE organization_id = :organization_id AND role = 'ORG_CONSULTANT') m
        ON lower(y.email) = m.email"""
)


def of_organization(
    session: Session, organization_id: UUID, cursor: str | None = None, limit: int = paging.DEFAULT_LIMIT
) -> paging.Page:
    """member_id, payee_id (None without a profile), name, email, status and what is published; by name. The scope is
    the organization's."""
    team = (
        _TEAM.bindparams(organization_id=organization_id)
        .columns(
            column("id", Uuid), column("member_id", Uuid), column("payee_id", Uuid), column("name", Text),
            column("email", Text), column("status", Text), column("slug", Text), column("practice", Text),
            column("headline", Text), column("specialties", ARRAY(Text)), column("languages", ARRAY(Text)),
            column("accepting", Boolean), column("listed", Boolean), column("rating_sum", BigInteger),
            column("rating_count", BigInteger),
        )
        .subquery("team")
    )  # fmt: skip
    key = paging.Key((team.c.name, team.c.id), ("name", "id"), descending=False)
    return paging.fetch(session, select(team), key, cursor, limit)
