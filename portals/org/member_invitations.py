"""Asking people to become members: by a list of addresses; what became of each; once more, or not after all."""

from __future__ import annotations

import re
from uuid import UUID

from flask import g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from wtforms import TextAreaField
from wtforms.validators import InputRequired, Length

from app.core.errors import Invalid
from app.core.scope import Permission
from app.identity.rules import normal_email
from app.organizations import inviting, member_queries, rules
from app.organizations.inviting import Person
from app.organizations.member_queries import InvitationState
from app.organizations.states import Role
from portals.org import asking, bp
from portals.org.members import DepartmentForm, RoleForm, known_departments
from portals.web import paging
from portals.web.db import db
from portals.web.guards import require, step_up_required
from portals.web.htmx import Toast, done, page

MOST = 50
STATES = {
    InvitationState.OPEN: _l("Open"),
    InvitationState.EXPIRED: _l("Expired"),
    InvitationState.ACCEPTED: _l("Joined"),
    InvitationState.REVOKED: _l("Withdrawn"),
}
_BETWEEN = re.compile(r"[\s,;]+")


class InviteForm(RoleForm, DepartmentForm):
    addresses = TextAreaField(
        _l("Addresses"),
        [InputRequired(_l("Give at least one address.")), Length(max=10_000)],
        description=_l("One or several, separated by commas or line breaks. Each gets a link of their own."),
    )


def _people(form: InviteForm) -> list[Person]:
    """Everybody named, once. Raises Invalid with every text that is no address."""
    wanted = [text for text in _BETWEEN.split(form.addresses.data) if text]
    people, wrong = {}, []
    for text in wanted:
        try:
            email = normal_email(text)
        except Invalid:
            wrong.append(text[:60])
        else:
            people[email] = Person(email, "", form.role.data, form.department.data or None)
    said = ""
    if wrong:
        said = _("These are no e-mail addresses: %(texts)s", texts=", ".join(wrong[:5]))
    elif len(people) > MOST:
        said = _("At most %(n)s addresses at once; more come from a file.", n=MOST)
    if said:
        raise Invalid(said, fields={"addresses": said})
    return list(people.values())


@bp.route("/members/new", methods=["GET", "POST"])
@require(Permission.MEMBER_MANAGE)
@step_up_required
def new_member() -> ResponseReturnValue:
    """All good addresses are asked, or, with one bad text, nobody. Who is here already is left and named."""
    form = InviteForm(role=asking.one_of(Role, request.args, "role") or Role.MANAGER)
    form.offer()
    if form.accepts():
        with form.refusals():
            asked = inviting.invite(db(), g.actor, g.organization.id, _people(form))
            left = ", ".join(f"{email} {why}" for email, why in list(asked.known.items())[:3])
            if not asked.sent:
                raise Invalid(left, fields={"addresses": left})
            title = ngettext("%(num)s invitation sent", "%(num)s invitations sent", len(asked.sent))
            return done(back=url_for(".member_invitations"), toast=Toast(title, left))
    return page("org/members/new.html", fragment="org/members/_new.html", form=form, departments=known_departments())


@bp.get("/members/invitations")
@require(Permission.MEMBER_READ)
def member_invitations() -> ResponseReturnValue:
    want, state = paging.wanted(), asking.one_of(InvitationState, request.args, "state")
    found = member_queries.invitations(db(), g.organization.id, state, want.cursor, want.limit)
    manages = g.actor.can(Permission.MEMBER_MANAGE)
    return page(
        "org/members/invitations.html",
        fragment="org/members/_invitations.html",
        found=found,
        state=state,
        states=STATES,
        state_of={row.id: member_queries.state_of(row.status, row.expires_at) for row in found.items},
        may_change={row.id: manages and rules.may_grant(g.actor.rank, row.role) is None for row in found.items},
        manages=manages,
        neighbours=paging.neighbours(found),
    )


@bp.post("/members/invitations/<uuid:invitation_id>/sending")
@require(Permission.MEMBER_MANAGE)
@step_up_required
def member_invitation_sending(invitation_id: UUID) -> ResponseReturnValue:
    """A new link; the one of before is dead."""
    found = inviting.resend(db(), g.actor, g.organization.id, invitation_id)
    return done(back=url_for(".member_invitations"), toast=(_("Invitation sent again"), found.email))


@bp.post("/members/invitations/<uuid:invitation_id>/removal")
@require(Permission.MEMBER_MANAGE)
@step_up_required
def member_invitation_removal(invitation_id: UUID) -> ResponseReturnValue:
    found = inviting.revoke(db(), g.actor, g.organization.id, invitation_id)
    return done(back=url_for(".member_invitations"), toast=(_("The invitation is withdrawn"), found.email))
