"""/api/consultant: this portal as JSON."""

from __future__ import annotations

from app.identity.states import Portal
from portals.shared.payee_api import payee_api

bp = payee_api(Portal.CONSULTANT)
