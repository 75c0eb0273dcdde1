"""Discount codes of the organization's creators: who has which, where the links lead, what they earn."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, IntegerField, SelectField, StringField
from wtforms.validators import InputRequired, Length, NumberRange, Optional, ValidationError

from app.core.clock import utc_now
from app.core.errors import Conflict, NotFound
from app.core.money import Money
from app.core.scope import Permission
from app.core.settings import settings
from app.db.paging import AnyRow
from app.payees import queries as payees
from app.payees import rates
from app.payees import rules as rules_of_payees
from app.payees import service as payee_service
from app.payees.kinds import spec_of
from app.sales import codes as service
from app.sales import listing, queries, rules
from app.sales import service as orders
from app.sales.listing import Filters
from portals.org import asking, bp
from portals.org.orders import claimed, creators
from portals.web import paging
from portals.web.db import db
from portals.web.forms import BaseForm, OnceForm
from portals.web.guards import require
from portals.web.htmx import done, page

RECENT_DAYS = 90
_LANDING: dict[str, Any] = {
    "label": _l("Landing page"),
    "validators": [Optional(), Length(max=500)],
    "description": _l("Where the tracking link leads, e.g. https://shop.example.com. Leave it empty for no link."),
    "render_kw": {"inputmode": "url", "autocomplete": "off"},
}


class NewCodeForm(BaseForm):
    payee = SelectField(_l("Creator"), choices=lambda: creators(), validators=[InputRequired(_l("Choose a creator."))])
    code = StringField(
        _l("Code"),
        [InputRequired(_l("Give the code.")), Length(max=rules.LONGEST_CODE)],
        description=_l("As in your shop. Upper and lower case count as the same."),
        render_kw={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"},
    )
    landing_url = StringField(**_LANDING)


class CodeForm(BaseForm):
    landing_url = StringField(**_LANDING)
    active = BooleanField(
        _l("Orders with this code earn commission"),
        description=_l("While it is off, orders are kept and can be credited later. The link leads on."),
    )


class CommissionForm(BaseForm):
    percent = StringField(
        _l("Commission, in percent"),
        [InputRequired(_l("Give a rate from 0 to 100.")), Length(max=10)],
        description=_l(
            "Of the goods after discounts, without tax and shipping. It counts for orders placed from now on."
        ),
        render_kw={"inputmode": "decimal", "autocomplete": "off"},
    )
    hold_days = IntegerField(
        _l("Return window, in days"),
        [InputRequired(_l("Give a number of days.")), NumberRange(0, 365, _l("Between 0 and 365 days."))],
        description=_l("So long after the order its commission is held, as buyers may return what they bought."),
        render_kw={"inputmode": "numeric", "autocomplete": "off"},
    )

    def validate_percent(self, field: StringField) -> None:
        if rules_of_payees.read_commission(field.data) is None:
            raise ValidationError(_("Write a percentage from 0 to 100, with at most two decimals."))


def link_of(row: AnyRow) -> str:
    """The creator's tracking link; empty without a landing page."""
    return f"{settings().base_url}{url_for('public.go', token=row.token)}" if row.landing_url else ""


@bp.get("/codes")
@require(Permission.SALES_READ)
def codes() -> ResponseReturnValue:
    want, payee_id = paging.wanted(), asking.one_id(request.args, "payee")
    found = listing.codes(db(), g.organization.id, payee_id, want.cursor, want.limit)
    return page(
        "org/codes/index.html",
        fragment="org/codes/_list.html",
        found=found,
        neighbours=paging.neighbours(found),
        link_of=link_of,
        payee=payees.detail(db(), g.organization.id, payee_id) if payee_id else None,
        any_creators=len(creators()) > 1,
    )


