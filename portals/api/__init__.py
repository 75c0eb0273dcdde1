"""`/api/organizations/<id>` and `/api/admin`: for a signed-in member or admin, and for programs with an API key."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, g, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.core.errors import Conflict, Forbidden, NotFound
from app.identity.states import Portal
from app.organizations.states import OrganizationStatus
from portals.api.signed import program
from portals.web import guards, session
from portals.web.errors import problem
from portals.web.setup import csrf

organizations = Blueprint("org_api", __name__, url_prefix="/api/organizations/<uuid:organization_id>")
platform = Blueprint("admin_api", __name__, url_prefix="/api/admin")
platform_v1 = Blueprint("admin_v1_api", __name__, url_prefix="/api/v1/admin")
payments = Blueprint("admin_payments_api", __name__, url_prefix="/api/payments")
for one in (organizations, platform, platform_v1, payments):
    csrf.exempt(one)  # a signed call carries no cookie; one with a session is checked below


def proved() -> None:
    """Before money moves: whoever signed in a while ago proves again who they are. Raises Forbidden."""
    if not session.is_stepped_up():
        raise Forbidden(_("Prove again who you are: sign in anew, or use the page that asks for it."))


SIGN_IN = "Sign in first, or sign the call with an API key."


@organizations.before_request
def _enter_organization() -> ResponseReturnValue | None:
    """Raises NotFound for an organization that is not the caller's."""
    organization_id: UUID = (request.view_args or {})["organization_id"]
    caller = program()
    if isinstance(caller, str):
        return problem(401, caller)
    if caller is not None:
        if caller.organization_id not in (None, organization_id):
            raise NotFound("There is no such organization.")
        return guards.admit_program(caller)
    csrf.protect()
    return problem(401, SIGN_IN) if session.signed_in() is None else guards.enter_organization(organization_id)


@organizations.before_request
def _finish_draft() -> None:
    """What is not launched has one thing to do: the wizard. Raises Conflict."""
    here = g.get("organization")
    if here is not None and here.status is OrganizationStatus.DRAFT and request.method != "GET":
        raise Conflict(_("%(name)s is a draft. Launch it first.", name=here.name))


@platform.before_request
@platform_v1.before_request
@payments.before_request
def _enter_platform() -> ResponseReturnValue | None:
    """Only keys of the platform; an organization's finds nothing here."""
    caller = program()
    if isinstance(caller, str):
        return problem(401, caller)
    if caller is not None:
        if caller.organization_id is not None:
            raise NotFound("There is nothing here.")
        return guards.admit_program(caller)
    csrf.protect()
    return problem(401, SIGN_IN) if session.signed_in() is None else guards.enter(Portal.ADMIN)


from portals.api import (  # noqa: E402,F401 - the views of these blueprints
    advisors,
    appointments,
    billing,
    consultations,
    credits,
    founding,
    member_invitations,
    members,
    orders,
    organization_consultants,
    organization_payouts,
    payees,
    payout_changes,
    payout_export,
    payouts,
    platform_consultations,
    runs,
    statements,
)

blueprints = (
    founding.bp,
    organizations,
    platform,
    platform_v1,
    payments,
    appointments.bp,
    consultations.bp,
    member_invitations.bp,
    *advisors.blueprints,
)
