"""The start page: which portal is yours."""

from __future__ import annotations

from dataclasses import dataclass

from flask import current_app
from flask.typing import ResponseReturnValue
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from app.core.settings import settings
from app.identity.states import Portal
from portals.public import bp
from portals.web import session
from portals.web.frame import LABELS
from portals.web.htmx import page


@dataclass(frozen=True, slots=True)
class Door:
    """One way in. `yours`: this browser is signed in there."""

    label: str | LazyString
    note: LazyString
    icon: str
    url: str
    yours: bool


_DOORS = (
    (Portal.VENDOR, "building-store", _l("Send bills and see when they are paid.")),
    (Portal.CONTRACTOR, "briefcase", _l("Ask to be paid for your work, and withdraw.")),
    (Portal.CREATOR, "star", _l("See commissions and withdraw what is ready.")),
    (Portal.CONSULTANT, "calendar", _l("Bookings, earnings and payouts.")),
    (Portal.ORG, "building", _l("Approve bills, manage payees and funds.")),
    (Portal.ADMIN, "shield-check", _l("Payout queue, batches, ledger and audit.")),
)


@bp.get("/")
def landing() -> ResponseReturnValue:
    here = session.signed_in()
    doors = [
        Door(LABELS[portal], note, icon, f"{session.portal_url(portal)}/", here is not None and here.portal is portal)
        for portal, icon, note in _DOORS
        if portal.value in current_app.blueprints
    ]
    return page("public/landing.html", doors=doors, here=here, in_sandbox=settings().sandbox)
