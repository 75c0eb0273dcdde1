"""The launch of a draft of an organization: with it, its rates are in force."""

from __future__ import annotations

from uuid import UUID

from app.core.errors import Conflict
from app.core.rates import WHOLE_BPS
from app.core.scope import Actor
from app.db.session import ScopedSession
from app.earnings import rates
from app.earnings.splits import percent
from app.organizations import drafts
from app.organizations.models import Organization


def launch(session: ScopedSession, actor: Actor, organization_id: UUID) -> Organization:
    """Make the draft an organization and its chosen part the first version of its rates; the default makes none.

    Raises Forbidden, NotFound, SwitchedOff, Conflict naming what is missing, once it is launched, or where the
    platform's part and the chosen one are more than the price.
    """
    chosen = drafts.of(session, organization_id).organization_bps
    made = drafts.launch(session, actor, organization_id)
    now = rates.of_organization(session, organization_id)
    if chosen is not None and chosen != now.organization_bps:
        left = WHOLE_BPS - now.platform_bps - chosen
        if left < 0:
            raise Conflict(f"The platform keeps {percent(now.platform_bps)}: choose a smaller part.")
        rates.set_version(
            session, actor, organization_id, platform_bps=now.platform_bps, organization_bps=chosen,
            consultant_bps=left,
        )  # fmt: skip
    return made
