"""Applications of people who want to be taken on: asked, confirmed by mail, approved or declined.

Nobody learns whether an address is known: asking answers the same for all, and only its reader sees the mail.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select, text, update
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.core.clock import utc_now
from app.core.crypto import token as new_token
from app.core.crypto import token_sha256
from app.core.errors import Conflict, Gone, Invalid, NotFound
from app.core.scope import SYSTEM, Actor, Permission
from app.core.settings import settings
from app.db import locks
from app.db.session import ScopedSession
from app.db.types import new_id
from app.identity import queries as accounts
from app.identity import rules as identity_rules
from app.identity.states import Portal
from app.notify import service as notify
from app.notify import sign_in
from app.payees import application_rules as rules
from app.payees import joining
from app.payees import service as payees
from app.payees.application_models import PayeeApplication
from app.payees.application_rules import Stated
from app.payees.joining import PAYER
from app.payees.kinds import spec_of
from app.payees.states import ApplicationStatus, PayeeKind


@dataclass(frozen=True, slots=True)
class Target:
    """Whom people apply to. `name` is what they read; the house stands for the platform. `asks`: it asked them."""

    organization_id: UUID
    name: str
    slug: str | None
    asks: bool = False


_TARGET = text(
    """SELECT id, name, slug, is_house FROM organizations WHERE status = 'ACTIVE'
        AND CASE WHEN CAST(:slug AS text) IS NULL THEN is_house
            ELSE slug = :slug AND accepts_applications AND NOT is_house END"""
)


def target(session: Session, kind: PayeeKind, slug: str | None) -> Target | None:
    """The organization of a public link, or the platform without one; None where nobody takes applications."""
    if not slug and not rules.may_apply_to_platform(kind):
        return None
    row = session.execute(_TARGET, {"slug": slug or None}).one_or_none()
    return Target(row.id, row.name, None if row.is_house else row.slug) if row else None


def apply(session: ScopedSession, kind: PayeeKind, slug: str | None, email: str, stated: Stated) -> str | None:
    """Write an application down and mail its link; it is in no queue before the link is used. Returns the link's token
    for who stands in for the mail's reader (the demo); pages never look at it.

    An address with an application that waits, or with three mails today, gets nothing, and the caller cannot tell.
    Raises Invalid for a bad address, NotFound where nobody takes applications.
    """
    email = identity_rules.normal_email(email)
    found = target(session, kind, slug)
    if found is None:
        raise NotFound("No applications are taken here.")
    now, token = utc_now(), new_token()
    with session.elevated("an application, before there is an account"):
        locks.hold(session, "applications of", email)
        mine = (PayeeApplication.email == email, PayeeApplication.kind == kind)
        today = session.scalar(
            select(func.count()).where(
                PayeeApplication.email == email, PayeeApplication.created_at > now - rules.LINK_LIVES / 3
            )
        )
        waits = session.scalar(
            select(PayeeApplication.id)
            .where(
                *mine,
                PayeeApplication.organization_id == found.organization_id,
                PayeeApplication.status == ApplicationStatus.SUBMITTED,
            )
            .limit(1)
        )
        if waits is not None or (today or 0) >= rules.MAILS_PER_DAY:
            return None
        session.add(
            PayeeApplication(
                id=new_id(),
                created_at=now,
                organization_id=found.organization_id,
                kind=kind,
                name=stated.name,
                email=email,
                work=stated.work,
                country=stated.country,
                links=list(stated.links),
                message=stated.message,
                token_sha256=token_sha256(token),
                expires_at=now + rules.LINK_LIVES,
            )
        )
        session.flush()
    portal = spec_of(kind).portal
    notify.queue(
        session,
        email,
        "application_link",
        subject="Confirm your application",
        context={"name": stated.name, "organization": found.name, "days": rules.LINK_LIVES.days},
        secrets={"link": f"{settings().base_url}/{portal}/signup/{token}"},
        organization_id=found.organization_id,
    )
    return token


def peek(session: ScopedSession, kind: PayeeKind, token: str) -> Target | None:
    """Whom a link's application goes to, while the link can be used; nothing is consumed."""
    with session.elevated("show an application's link"):
        columns = (PayeeApplication.organization_id, PayeeApplication.reviewed_by)
        found = session.execute(select(*columns).where(*_usable(kind, token))).one_or_none()
        row = session.execute(PAYER, {"id": found.organization_id}).one_or_none() if found else None
    return Target(found.organization_id, row.name, None, bool(found.reviewed_by)) if found and row else None


def confirm(session: ScopedSession, kind: PayeeKind, token: str) -> None:
    """The address is proved: the application goes into its queue, or who was asked to join is engaged.

    Raises Gone, Conflict when they work together already.
    """
    with session.elevated("confirm an application"):
        row = session.execute(
            update(PayeeApplication)
            .where(*_usable(kind, token))
            .values(status=ApplicationStatus.SUBMITTED, confirmed_at=utc_now())
            .returning(
                PayeeApplication.id, PayeeApplication.organization_id, PayeeApplication.kind, PayeeApplication.email,
                PayeeApplication.name, PayeeApplication.reviewed_by,
            )
        ).one_or_none()  # fmt: skip
        if row is not None and row.reviewed_by:
            joining.agree(session, row)
            return
    if row is None:
        raise Gone("This link was used before or has expired. Apply again.")
    applicant = Actor(row.name, "applicant")
    audit.record(
        session, applicant, "application.confirmed", "application", row.id, organization_id=row.organization_id
    )


