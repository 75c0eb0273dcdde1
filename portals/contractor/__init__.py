"""The contractor portal: the payees' pages, and the board of projects."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from app.identity.states import Portal
from portals.shared import projects as shared
from portals.shared.payee import payee_portal
from portals.web.nav import NavItem

bp = payee_portal(Portal.CONTRACTOR, more=(NavItem(_l("Projects"), "layout-kanban", "contractor.projects", tab=True),))
shared.mount(bp)

from portals.contractor import projects  # noqa: E402,F401 - the views of this blueprint
