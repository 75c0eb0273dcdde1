"""Where the organization itself is paid: a payout method of its own payee, kept by its owners."""

from __future__ import annotations

from uuid import UUID

from flask import g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core.clock import utc_now
from app.core.errors import Conflict, Invalid, NotFound
from app.core.scope import Permission
from app.db.paging import AnyRow
from app.methods import queries, service
from app.methods.models import Method
from app.payouts import destinations
from app.rails import registry
from app.rails.base import Rail
from portals.org import bp
from portals.org.provider import own, tier
from portals.shared import connect
from portals.shared.payee.methods import PREFIX, form_of
from portals.shared.payee.ways import ways
from portals.web.db import db
from portals.web.filters import date_text
from portals.web.formats import masked
from portals.web.forms import BaseForm
from portals.web.guards import require, step_up_required
from portals.web.htmx import done, page


@bp.get("/payout-account")
@require(Permission.ORGANIZATION_PAYOUT)
@tier
def payout_account() -> ResponseReturnValue:
    """The account in use and those before it, by their last four signs."""
    payee_id = own()
    return page(
        "org/provider/account.html",
        methods=queries.methods(db(), payee_id, disabled_too=True),
        proofs=destinations.records(db(), payee_id),
        now=utc_now(),
    )


@bp.route("/payout-account/new", methods=["GET", "POST"])
@require(Permission.ORGANIZATION_PAYOUT)
@tier
@step_up_required
def new_payout_account() -> ResponseReturnValue:
    """Without a rail chosen, the choice; then that rail's fields."""
    payee_id, offered = own(), registry.typed(g.organization.country)
    rail = next((one for one in offered if one.name == request.args.get("rail")), None)
    if rail is None:
        return page("org/provider/account_choice.html", ways=ways(payee_id))
    form = form_of(rail)()
    if request.method == "GET" and f"{PREFIX}country" in form:
        form[f"{PREFIX}country"].data = g.organization.country
    if form.accepts():
        try:
            with form.refusals():
                made = _add(payee_id, rail, form)
                waits = made.usable_from_at > utc_now()
                said = (
                    _("It can be used from %(moment)s.", moment=date_text(made.usable_from_at, "full")) if waits else ""
                )
                shown = f"{made.label} {masked(made.last4) if made.last4 else ''}".strip()
                return done(back=url_for(".payout_account"), toast=(_("%(method)s added", method=shown), said))
        except Conflict as there:
            form.blame(there)
    return page(
        "org/provider/account_new.html",
        fragment="org/provider/_account_form.html",
        form=form,
        rail=rail,
        prefix=PREFIX,
        waits=bool(queries.methods(db(), payee_id, disabled_too=True)),
    )


def _add(payee_id: UUID, rail: Rail, form: BaseForm) -> Method:
    details = {field.name: form[PREFIX + field.name].data or "" for field in rail.fields}
    try:
        return service.add(
            db(), g.actor, payee_id, rail=rail.name, fields=details, currency=form["currency"].data or None,
            default=form["default"].data,
        )  # fmt: skip
    except (Invalid, Conflict) as refusal:  # the rail names its own fields; the form has them under a prefix
        refusal.fields = {PREFIX + n if PREFIX + n in form else n: said for n, said in refusal.fields.items()}
        raise


@bp.post("/payout-account/<uuid:method_id>/default")
@require(Permission.ORGANIZATION_PAYOUT)
@tier
@step_up_required
def payout_account_default(method_id: UUID) -> ResponseReturnValue:
    made = service.make_default(db(), g.actor, _mine(method_id).id)
    return done(back=url_for(".payout_account"), toast=_("Paid by %(method)s from now on", method=made.label))


@bp.route("/payout-account/<uuid:method_id>/removal", methods=["GET", "POST"])
@require(Permission.ORGANIZATION_PAYOUT)
@tier
@step_up_required
def payout_account_removal(method_id: UUID) -> ResponseReturnValue:
    method, form = _mine(method_id), BaseForm()
    if form.accepts():
        gone = service.disable(db(), g.actor, method_id)
        return done(back=url_for(".payout_account"), toast=_("%(method)s is not used any more", method=gone.label))
    return page(
        "org/provider/account_removal.html", fragment="org/provider/_account_removal.html", form=form, method=method
    )


def _owners(view: connect.View) -> connect.View:
    return require(Permission.ORGANIZATION_PAYOUT)(tier(view))


connect.Pages(own, ".payout_account", _l("Payout account")).mount(bp, "/payout-account/stripe", _owners)


def _mine(method_id: UUID) -> AnyRow:
    """Raises NotFound for a method of anybody else: the scope shows those of other payees, too."""
    found = next((one for one in queries.methods(db(), own()) if one.id == method_id), None)
    if found is None:
        raise NotFound(_("There is no such payout account."))
    return found
