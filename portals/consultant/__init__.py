"""The consultant portal: the payees' pages, a dashboard, consultations, earnings, reviews, hours and offerings."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from app.identity.states import Portal
from portals.shared.payee import payee_portal
from portals.web.nav import NavItem

bp = payee_portal(
    Portal.CONSULTANT,
    more=(
        NavItem(_l("Dashboard"), "home", "consultant.dashboard", tab=True),
        NavItem(_l("Consultations"), "calendar", "consultant.consultations", tab=True),
        NavItem(_l("Earnings"), "chart-bar", "consultant.earnings", tab=True),
        NavItem(_l("Availability"), "clock", "consultant.availability"),
        NavItem(_l("Offerings"), "tag", "consultant.offerings"),
        NavItem(_l("Reviews"), "message", "consultant.reviews"),
        NavItem(_l("Public profile"), "star", "consultant.public_profile"),
    ),
    starts_elsewhere=True,
)

from portals.consultant import (  # noqa: E402,F401 - the views of this blueprint
    analytics,
    availability,
    consultations,
    dashboard,
    earnings,
    offerings,
    public_profile,
    reviews,
)
