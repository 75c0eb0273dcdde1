"""`/api/organizations/<id>/invitations`, and answering one, for which no membership is needed yet."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, g, jsonify, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.core.errors import Conflict, Invalid
from app.core.scope import Permission
from app.identity.rules import normal_email
from app.organizations import inviting, joining, member_queries
from app.organizations.inviting import Person
from app.organizations.member_queries import InvitationState
from app.organizations.states import Role
from portals.api import organizations
from portals.api.members import department, fresh, role
from portals.web import session
from portals.web.asked import word
from portals.web.db import db
from portals.web.jsonio import Body, cursor, limit, listed
from portals.web.ratelimit import limiter
from portals.web.setup import csrf

MOST = 200
bp = Blueprint("invitation_api", __name__, url_prefix="/api/organizations/invitations")
csrf.exempt(bp)  # who is not signed in has no token; who is needs one, see `accept`


@organizations.get("/invitations")
def organization_invitations(organization_id: UUID) -> Response:
    """Newest first; `status` narrows: PENDING, EXPIRED, ACCEPTED or REVOKED."""
    g.actor.require(Permission.MEMBER_READ)
    state = word(InvitationState, "status")
    found = member_queries.invitations(db(), organization_id, state, cursor(), limit())
    return listed(found, [_invitation(row) for row in found.items])


@organizations.post("/invitations")
def new_organization_invitations(organization_id: UUID) -> ResponseReturnValue:
    """`{email | emails | invitations: [{email, name?, role?, department?}], name?, role, department?}` → 201.

    One address answers with its invitation, a list with `{data, known}`: who is a member or invited already is left
    and named. A single address that is known is a 409.
    """
    g.actor.require(Permission.MEMBER_MANAGE)
    fresh()
    body = Body()
    people, single = _people(body)
    body.check()
    asked = inviting.invite(db(), g.actor, organization_id, people)
    if single and not asked.sent:
        ((email, why),) = asked.known.items()
        raise Conflict(f"{email} {why}.", fields={"email": why})
    found = member_queries.chosen_invitations(db(), organization_id, list(asked.sent.values()))
    rows = [_invitation(row) for row in found]
    if single:
        return jsonify(rows[0]), 201
    return jsonify(data=rows, known=[{"email": email, "reason": why} for email, why in asked.known.items()]), 201


def _people(body: Body) -> tuple[list[Person], bool]:
    """Everybody asked for, and whether it is one address. Faults are noted in the body."""
    common, where = role(body), department(body)
    if body.has("invitations"):
        parts = body.parts("invitations", most=MOST)
        return [
            one for part in parts if (one := _person(body, part, part.text("email"), common, where, "invitations"))
        ], False
    if body.has("emails"):
        emails = body.names("emails")
        if not 0 < len(emails) <= MOST:
            body.fault("emails", _("Between 1 and %(n)s addresses.", n=MOST))
        return [one for email in emails[:MOST] if (one := _person(body, body, email, common, where, "emails"))], False
    one = _person(body, body, body.text("email", required=True, longest=254), common, where, "email")
    return [one] if one else [], True


def _person(body: Body, part: Body, email: str, common: Role | None, where: str | None, field: str) -> Person | None:
    given, where = role(part) or common, department(part) or where
    for name, said in part.faults.items():
        body.fault(name, said)
    if given is None:
        body.fault("role", _("This is needed."))
        return None
    try:
        name = "" if field == "emails" else part.text("name", longest=200)
        return Person(normal_email(email), name, given, where)
    except Invalid:
        body.fault(field, _("“%(text)s” is not an e-mail address.", text=email[:60]))
        return None


@organizations.delete("/invitations/<uuid:invitation_id>")
def withdraw_organization_invitation(organization_id: UUID, invitation_id: UUID) -> ResponseReturnValue:
    """204; the link is dead."""
    g.actor.require(Permission.MEMBER_MANAGE)
    fresh()
    inviting.revoke(db(), g.actor, organization_id, invitation_id)
    return "", 204


@bp.post("/accept")
@limiter.limit("30 per minute")
def accept() -> Response:
    """`{token}` → 200. The mailed token is the proof; with somebody else signed in it is a 403, a dead one a 410."""
    who = session.signed_in()
    if who is not None:
        csrf.protect()
    body = Body()
    token = body.text("token", required=True, longest=200)
    body.check()
    joined = joining.accept(db(), token, signed_in_as=who.email if who else None, ip=request.remote_addr)
    return jsonify(
        organizationId=str(joined.organization_id),
        organization=joined.organization,
        slug=joined.slug,
        memberId=str(joined.member_id),
        email=joined.email,
        role=joined.role.value,
        status=joined.status.value,
    )


def _invitation(row: Any) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "email": row.email,
        "name": row.name or None,
        "role": row.role.value,
        "department": row.department,
        "status": member_queries.state_of(row.status, row.expires_at).value,
        "invitedBy": row.invited_by,
        "sentAt": row.sent_at.isoformat(),
        "expiresAt": row.expires_at.isoformat(),
        "answeredAt": row.answered_at.isoformat() if row.answered_at else None,
    }
