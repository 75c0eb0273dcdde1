"""/api/consultant: this portal as JSON. Programs of clinics know its payouts as /api/doctor/payouts."""

from __future__ import annotations

from flask import Blueprint

from app.identity.states import Portal
from portals.shared.payee_api import enter, payee_api, payments
from portals.web.setup import csrf

bp = payee_api(Portal.CONSULTANT)
doctor = Blueprint("consultant_doctor_api", __name__, url_prefix="/api/doctor")
doctor.before_request(lambda: enter(Portal.CONSULTANT))
csrf.exempt(doctor)  # checked in `enter`
payments.mount_payouts(doctor)
blueprints = (bp, doctor)
