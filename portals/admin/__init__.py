"""The platform's own portal: payouts and batches from approval to arrival, and everything they rest on."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from flask import Blueprint
from flask_babel import lazy_gettext as _l
from markupsafe import Markup

from app.core.scope import Permission
from app.identity.states import Portal
from app.payees.kinds import SPECS
from app.payouts.rules import HOLD_TEXT
from portals.admin.navigation import ITEMS, counts, search
from portals.shared import applications, keys
from portals.web.guards import portal_guard

bp = Blueprint("admin", __name__, url_prefix="/admin")
portal_guard(bp, Portal.ADMIN, items=ITEMS, counts=counts, search=search)
keys.mount(bp, Permission.PLATFORM)
applications.mount(bp)


KINDS = {spec.kind: (_l(spec.label), _l(spec.plural)) for spec in SPECS.values()}
RAIL_ICONS = {"bank_file": "building-bank", "check": "mail", "simulated": "flask"}


def _link(text: str, url: str) -> Markup:
    return Markup('<a href="{}">{}</a>').format(url, text)


@bp.context_processor
def _everywhere() -> dict[str, Any]:
    """`once_key()`: the idempotency key of a form that is only a button. `link(text, url)`: for lists of facts."""
    return {
        "once_key": lambda: uuid4().hex,
        "link": _link,
        "hold_text": HOLD_TEXT,
        "rail_icons": RAIL_ICONS,
        "kind_of": KINDS,
    }


from portals.admin import (  # noqa: E402,F401 - the views of this blueprint
    across,
    adjustments,
    appointments,
    audit,
    bank_profiles,
    batches,
    billing,
    billing_terms,
    closed_months,
    consultants,
    consultation_changes,
    consultations,
    deposits,
    doctor,
    engagements,
    exports,
    invoices,
    invoicing,
    issuer,
    ledger,
    mail,
    manual_payouts,
    organizations,
    overview,
    own_transfers,
    payees,
    payout_changes,
    payouts,
    rails,
    reconciliation,
    refunds,
    revenue,
    reviews,
    runs,
    settlements,
    statements,
    watch_list,
    webhooks,
)
