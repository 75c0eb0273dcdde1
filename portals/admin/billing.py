"""How an organization pays for bookings, and what is left of its seat packs."""

from __future__ import annotations

from uuid import UUID

from flask import g, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import RadioField, TextAreaField
from wtforms.validators import InputRequired, Length

from app.billing import letters, modes, pack_returns, profiles, queries
from app.core.errors import Conflict
from app.core.money import Money
from app.files import queries as files
from app.organizations import queries as organizations
from app.organizations.states import BillingMode
from app.payees.rules import terms_text
from portals.admin import bp
from portals.web import paging
from portals.web.db import db
from portals.web.forms import OnceForm
from portals.web.guards import step_up_required
from portals.web.htmx import done, page

MODES = {
    BillingMode.TAG_ONLY: _l("Not at all: members pay by card, the organization is named"),
    BillingMode.SEAT_PACK: _l("By seat credits it buys ahead"),
    BillingMode.INVOICED_MONTHLY: _l("From its funds, within its credit limit"),
}


class ModeForm(OnceForm):
    mode = RadioField(_l("How it pays"), choices=[(mode.value, text) for mode, text in MODES.items()])


class PackRefundForm(OnceForm):
    reason = TextAreaField(
        _l("Reason"), [InputRequired(_l("Say why.")), Length(max=500)], render_kw={"rows": 3},
        description=_l("The organization reads it in its statement."),
    )  # fmt: skip


@bp.get("/organizations/<slug>/billing")
def billing(slug: str) -> ResponseReturnValue:
    found, want = organizations.by_slug(db(), slug), paging.wanted(25)
    listed, profile = queries.packs(db(), found.id, want.cursor, want.limit), profiles.find(db(), found.id)
    return page(
        "admin/organizations/billing.html", fragment="admin/organizations/_packs.html", organization=found,
        found=listed, neighbours=paging.neighbours(listed), mode=MODES[found.billing_mode], minor=Money,
        profile=profile, terms=terms_text(profile.terms_days) if profile else "",
        mailed_to=letters.address_of(db(), found), policies=organizations.funds_policies(db(), found.id),
        documents=files.of_subject(db(), found.id),
    )  # fmt: skip


@bp.route("/organizations/<slug>/billing-mode", methods=["GET", "POST"])
@step_up_required
def billing_mode(slug: str) -> ResponseReturnValue:
    found = organizations.by_slug(db(), slug)
    form, status = ModeForm(mode=found.billing_mode.value), None
    if form.accepts():
        try:
            with form.refusals():
                modes.set_mode(db(), g.actor, found.id, BillingMode(form.mode.data))
                return done(back=url_for(".billing", slug=slug), toast=_("Saved"))
        except Conflict as refusal:
            form.blame(refusal)
            status = 409
    return page(
        "admin/organizations/billing_mode.html", fragment="admin/organizations/_billing_mode.html", form=form,
        organization=found, status=status,
    )  # fmt: skip


@bp.route("/organizations/<slug>/packs/<uuid:pack_id>/refund", methods=["GET", "POST"])
@step_up_required
def pack_refund(slug: str, pack_id: UUID) -> ResponseReturnValue:
    """What nobody used goes back to where it was paid from."""
    found, form = organizations.by_slug(db(), slug), PackRefundForm()
    row = queries.pack(db(), found.id, pack_id)
    if form.accepts():
        with form.refusals():
            pack_returns.refund(db(), g.actor, row.id, form.reason.data or "")
            toast = (_("Refund asked for"), _("It counts once it went through."))
            return done(back=url_for(".billing", slug=slug), toast=toast)
    return page(
        "admin/organizations/pack_refund.html", fragment="admin/organizations/_pack_refund.html", form=form, row=row,
        organization=found,
    )  # fmt: skip
