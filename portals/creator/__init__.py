"""The creator portal: the payees' pages, what was earned with each brand, and the deliverables of all of them."""

from __future__ import annotations

from collections.abc import Mapping

from flask import g
from flask_babel import lazy_gettext as _l

from app.deliverables import queries
from app.deliverables.queries import Wanted
from app.deliverables.states import DeliverableStatus
from app.identity.states import Portal
from portals.shared.payee import payee_portal
from portals.web.db import db
from portals.web.nav import NavItem

TURN = (DeliverableStatus.ASSIGNED, DeliverableStatus.REVISION_REQUESTED)


def _counts() -> Mapping[str, int]:
    """What waits for the creator."""
    return {"deliverables": queries.waiting(db(), Wanted(payee_id=g.actor.payee_id), TURN)}


bp = payee_portal(
    Portal.CREATOR,
    more=(
        NavItem(_l("Dashboard"), "chart-bar", "creator.dashboard", tab=True),
        NavItem(_l("Deliverables"), "photo", "creator.deliverables", tab=True, count="deliverables"),
    ),
    starts_elsewhere=True,
    more_counts=_counts,
)

from portals.creator import brands, dashboard, deliverables  # noqa: E402,F401 - the views of this blueprint
