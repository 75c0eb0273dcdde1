"""The creator portal: the payees' pages, and what was earned with each brand."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from app.identity.states import Portal
from portals.shared.payee import payee_portal
from portals.web.nav import NavItem

bp = payee_portal(
    Portal.CREATOR, more=(NavItem(_l("Dashboard"), "chart-bar", "creator.dashboard", tab=True),), starts_elsewhere=True
)

from portals.creator import brands, dashboard  # noqa: E402,F401 - the views of this blueprint
