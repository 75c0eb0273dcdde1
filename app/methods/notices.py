"""What banks say of an account that was paid all the same: new details, which only its payee can put in."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from app.audit import service as audit
from app.core.clock import utc_now
from app.core.scope import Actor
from app.db.session import ScopedSession
from app.methods.models import Method
from app.methods.service import page_of
from app.methods.states import MethodStatus
from app.notify import service as notify
from app.payees import queries as payees
from app.payees.models import Payee

INTRODUCTION = "Your bank told us new details."


def set_notice(session: ScopedSession, actor: Actor, method_id: UUID, code: str, said: str) -> bool:
    """Keep the notice at the method and tell the payee; False when it was known, or the method is not used any more."""
    method = session.scalar(select(Method).where(Method.id == method_id).with_for_update())
    if method is None or method.status is not MethodStatus.ACTIVE:
        return False
    if (method.notice_code, method.notice_said) == (code, said):
        return False
    method.notice_code, method.notice_said, method.noticed_at = code, said, utc_now()
    session.flush()
    audit.record(session, actor, "method.noticed", "method", method.id, payee_id=method.payee_id, code=code)
    audit.timeline(
        session, actor, "method", method.id, "noticed", note=f"{INTRODUCTION} {said}", payee_id=method.payee_id
    )
    payee = session.get(Payee, method.payee_id)
    for contact in payees.contacts(session, [method.payee_id]).get(method.payee_id, ()):
        notify.queue(
            session,
            contact.email,
            "bank_notice",
            subject="Your bank told us new details",
            context={
                "name": contact.name or (payee.name if payee else ""),
                "label": method.label,
                "last4": method.last4,
                "said": said,
                "url": page_of(contact),
            },
        )
    return True
