"""Who works here: the list, invitations by address, roles, and the end of a membership."""

from __future__ import annotations

from uuid import UUID

from flask import g, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import SelectField, StringField
from wtforms.validators import InputRequired, Length

from app.core.errors import Conflict, NotFound
from app.core.scope import Permission
from app.db.paging import AnyRow
from app.identity.states import Portal
from app.notify import sign_in
from app.organizations import queries, rules, service
from app.organizations.states import Role
from portals.org import bp
from portals.web.db import db
from portals.web.forms import BaseForm
from portals.web.guards import require, step_up_required
from portals.web.htmx import done, page

# The roles that have something to do in this portal.
ROLES = (Role.OWNER, Role.ADMIN, Role.MANAGER, Role.SUPPORT)
WHAT = {
    Role.OWNER: _l("Everything, and hands over ownership"),
    Role.ADMIN: _l("Everything but owners"),
    Role.MANAGER: _l("Imports and decides on bills, keeps payees"),
    Role.SUPPORT: _l("Reads bills, payees, payouts and funds"),
}


class RoleForm(BaseForm):
    role = SelectField(_l("Role"), coerce=Role)

    def offer(self) -> None:
        """Only the roles this reader may give."""
        self.role.choices = [
            (role.value, _("%(role)s: %(what)s", role=role.label, what=WHAT[role]))
            for role in ROLES
            if rules.may_grant(g.actor.rank, role) is None
        ]


class InviteForm(RoleForm):
    name = StringField(_l("Name"), [InputRequired(_l("Give a name.")), Length(max=200)])
    email = StringField(_l("E-mail"), [InputRequired(_l("Give an address.")), Length(max=254)])


@bp.get("/members")
@require(Permission.MEMBER_READ)
def members() -> ResponseReturnValue:
    rows = queries.members(db(), g.organization.id)
    return page(
        "org/members/index.html",
        members=rows,
        may_change={row.member_id: _may_change(row) for row in rows},
        manages=g.actor.can(Permission.MEMBER_MANAGE),
        what=WHAT,
    )


def _may_change(row: AnyRow) -> bool:
    return g.actor.can(Permission.MEMBER_MANAGE) and rules.may_act_on(g.actor.rank, row.role) is None


@bp.route("/members/new", methods=["GET", "POST"])
@require(Permission.MEMBER_MANAGE)
@step_up_required
def new_member() -> ResponseReturnValue:
    """The person gets a mail with a link that signs them in; they are a member from now on."""
    form = InviteForm(role=Role.MANAGER)
    form.offer()
    if form.accepts():
        try:
            with form.refusals():
                name, email = form.name.data.strip(), form.email.data.strip().lower()
                account_id = sign_in.invite(
                    db(),
                    g.actor,
                    Portal.ORG,
                    email,
                    name,
                    inviter=g.organization.name,
                    organization_id=g.organization.id,
                    time_zone=g.organization.time_zone,
                )
                service.add_member(
                    db(), g.actor, g.organization.id, account_id=account_id, name=name, email=email,
                    role=form.role.data,
                )  # fmt: skip
                return done(back=url_for(".members"), toast=(_("%(name)s invited", name=name), email))
        except Conflict as there:
            form.email.errors = [*form.email.errors, there.message]
    return page("org/members/new.html", fragment="org/members/_new.html", form=form)


def _member(member_id: UUID) -> AnyRow:
    found = next((row for row in queries.members(db(), g.organization.id) if row.member_id == member_id), None)
    if found is None:
        raise NotFound(_("There is no such member."))
    return found


@bp.route("/members/<uuid:member_id>/role", methods=["GET", "POST"])
@require(Permission.MEMBER_MANAGE)
@step_up_required
def member_role(member_id: UUID) -> ResponseReturnValue:
    row = _member(member_id)
    form = RoleForm(role=row.role)
    form.offer()
    if form.accepts():
        with form.refusals():
            made = service.change_role(db(), g.actor, g.organization.id, member_id, form.role.data)
            toast = _("%(name)s is %(role)s now", name=made.name, role=rules.article(made.role))
            return done(back=url_for(".members"), toast=toast)
    return page("org/members/role.html", fragment="org/members/_role.html", form=form, row=row)


@bp.route("/members/<uuid:member_id>/removal", methods=["GET", "POST"])
@require(Permission.MEMBER_READ)
@step_up_required
def member_removal(member_id: UUID) -> ResponseReturnValue:
    """People may leave by themselves, so the service decides who may."""
    row = _member(member_id)
    form = BaseForm()
    if form.accepts():
        service.remove_member(db(), g.actor, g.organization.id, member_id)
        leaves = row.account_id == g.actor.account_id
        back = "/org/" if leaves else url_for(".members")
        return done(back=back, toast=_("%(name)s is no member any more", name=row.name))
    return page("org/members/removal.html", fragment="org/members/_removal.html", form=form, row=row)