@bp.route("/codes/new", methods=["GET", "POST"])
@require(Permission.SALES_MANAGE)
def new_code() -> ResponseReturnValue:
    form = NewCodeForm(payee=request.args.get("payee", ""), code=request.args.get("code", "")[:60])
    if form.accepts():
        try:
            with form.refusals():
                made = service.add_code(
                    db(), g.actor, g.organization.id, UUID(form.payee.data), form.code.data,
                    form.landing_url.data or "",
                )  # fmt: skip
                return done(back=url_for(".code", code_id=made.id), toast=(_("Code added"), made.code))
        except Conflict as taken:
            form.blame(taken)
    return page("org/codes/new.html", fragment="org/codes/_new.html", form=form, nobody=len(creators()) == 1)


@bp.route("/codes/<uuid:code_id>", methods=["GET", "POST"])
@require(Permission.SALES_READ)
def code(code_id: UUID) -> ResponseReturnValue:
    """One code with what it brought, and a form to change it."""
    row = listing.code(db(), g.organization.id, code_id)
    form = CodeForm(landing_url=row.landing_url or "", active=row.active)
    if form.accepts():
        with form.refusals():
            service.change_code(
                db(), g.actor, g.organization.id, code_id, active=bool(form.active.data),
                landing_url=form.landing_url.data or "",
            )  # fmt: skip
            return done(back=url_for(".code", code_id=code_id), toast=_("Changes saved"))
    waits = listing.count(db(), g.organization.id, Filters(claimable=True, code=row.code))
    return page(
        "org/codes/code.html",
        fragment="org/codes/_form.html",
        form=form,
        row=row,
        link=link_of(row),
        waits=waits,
        waits_text=asking.capped(waits),
        **_brought(row),
    )


def _brought(row: AnyRow) -> dict[str, Any]:
    """Orders, visits and goods of the last 90 days."""
    since = utc_now() - timedelta(days=RECENT_DAYS)
    found = queries.code_stats(db(), since, payee_id=row.payee_id, organization_id=row.organization_id)
    mine = [one for one in found if one.id == row.id]
    sold = sum(one.orders for one in mine)
    visits = int(mine[0].visits) if mine else 0
    return {
        "sold": sold,
        "visits": visits,
        "conversion": f"{100 * sold / visits:.1f}" if visits else "",
        "goods": [Money(one.basis_minor, one.currency) for one in mine if one.currency],
    }


@bp.post("/codes/<uuid:code_id>/claim")
@require(Permission.SALES_MANAGE)
def code_claim(code_id: UUID) -> ResponseReturnValue:
    """Credit the orders that came before the code was anybody's, or while it rested."""
    form = OnceForm()
    if not form.accepts():
        raise Conflict(_("Reload the page and try again."))
    return claimed(orders.claim(db(), g.actor, g.organization.id, code_id))


@bp.route("/payees/<uuid:payee_id>/commission", methods=["GET", "POST"])
@require(Permission.PAYEE_MANAGE)
def commission(payee_id: UUID) -> ResponseReturnValue:
    """What a creator earns of orders, and for how long it is held. An order has the rate of the day it was placed."""
    row = payees.detail(db(), g.organization.id, payee_id)
    if not spec_of(row.kind).earns_commission:
        raise NotFound(_("Only creators earn commission."))
    known = listing.commission_terms(db(), g.organization.id, payee_id)
    form = CommissionForm(percent=f"{known.commission_bps / 100:g}", hold_days=known.commission_hold_days)
    if form.accepts():
        with form.refusals():
            payee_service.edit(
                db(), g.actor, g.organization.id, payee_id,
                commission_bps=rules_of_payees.read_commission(form.percent.data),
                commission_hold_days=form.hold_days.data,
            )  # fmt: skip
            return done(back=url_for(".payee", payee_id=payee_id), toast=(_("Commission set"), row.name))
    return page(
        "org/codes/commission.html",
        fragment="org/codes/_commission.html",
        form=form,
        row=row,
        rates=rates.history(db(), g.organization.id, payee_id),
    )
