"""Who works here: the list, who waits for approval, roles, and the end of a membership."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from flask import g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import ValidationError

from app.core.clock import today
from app.core.errors import Invalid
from app.core.scope import Permission
from app.db.paging import AnyRow
from app.organizations import departments, gating, inviting, member_queries, rules, service, waiting_members
from app.organizations.member_files import PersonField
from app.organizations.member_queries import MemberFilter
from app.organizations.states import MemberStatus, Role
from portals.org import asking, bp
from portals.shared.downloads import csv_file
from portals.web import paging
from portals.web.db import db
from portals.web.forms import BaseForm
from portals.web.guards import require, step_up_required
from portals.web.htmx import done, page

STATUSES = {MemberStatus.ACTIVE: _l("Active"), MemberStatus.PENDING: _l("Waiting for approval")}


class RoleForm(BaseForm):
    role = SelectField(_l("Role"), coerce=Role)

    def offer(self) -> None:
        """The roles this reader may give; those of a tier that is off are shown, locked."""
        self.role.choices = [
            SelectChoice(role.value, _choice(role), render_kw={"disabled": True} if gating.why_not(role) else None)
            for role in Role
            if rules.may_grant(g.actor.rank, role) is None
        ]
        if not gating.provider_tier():
            self.role.description = locked()

    def validate_role(self, field: SelectField) -> None:
        if said := inviting.why_not(g.actor, field.data):
            raise ValidationError(said)


class DepartmentForm(BaseForm):
    department = StringField(
        _l("Department"), description=_l("What your usage is summed up by; it gives nobody any right.")
    )

    def validate_department(self, field: StringField) -> None:
        try:
            field.data = departments.tidy(field.data) or ""
        except Invalid as wrong:
            raise ValidationError(wrong.message) from None


def known_departments() -> list[str]:
    return departments.known(db(), g.organization.id)


def _choice(role: Role) -> str:
    text = _("%(role)s: %(what)s", role=role.label, what=_(rules.WHAT[role]))
    return _("%(role)s (locked)", role=text) if gating.why_not(role) else text


def locked() -> str:
    return _("Consultant and support belong to provider organizations, which are switched off here.")


def _chosen() -> MemberFilter:
    return MemberFilter(
        search=request.args.get("q", "").strip()[:100],
        role=asking.one_of(Role, request.args, "role"),
        status=asking.one_of(MemberStatus, request.args, "status"),
        department=request.args.get("department", "").replace("\0", "")[:200] or None,
    )


@bp.get("/members")
@require(Permission.MEMBER_READ)
def members() -> ResponseReturnValue:
    want, chosen = paging.wanted(), _chosen()
    waiting = member_queries.waiting(db(), g.organization.id)
    found = member_queries.members(db(), g.organization.id, chosen, want.cursor, want.limit)
    return page(
        "org/members/index.html",
        fragment="org/members/_list.html",
        found=found,
        chosen=chosen,
        neighbours=paging.neighbours(found),
        departments=known_departments(),
        may_change={row.member_id: _may_change(row) for row in found.items},
        manages=g.actor.can(Permission.MEMBER_MANAGE),
        waiting=waiting,
        waiting_text=asking.capped(waiting),
        statuses=STATUSES,
        roles=list(Role),
        what=rules.WHAT,
        locked=not gating.provider_tier(),
        gated=() if gating.provider_tier() else gating.GATED,
    )


@bp.get("/members.csv")
@require(Permission.MEMBER_READ)
def members_file() -> ResponseReturnValue:
    """Everybody the list shows, with the same filters. The first columns can be uploaded again."""
    session, organization_id, chosen = db(), g.organization.id, _chosen()

    def rows() -> Iterator[tuple[object, ...]]:
        cursor: str | None = None
        while True:
            found = member_queries.members(session, organization_id, chosen, cursor, 200)
            for row in found.items:
                yield (
                    row.email, row.name, row.role.label.lower(), row.department or "", row.status.value.lower(),
                    row.created_at.date().isoformat(),
                )  # fmt: skip
            cursor = found.next_cursor
            if cursor is None:
                return

    return csv_file((*PersonField, "status", "since"), rows(), f"members-{g.slug}-{today()}.csv")


def _may_change(row: AnyRow) -> bool:
    return g.actor.can(Permission.MEMBER_MANAGE) and rules.may_act_on(g.actor.rank, row.role) is None


def _member(member_id: UUID) -> AnyRow:
    return member_queries.member(db(), g.organization.id, member_id)


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


@bp.route("/members/<uuid:member_id>/department", methods=["GET", "POST"])
@require(Permission.MEMBER_MANAGE)
@step_up_required
def member_department(member_id: UUID) -> ResponseReturnValue:
    row = _member(member_id)
    form = DepartmentForm(department=row.department or "")
    if form.accepts():
        with form.refusals():
            made = service.set_department(db(), g.actor, g.organization.id, member_id, form.department.data)
            toast = (
                _("%(name)s belongs to %(department)s now", name=made.name, department=made.department)
                if made.department
                else _("%(name)s belongs to no department now", name=made.name)
            )
            return done(back=url_for(".members"), toast=toast)
    return page(
        "org/members/department.html", fragment="org/members/_department.html", form=form, row=row,
        departments=known_departments(),
    )  # fmt: skip


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


@bp.post("/members/<uuid:member_id>/approval")
@require(Permission.MEMBER_MANAGE)
@step_up_required
def member_approval(member_id: UUID) -> ResponseReturnValue:
    """Somebody who joined and waits becomes a member."""
    made = waiting_members.approve(db(), g.actor, g.organization.id, member_id)
    return done(
        back=url_for(".members"), toast=_("%(name)s is %(role)s now", name=made.name, role=rules.article(made.role))
    )


@bp.route("/members/<uuid:member_id>/refusal", methods=["GET", "POST"])
@require(Permission.MEMBER_MANAGE)
@step_up_required
def member_refusal(member_id: UUID) -> ResponseReturnValue:
    """Somebody who joined and waits does not become a member."""
    row, form = _member(member_id), BaseForm()
    if form.accepts():
        waiting_members.decline(db(), g.actor, g.organization.id, member_id)
        return done(back=url_for(".members"), toast=_("%(name)s was declined and told so", name=row.name))
    return page("org/members/refusal.html", fragment="org/members/_refusal.html", form=form, row=row)
