"""How the work goes, in numbers: part of the premium plan. Without it the page says what it would show."""

from __future__ import annotations

from babel.dates import format_skeleton
from flask import g
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.consultations import analytics as service
from app.consultations import earning_sums
from app.consultations.entitlements import Entitlement, entitled
from app.core.clock import today
from portals.consultant import bp
from portals.consultant.dashboard import MONTHS, own_profile
from portals.web.db import db
from portals.web.htmx import page
from portals.web.i18n import reader_locale, reader_today, reader_zone


@bp.get("/analytics", endpoint="analytics")
def index() -> ResponseReturnValue:
    mine = own_profile()
    if mine is None or not entitled(mine, Entitlement.ADVANCED_ANALYTICS, today()):
        return page("consultant/analytics/locked.html", shows=_shows())
    steps = earning_sums.last_months(reader_today(), MONTHS)
    found = service.of_payee(db(), g.actor.payee_id, steps, reader_zone())
    names = [str(format_skeleton("yMMM", first, locale=reader_locale())) for first in steps]
    return page(
        "consultant/analytics/index.html", found=found, rows=list(zip(names, found.months, strict=True))[::-1],
        longest=max((number for _minutes, number in found.lengths), default=0), until=mine.premium_until,
    )  # fmt: skip


def _shows() -> list[tuple[str, str, str]]:
    """(icon, what, why one wants to know) of the plan's numbers."""
    return [
        ("users", _("Returning clients"), _("How many of your clients came back.")),
        ("clock", _("Sessions by length"), _("Which lengths are booked most.")),
        ("ban", _("Cancellations and no-shows by month"), _("Who canceled or did not come, and when.")),
        ("star", _("Average rating by month"), _("Whether your reviews get better.")),
    ]
