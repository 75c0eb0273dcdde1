"""`/api/organizations/<id>/members`: who is a member with which role, and what was agreed with each consultant."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from flask import Response, g, jsonify, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.core.errors import Conflict, Forbidden, Invalid
from app.core.rates import WHOLE_BPS
from app.core.scope import Permission
from app.earnings import member_rates, rates
from app.earnings.member_rates import Engaged
from app.organizations import departments, enrolling, gating, member_queries, service, waiting_members
from app.organizations.member_files import role_of
from app.organizations.member_queries import MemberFilter
from app.organizations.states import MemberStatus, Role
from portals.api import organizations
from portals.web import session
from portals.web.asked import Asked
from portals.web.db import db
from portals.web.jsonio import Body, cursor, limit, listed

RATE = "custom_consultant_payout_rate"


def fresh() -> None:
    """Who belongs to an organization is changed only shortly after signing in. Raises Forbidden."""
    if not session.is_stepped_up():
        raise Forbidden(_("Sign in again first: members are changed only shortly after signing in."))


def role(body: Body, *, required: bool = False) -> Role | None:
    """`role` as the contract writes it, such as ORG_LEARNER; a wrong one is noted as a fault."""
    text = body.text("role", required=required, longest=40)
    found = role_of(text) if text else None
    if text and found is None:
        body.fault("role", _("One of %(known)s.", known=", ".join(Role)))
    return found


def department(body: Body) -> str | None:
    """`department`, tidied; one that cannot be kept is noted as a fault."""
    try:
        return departments.tidy(body.text("department", longest=200))
    except Invalid as wrong:
        body.fault("department", wrong.message)
        return None


@organizations.get("/members")
def organization_members(organization_id: UUID) -> Response:
    """Highest role first, then by name; `q`, `role`, `status` and `department` narrow (an empty one: those without)."""
    g.actor.require(Permission.MEMBER_READ)
    asked = Asked()
    wanted = MemberFilter(
        search=asked.text("q"),
        role=asked.word(Role, "role"),
        status=asked.word(MemberStatus, "status"),
        department=request.args.get("department"),
    )
    asked.check()
    found = member_queries.members(db(), organization_id, wanted, cursor(), limit())
    engaged = member_rates.engaged(db(), organization_id, [row.email for row in found.items])
    return listed(found, [_member(row, engaged) for row in found.items])


@organizations.post("/members")
def new_organization_member(organization_id: UUID) -> ResponseReturnValue:
    """`{email, role, name?, department?}` → 201. A member at once, with no invitation to answer; told by mail."""
    g.actor.require(Permission.MEMBER_MANAGE)
    fresh()
    body = Body()
    email, name = body.text("email", required=True, longest=254), body.text("name", longest=200)
    given, where = role(body, required=True), department(body)
    body.check()
    assert given is not None
    made = enrolling.enroll(db(), g.actor, organization_id, email=email, name=name, role=given, department=where)
    return _answer(organization_id, made.id), 201


@organizations.patch("/members/<uuid:member_id>")
def change_organization_member(organization_id: UUID, member_id: UUID) -> Response:
    """`{role?, status?, department?, customConsultantPayoutRate?}`: all of it or, with a refusal, nothing.

    `status` ACTIVE approves. A department of null is none; it is all that people change of themselves. The rate is a
    share of 1; null goes back to the organization's rates.
    """
    g.actor.require(Permission.MEMBER_MANAGE)
    fresh()
    body = Body()
    given, status, bps, where = role(body), body.text("status", longest=20), body.rate(RATE), department(body)
    if status and status != MemberStatus.ACTIVE:
        body.fault("status", _("ACTIVE approves; DELETE ends a membership."))
    body.check()
    moves = body.mentions("department")
    own = moves and given is None and not status and not body.mentions(RATE)
    found = service.to_change(db(), g.actor, organization_id, member_id, leaving=own)
    if given is not None:
        gating.require_role(given)
    if given is not None and given is not found.role:
        service.change_role(db(), g.actor, organization_id, member_id, given)
    if status:
        waiting_members.approve(db(), g.actor, organization_id, member_id)
    if moves:
        service.set_department(db(), g.actor, organization_id, member_id, where)
    if body.mentions(RATE):
        _agree(organization_id, member_id, bps)
    return _answer(organization_id, member_id)


def _agree(organization_id: UUID, member_id: UUID, bps: int | None) -> None:
    """Set or drop the share agreed with a consultant. Raises SwitchedOff, Invalid, Conflict, Forbidden."""
    gating.require_tier()
    row = member_queries.member(db(), organization_id, member_id)
    if row.role is not Role.CONSULTANT:
        said = _("Only a consultant has a rate of their own.")
        raise Invalid(said, fields={RATE: said})
    engaged = member_rates.engaged(db(), organization_id, [row.email]).get(row.email)
    if engaged is None:
        raise Conflict(_("%(name)s is not engaged as a consultant here yet: there is nothing to share.", name=row.name))
    try:
        rates.set_override(db(), g.actor, organization_id, engaged.payee_id, bps)
    except Invalid as wrong:
        raise Invalid(wrong.message, fields={RATE: wrong.message}) from None


@organizations.delete("/members/<uuid:member_id>")
def remove_organization_member(organization_id: UUID, member_id: UUID) -> ResponseReturnValue:
    """204. People may leave by themselves; the last owner stays."""
    g.actor.require_organization(organization_id)
    fresh()
    service.remove_member(db(), g.actor, organization_id, member_id)
    return "", 204


def _answer(organization_id: UUID, member_id: UUID) -> Response:
    row = member_queries.member(db(), organization_id, member_id)
    return jsonify(_member(row, member_rates.engaged(db(), organization_id, [row.email])))


def _member(row: Any, engaged: Mapping[str, Engaged]) -> dict[str, Any]:
    own = engaged.get(row.email)
    bps = own.consultant_bps if own is not None and row.role is Role.CONSULTANT else None
    return {
        "id": str(row.member_id),
        "name": row.name,
        "email": row.email,
        "role": row.role.value,
        "rank": row.role.rank,
        "status": row.status.value,
        "department": row.department,
        "customConsultantPayoutRate": None if bps is None else str(Decimal(bps) / WHOLE_BPS),
        "createdAt": row.created_at.isoformat(),
    }
