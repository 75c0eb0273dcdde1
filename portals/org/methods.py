"""Where payees are paid: a method for one of them, or one way for everybody who has none."""

from __future__ import annotations

from uuid import UUID

from flask import g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from wtforms import RadioField
from wtforms.validators import InputRequired

from app.core.errors import Conflict, NotFound, Refusal
from app.core.scope import Permission
from app.core.settings import settings
from app.db.paging import AnyRow
from app.methods import assignments, queries, service
from app.methods.models import Method
from app.methods.rules import ASSIGNABLE
from app.payees import queries as payees
from app.payees.kinds import spec_of
from app.rails import registry
from app.rails.base import Rail
from portals.org import bp
from portals.shared.payee.methods import PREFIX, form_of
from portals.web.db import db
from portals.web.filters import number
from portals.web.formats import masked
from portals.web.forms import BaseForm, OnceForm
from portals.web.guards import require, step_up_required
from portals.web.htmx import done, page

SHOWN_REFUSALS = 100


def _own_payee(payee_id: UUID) -> AnyRow:
    """A payee whose methods this organization keeps. Raises NotFound, Conflict for those who work for several."""
    row = payees.detail(db(), g.organization.id, payee_id)
    if not spec_of(row.kind).single_engagement:
        raise Conflict(_("%(name)s keeps their own payout methods: invite them.", name=row.name))
    return row


@bp.route("/payees/<uuid:payee_id>/methods/new", methods=["GET", "POST"])
@require(Permission.METHOD_MANAGE)
@step_up_required
def new_method(payee_id: UUID) -> ResponseReturnValue:
    """Without a rail chosen, the choice; then that rail's fields."""
    row, offered = _own_payee(payee_id), registry.typed()
    rail = next((one for one in offered if one.name == request.args.get("rail")), None)
    if rail is None:
        return page("org/methods/choose.html", row=row, offered=offered)
    form = form_of(rail)()
    if form.accepts():
        try:
            with form.refusals():
                made = _add(payee_id, rail, form)
                return done(
                    back=url_for(".payee", payee_id=payee_id),
                    toast=(
                        _("Payout method added"),
                        f"{made.label} {masked(made.last4) if made.last4 else ''}".strip(),
                    ),
                )
        except Conflict as there:
            form.blame(there)
    return page("org/methods/new.html", fragment="org/methods/_form.html", form=form, rail=rail, row=row, prefix=PREFIX)


def _add(payee_id: UUID, rail: Rail, form: BaseForm) -> Method:
    details = {field.name: form[PREFIX + field.name].data or "" for field in rail.fields}
    try:
        return service.add(
            db(), g.actor, payee_id, rail=rail.name, fields=details, currency=form["currency"].data or None,
            default=form["default"].data,
        )  # fmt: skip
    except Refusal as refusal:  # the rail names its own fields; the form has them under a prefix
        refusal.fields = {PREFIX + n if PREFIX + n in form else n: said for n, said in refusal.fields.items()}
        raise


@bp.post("/payees/<uuid:payee_id>/methods/<uuid:method_id>/default")
@require(Permission.METHOD_MANAGE)
@step_up_required
def method_default(payee_id: UUID, method_id: UUID) -> ResponseReturnValue:
    _method_of(payee_id, method_id)
    made = service.make_default(db(), g.actor, method_id)
    toast = _("Paid by %(method)s from now on", method=made.label)
    return done(back=url_for(".payee", payee_id=payee_id), toast=toast)


@bp.route("/payees/<uuid:payee_id>/methods/<uuid:method_id>/removal", methods=["GET", "POST"])
@require(Permission.METHOD_MANAGE)
@step_up_required
def method_removal(payee_id: UUID, method_id: UUID) -> ResponseReturnValue:
    row, method = _own_payee(payee_id), _method_of(payee_id, method_id)
    form = BaseForm()
    if form.accepts():
        gone = service.disable(db(), g.actor, method_id)
        toast = _("%(method)s is not used any more", method=gone.label)
        return done(back=url_for(".payee", payee_id=payee_id), toast=toast)
    return page("org/methods/removal.html", fragment="org/methods/_removal.html", form=form, row=row, method=method)


def _method_of(payee_id: UUID, method_id: UUID) -> AnyRow:
    """Raises NotFound for a method of another payee."""
    _own_payee(payee_id)
    found = next((one for one in queries.methods(db(), payee_id) if one.id == method_id), None)
    if found is None:
        raise NotFound(_("There is no such payout method."))
    return found


class AssignmentForm(OnceForm):
    rail = RadioField(_l("How they are paid"), [InputRequired(_l("Choose one."))])


def assignable() -> list[Rail]:
    """Rails whose destination follows from what is known of a payee."""
    return [rail for rail in registry.typed() if rail.name in ASSIGNABLE]


@bp.route("/payees/method-assignment", methods=["GET", "POST"])
@require(Permission.METHOD_MANAGE)
@step_up_required
def method_assignment() -> ResponseReturnValue:
    """One way to be paid for everybody without one, or for one payee (`?payee=`)."""
    offered = assignable()
    form = AssignmentForm(rail=offered[-1].name if settings().sandbox else offered[0].name)
    form.rail.choices = [(rail.name, rail.label) for rail in offered]
    if form.accepts():
        with form.refusals():
            found = assignments.assign_bulk(db(), g.actor, g.organization.id, form.rail.data)
            title = ngettext(
                "%(n)s payee can be paid now", "%(n)s payees can be paid now", found.count, n=number(found.count)
            )
            if found.refused:
                return page(
                    "org/methods/assigned.html",
                    fragment="org/methods/_assigned.html",
                    title_text=title,
                    refused=found.refused[:SHOWN_REFUSALS],
                    refused_count=len(found.refused),
                )
            return done(back=url_for(".payees"), toast=title)
    return page(
        "org/methods/assignment.html",
        fragment="org/methods/_assignment.html",
        form=form,
        rails={rail.name: rail for rail in offered},
        without=queries.count_without_method(db(), g.organization.id),
    )
