"""Two admins, an organization with money and a paid consultation: as the admin portal's tests have them."""

from __future__ import annotations

from tests.portals.admin.conftest import admin, browser, checker, held, place, second

__all__ = ["admin", "browser", "checker", "held", "place", "second"]
