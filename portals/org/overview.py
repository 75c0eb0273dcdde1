"""The first page: what needs somebody, the money by currency, and what happened last."""

from __future__ import annotations

from flask import g
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l

from app.core.clock import today
from app.core.scope import Permission
from app.methods import queries as methods
from app.organizations import inviting, rules
from app.organizations.states import BillingMode
from app.payables import queries as payables
from app.payouts import queries as payouts
from app.payouts.rules import payout_number
from app.reporting import organization
from portals.org import asking, bp
from portals.org.navigation import waiting
from portals.org.provider import earned
from portals.shared.payee.payments import HOLD_WORDS
from portals.web.db import db
from portals.web.htmx import page

LATEST = 5
_PAYS = {
    BillingMode.TAG_ONLY: _l("It is named on the booking, and you pay by your own card."),
    BillingMode.SEAT_PACK: _l("It pays by the credits it has; what it has none for, you can pay by card."),
    BillingMode.INVOICED_MONTHLY: _l("It pays, up to its limit."),
}


@bp.get("/")
def overview() -> ResponseReturnValue:
    """Learners and consultants have no part in the money: they read what their place here is, and where to book."""
    if not g.actor.can(Permission.REQUEST_READ):
        role = g.membership.role
        return page(
            "org/overview/start.html", what=rules.WHAT[role], books=role in rules.BOOKS,
            booking_path=inviting.BOOKING_PATH, pays=_PAYS[g.organization.billing_mode],
        )  # fmt: skip
    here = g.organization.id
    batches = payouts.batches(db(), here, limit=LATEST, own=asking.batches_to_show()).items
    return page(
        "org/overview/index.html",
        now=waiting(),
        without=methods.count_without_method(db(), here),
        earned=earned(),
        hold_words=HOLD_WORDS,
        year=today().year,
        positions=organization.positions(db(), here),
        payouts=organization.newest_payouts(db(), here, LATEST, own=asking.reads_own()),
        batches=batches,
        totals=payouts.batch_totals(db(), [row.id for row in batches]),
        imports=payables.imports(db(), here, limit=3).items,
        payout_number=payout_number,
        capped=asking.capped,
    )
