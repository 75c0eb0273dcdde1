"""An organization's own portal: bills to approve, suppliers, imports, funds, and where every payment is."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from flask import Blueprint, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.core.errors import Conflict
from app.core.scope import Permission
from app.identity.states import Portal
from app.organizations.states import OrganizationStatus
from portals.org.asking import house_money
from portals.org.navigation import ITEMS, counts, fit_links, search
from portals.shared import applications, keys, notices
from portals.web.guards import portal_guard

bp = Blueprint("org", __name__, url_prefix="/org/<slug>")
portal_guard(bp, Portal.ORG, items=ITEMS, counts=counts, search=search)


@bp.before_request
def _finish_draft() -> ResponseReturnValue | None:
    """What is not launched has one thing to do: the wizard. Raises Conflict for a change before that."""
    if g.organization.status is not OrganizationStatus.DRAFT:
        return None
    if request.method != "GET":
        raise Conflict(_("%(name)s is a draft. Launch it first.", name=g.organization.name))
    return redirect(url_for("org_wizard.resume", organization_id=g.organization.id), 303)


bp.before_request(fit_links)
keys.mount(bp, Permission.ORGANIZATION_SETTINGS)
applications.mount(bp)
notices.mount_inbox(bp)


@bp.context_processor
def _shared() -> dict[str, Any]:
    """`once_key()`: the idempotency key of a form that is only a button; `house_money`: see `asking`."""
    return {"once_key": lambda: uuid4().hex, "house_money": house_money}


from portals.org import (  # noqa: E402,F401 - the views of this blueprint
    appointment_rates,
    appointments,
    audit,
    batches,
    bill_changes,
    billing,
    billing_details,
    bills,
    bulk_reviews,
    codes,
    consultants,
    contract_drafts,
    contract_templates,
    contracts,
    credits,
    deliverables,
    files,
    funds,
    import_columns,
    imports,
    invitations,
    kept_cards,
    member_imports,
    member_invitations,
    members,
    messages,
    method_files,
    methods,
    order_imports,
    orders,
    overview,
    own_earnings,
    payee_forms,
    payee_import_columns,
    payee_imports,
    payee_tags,
    payees,
    payout_account,
    payouts,
    projects,
    rates,
    settings,
    stores,
    wizard,
)

blueprints = (bp, wizard.bp)
