"""Deposits to organizations' funds: announced by one person, confirmed by another who saw the money."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import DateField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length

from app.charges import queries, rules, service
from app.charges.states import DepositStatus
from app.core.clock import today
from app.core.errors import NotFound
from app.core.money import CURRENCIES, Money
from portals.admin import asking, bp
from portals.web import paging
from portals.web.db import db
from portals.web.filters import money
from portals.web.forms import MoneyField, OnceForm
from portals.web.guards import step_up_required
from portals.web.htmx import done, fragment, page

STATES = {
    "announced": (_l("To confirm"), DepositStatus.ANNOUNCED),
    "confirmed": (_l("Confirmed"), DepositStatus.CONFIRMED),
    "rejected": (_l("Rejected"), DepositStatus.REJECTED),
    "all": (_l("All"), None),
}


@bp.get("/deposits")
def deposits() -> ResponseReturnValue:
    want, state = paging.wanted(), request.args.get("state", "announced")
    state = state if state in STATES else "announced"
    found = queries.review_queue(db(), status=STATES[state][1], cursor=want.cursor, limit=want.limit)
    return page(
        "admin/deposits/index.html",
        fragment="admin/deposits/_list.html",
        found=found,
        neighbours=paging.neighbours(found),
        state=state,
        states=STATES,
        why_not=why_not,
    )


def why_not(row: Any) -> str:
    """Why this admin may not decide about a deposit, "" when they may; the service decides again."""
    refused = rules.may_decide(
        announced_by=row.announced_by,
        announced_by_account_id=row.announced_by_account_id,
        label=g.actor.label,
        account_id=g.actor.account_id,
    )
    return refused or ""


def _decided(deposit_id: UUID, title: str, text: str) -> ResponseReturnValue:
    row = queries.deposit(db(), deposit_id)
    back = asking.own_page(request.form.get("back", "")) or url_for(".deposits")
    piece = fragment("admin/deposits/_row.html", row=row, why_not=why_not)
    return done(piece, back=back, toast=(title, text))


@bp.post("/deposits/<uuid:deposit_id>/confirmation")
@step_up_required
def deposit_confirmation(deposit_id: UUID) -> ResponseReturnValue:
    deposit = service.confirm(db(), g.actor, deposit_id)
    text = _("%(amount)s is in the funds; payouts that waited for it go on.", amount=money(deposit.amount))
    return _decided(deposit_id, _("Deposit confirmed"), text)


class RejectionForm(OnceForm):
    reason = TextAreaField(_l("Reason"), [InputRequired(_l("Say why; the organization reads it.")), Length(max=500)])


@bp.route("/deposits/<uuid:deposit_id>/rejection", methods=["GET", "POST"])
def deposit_rejection(deposit_id: UUID) -> ResponseReturnValue:
    form = RejectionForm()
    if form.accepts():
        with form.refusals():
            service.reject(db(), g.actor, deposit_id, form.reason.data or "")
            return _decided(deposit_id, _("Deposit rejected"), _("The organization reads your reason."))
    row = queries.deposit(db(), deposit_id)
    return page("admin/deposits/rejection.html", fragment="admin/deposits/_rejection.html", form=form, row=row)


class DepositForm(OnceForm):
    """A transfer seen on the bank statement that nobody announced."""

    currency = SelectField(_l("Currency"), choices=[(code, code) for code in sorted(CURRENCIES)])
    amount = MoneyField(_l("Amount"), [InputRequired(_l("Write an amount."))], currency_field="currency")
    reference = StringField(
        _l("Reference"), [InputRequired(_l("Give the reference of the transfer.")), Length(max=rules.LONGEST_REFERENCE)]
    )
    sent_on = DateField(_l("Sent on"), [InputRequired(_l("Give the day."))])


@bp.route("/organizations/<slug>/deposits/new", methods=["GET", "POST"])
def new_deposit(slug: str) -> ResponseReturnValue:
    organization = asking.organization_named(slug)
    if organization is None:
        raise NotFound(_("There is no organization “%(slug)s”.", slug=slug))
    form = DepositForm(data={"currency": organization.currency, "sent_on": today()})
    if form.accepts() and isinstance(form.amount.data, Money) and form.sent_on.data:
        with form.refusals():
            service.announce(
                db(), g.actor, organization.id, amount=form.amount.data, reference=form.reference.data or "",
                sent_on=form.sent_on.data,
            )  # fmt: skip
            toast = (_("Deposit recorded"), _("Somebody else confirms it now."))
            return done(back=url_for(".organization", slug=slug), toast=toast)
    return page("admin/deposits/new.html", fragment="admin/deposits/_new.html", form=form, organization=organization)
