"""How an organization pays for what its members book. The platform decides, whose risk and whose books it is."""

from __future__ import annotations

from uuid import UUID

from app.audit import service as audit
from app.billing import queries
from app.core.errors import Conflict
from app.core.scope import Actor, Permission
from app.db import locks
from app.db.session import ScopedSession
from app.organizations import service as organizations
from app.organizations.states import BillingMode


def set_mode(session: ScopedSession, actor: Actor, organization_id: UUID, mode: BillingMode) -> None:
    """From now on; what is booked stays as it was paid. Needs a platform scope.

    Raises Forbidden, NotFound, Conflict while credits are left that nobody could use then.
    """
    actor.require(Permission.PLATFORM)
    locks.hold(session, "billing mode", organization_id)
    found = organizations.get(session, organization_id)
    if found.billing_mode is mode:
        return
    left = sum(one.left for one in queries.balances(session, [organization_id]))
    if found.billing_mode is BillingMode.SEAT_PACK and left:
        sentence = f"{left} credits are left. Refund them first, or wait until they are used."
        raise Conflict(sentence, fields={"mode": sentence})
    before, found.billing_mode = found.billing_mode, mode
    session.flush()
    audit.record(
        session, actor, "organization.billing_mode", "organization", found.id,
        organization_id=found.id, before=before.value, after=mode.value,
    )  # fmt: skip
