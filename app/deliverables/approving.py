"""What an approval owes: the agreed fee, recorded once."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from sqlalchemy import select

from app.core.clock import utc_now
from app.core.scope import Actor
from app.db.session import ScopedSession
from app.deliverables.models import Deliverable
from app.earnings import recording
from app.earnings.models import EarningKind
from app.earnings.rules import terms_end
from app.organizations.models import Organization
from app.payees.models import Engagement

NEXT = "The fee is in your balance once the payment terms have passed."


def owe_fee(session: ScopedSession, actor: Actor, deliverable: Deliverable) -> None:
    """Record the earning of a deliverable just approved; none where no fee was agreed.

    The caller has checked the permission and the step. The terms run from today where the organization is.
    """
    fee = deliverable.fee
    if fee is None:
        return
    zone, terms_days = session.execute(
        select(Organization.time_zone, Engagement.terms_days)
        .join(Engagement, Engagement.organization_id == Organization.id)
        .where(Organization.id == deliverable.organization_id, Engagement.payee_id == deliverable.payee_id)
    ).one()
    today = utc_now().astimezone(ZoneInfo(zone)).date()
    recording.record(
        session,
        actor,
        deliverable.organization_id,
        deliverable.payee_id,
        fee,
        kind=EarningKind.BILL,
        rule="deliverable_fee",
        source_kind="deliverable",
        source_id=deliverable.id,
        earned_on=today,
        description=deliverable.title,
        reference=deliverable.reference,
        available_at=terms_end(invoice_on=today, due_on=None, terms_days=terms_days, time_zone=zone),
    )
