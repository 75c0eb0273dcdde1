"""One more organization for somebody who signs in already: asked by mail, engaged when they agree.

An organization cannot tie a login to itself, which would show it a name, methods and a tax form. So the request is a
`PayeeApplication` the organization has said yes to beforehand (`reviewed_by`); using its link is the payee's yes.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ColumnElement, func, select, text, update
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.core.clock import utc_now
from app.core.crypto import token as new_token
from app.core.crypto import token_sha256
from app.core.errors import Conflict, Gone, Invalid
from app.core.scope import SYSTEM, Actor, Permission
from app.core.settings import settings
from app.db import locks
from app.db.paging import AnyRow
from app.db.session import ScopedSession
from app.db.types import new_id
from app.identity import queries as accounts
from app.identity.states import Portal
from app.notify import service as notify
from app.notify.names import NAMES
from app.payees import application_rules as rules
from app.payees import rules as payee_rules
from app.payees import service as payees
from app.payees.application_models import PayeeApplication
from app.payees.kinds import spec_of
from app.payees.models import Engagement, Payee
from app.payees.states import ApplicationStatus, PayeeKind

PAYER = text("SELECT name, currency, time_zone FROM organizations WHERE id = :id")


def ask(
    session: ScopedSession, actor: Actor, organization_id: UUID, kind: PayeeKind, email: str | None, name: str
) -> bool:
    """Ask whoever signs in with this address to work with one more organization; False when there is nobody to ask.

    Raises Forbidden, Invalid for an address that is in the directory already, Conflict when it was mailed often today.
    """
    actor.require(Permission.PAYEE_MANAGE)
    actor.require_organization(organization_id)
    address = payee_rules.clean_email(email)
    if address is None:
        return False
    _refuse_here(session, organization_id, kind, Payee.email == address)
    spec = spec_of(kind)
    known = accounts.account_of(session, Portal(spec.portal), address) if spec.portal else None
    if known is None or known.payee_id is None or spec.single_engagement:
        return False
    _refuse_here(session, organization_id, kind, Payee.id == known.payee_id)
    token = _write_down(session, actor, organization_id, kind, address, name)
    payer = session.execute(PAYER, {"id": organization_id}).one()
    notify.queue(
        session,
        address,
        "asked_to_join",
        subject=f"{payer.name} wants to work with you",
        context={
            "name": known.name, "organization": payer.name, "portal": NAMES[known.portal],
            "days": rules.LINK_LIVES.days,
        },
        secrets={"link": f"{settings().base_url}/{known.portal.value}/signup/{token}"},
        organization_id=organization_id,
    )  # fmt: skip
    audit.record(session, actor, "payee.asked_to_join", "account", known.id, organization_id=organization_id, name=name)
    return True


def _refuse_here(session: Session, organization_id: UUID, kind: PayeeKind, who: ColumnElement[bool]) -> None:
    """Raises Invalid when the organization has such a payee."""
    name = session.scalar(
        select(Payee.name)
        .join(Engagement, Engagement.payee_id == Payee.id)
        .where(Engagement.organization_id == organization_id, Payee.kind == kind, who)
        .limit(1)
    )
    if name is not None:
        sentence = f"{name} is in your directory with this address already."
        raise Invalid(sentence, fields={"email": sentence})


def _write_down(
    session: ScopedSession, actor: Actor, organization_id: UUID, kind: PayeeKind, email: str, name: str
) -> str:
    """The token of the link."""
    now, token = utc_now(), new_token()
    locks.hold(session, "applications of", email)
    mine = (PayeeApplication.email == email, PayeeApplication.organization_id == organization_id)
    lately = PayeeApplication.created_at > now - rules.LINK_LIVES / 3
    if (session.scalar(select(func.count()).where(*mine, lately)) or 0) >= rules.MAILS_PER_DAY:
        raise Conflict("This address was asked several times today. Wait for the answer.")
    session.add(
        PayeeApplication(
            id=new_id(),
            created_at=now,
            organization_id=organization_id,
            kind=kind,
            name=name,
            email=email,
            work=f"Asked by {actor.label}",
            links=[],
            token_sha256=token_sha256(token),
            expires_at=now + rules.LINK_LIVES,
            reviewed_by=actor.label,
        )
    )
    session.flush()
    return token


def agree(session: ScopedSession, asked: AnyRow) -> None:
    """The payee said yes. `asked`: id, organization_id, kind, email, name of the application. Needs a platform scope.

    Raises Gone when nobody signs in with the address any more, Conflict when they work together already.
    """
    known = accounts.account_of(session, Portal(spec_of(asked.kind).portal or ""), asked.email)
    if known is None or known.payee_id is None:
        raise Gone("Nobody signs in with this address any more.")
    payer = session.execute(PAYER, {"id": asked.organization_id}).one()
    payees.engage(session, SYSTEM, asked.organization_id, known.payee_id, currency=payer.currency)
    session.execute(
        update(PayeeApplication)
        .where(PayeeApplication.id == asked.id)
        .values(status=ApplicationStatus.APPROVED, reviewed_at=utc_now(), payee_id=known.payee_id)
        .execution_options(synchronize_session=False)
    )
    audit.record(
        session, Actor(known.name, "payee"), "payee.joined", "application", asked.id,
        organization_id=asked.organization_id, payee_id=known.payee_id,
    )  # fmt: skip