def newest(session: Session, email: str) -> UUID | None:
    """The newest confirmed application of an address in this scope."""
    return session.scalar(
        select(PayeeApplication.id)
        .where(PayeeApplication.email == email, PayeeApplication.status != ApplicationStatus.UNCONFIRMED)
        .order_by(PayeeApplication.created_at.desc())
        .limit(1)
    )


def approve(session: ScopedSession, actor: Actor, application_id: UUID, message: str = "") -> UUID:
    """Take the applicant on: payee, engagement and login, and the mail with its link and `message`. Returns the
    payee's id.

    Somebody who works for others already keeps their payee and account and gets one more engagement. Raises Forbidden,
    NotFound, Invalid for a message that is too long, Conflict when somebody decided already or the address cannot be
    taken on.
    """
    message = message.strip()
    if len(message) > rules.LONGEST_REASON:
        sentence = f"At most {rules.LONGEST_REASON:,} letters."
        raise Invalid(sentence, fields={"message": sentence})
    found = _open(session, actor, application_id)
    portal = Portal(spec_of(found.kind).portal or "")
    payer = session.execute(PAYER, {"id": found.organization_id}).one()
    known = accounts.account_of(session, portal, found.email)
    if known is not None and known.payee_id is not None:
        payee_id = known.payee_id
        if spec_of(found.kind).single_engagement:
            raise Conflict(f"{found.email} works for an organization already. Ask them for another address.")
        with session.elevated("one more engagement of a payee others know"):
            payees.engage(session, SYSTEM, found.organization_id, payee_id, currency=payer.currency)
    else:
        payee_id = payees.create(
            session, actor, found.organization_id, kind=found.kind, name=found.name, currency=payer.currency,
            email=found.email, country=found.country,
        ).id  # fmt: skip
    sign_in.invite(
        session, actor, portal, found.email, found.name, inviter=payer.name, payee_id=payee_id,
        organization_id=found.organization_id, time_zone=payer.time_zone, message=message,
    )  # fmt: skip
    found.status, found.payee_id = ApplicationStatus.APPROVED, payee_id
    _decided(session, actor, found, message or None)
    return payee_id


def decline(session: ScopedSession, actor: Actor, application_id: UUID, reason: str) -> None:
    """Turn the applicant down; they read the reason. Raises Forbidden, NotFound, Invalid, Conflict when decided."""
    reason = reason.strip()
    if not 0 < len(reason) <= rules.LONGEST_REASON:
        sentence = f"Say why, in {rules.LONGEST_REASON:,} letters at most: the applicant reads it."
        raise Invalid(sentence, fields={"reason": sentence})
    found = _open(session, actor, application_id)
    payer = session.execute(PAYER, {"id": found.organization_id}).one()
    found.status = ApplicationStatus.DECLINED
    _decided(session, actor, found, reason)
    notify.queue(
        session,
        found.email,
        "application_declined",
        subject=f"{payer.name} answered your application",
        context={"name": found.name, "organization": payer.name, "reason": reason},
        organization_id=found.organization_id,
    )


def forget_unconfirmed(session: ScopedSession, limit: int) -> int:
    """Remove at most `limit` applications that were never confirmed, a month later; returns how many."""
    old = select(PayeeApplication.id).where(
        PayeeApplication.status == ApplicationStatus.UNCONFIRMED,
        PayeeApplication.expires_at < utc_now() - rules.UNCONFIRMED_KEPT,
    )
    with session.elevated("personal data nobody needs"):
        gone = session.execute(
            delete(PayeeApplication)
            .where(PayeeApplication.id.in_(old.limit(limit)))
            .returning(PayeeApplication.id)
            .execution_options(synchronize_session=False)
        ).all()
    return len(gone)


def _open(session: Session, actor: Actor, application_id: UUID) -> PayeeApplication:
    """Locked: of two reviewers the second finds it decided. Raises Forbidden, NotFound, Conflict."""
    actor.require(Permission.PAYEE_MANAGE)
    found = session.scalar(
        select(PayeeApplication)
        .where(PayeeApplication.id == application_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if found is None or found.status is ApplicationStatus.UNCONFIRMED:
        raise NotFound("There is no such application.")
    actor.require_organization(found.organization_id)
    refused = rules.why_not_decided(found.status)
    if refused:
        raise Conflict(refused)
    return found


def _decided(session: Session, actor: Actor, found: PayeeApplication, reason: str | None) -> None:
    found.reviewed_at, found.reviewed_by, found.reviewed_reason = utc_now(), actor.label, reason
    session.flush()
    audit.record(
        session, actor, f"application.{found.status.value}", "application", found.id,
        organization_id=found.organization_id, payee_id=found.payee_id, reason=reason,
    )  # fmt: skip


def _usable(kind: PayeeKind, token: str) -> tuple[ColumnElement[bool], ...]:
    return (
        PayeeApplication.token_sha256 == token_sha256(token),
        PayeeApplication.kind == kind,
        PayeeApplication.status == ApplicationStatus.UNCONFIRMED,
        PayeeApplication.expires_at > utc_now(),
    )
