"""The contractor portal."""

from __future__ import annotations

from app.identity.states import Portal
from portals.shared.payee import payee_portal

bp = payee_portal(Portal.CONTRACTOR)
