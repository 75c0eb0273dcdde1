"""Money between our own accounts: sent at the bank, on its way, arrived."""

from __future__ import annotations

from uuid import UUID

from flask import g, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import DateField, SelectField, StringField
from wtforms.validators import InputRequired, Length

from app.core.clock import today
from app.core.money import CURRENCIES, Money
from app.reconciliation import transfers as service
from portals.admin import bp
from portals.admin.statements import ACCOUNT_LABELS
from portals.web import paging
from portals.web.db import db
from portals.web.forms import MoneyField, OnceForm
from portals.web.guards import step_up_required
from portals.web.htmx import done, page

_CHOICES = list(ACCOUNT_LABELS.items())


class TransferForm(OnceForm):
    from_account = SelectField(_l("From"), choices=_CHOICES)
    to_account = SelectField(_l("To"), choices=_CHOICES)
    currency = SelectField(_l("Currency"), choices=sorted(CURRENCIES))
    amount = MoneyField(_l("Amount"), [InputRequired(_l("Write an amount."))], currency_field="currency")
    reference = StringField(
        _l("Reference"), [InputRequired(_l("Give the reference.")), Length(max=service.LONGEST_REFERENCE)],
        description=_l("As both statements will say it."),
    )  # fmt: skip
    sent_on = DateField(_l("Sent on"), [InputRequired(_l("Give the day."))])


@bp.get("/own-transfers")
def own_transfers() -> ResponseReturnValue:
    want = paging.wanted(25)
    found = service.transfers(db(), want.cursor, want.limit)
    return page(
        "admin/reconciliation/transfers.html",
        fragment="admin/reconciliation/_transfers.html",
        found=found,
        neighbours=paging.neighbours(found),
        accounts=ACCOUNT_LABELS,
    )


@bp.route("/own-transfers/new", methods=["GET", "POST"])
@step_up_required
def new_own_transfer() -> ResponseReturnValue:
    form = TransferForm(data={"sent_on": today(), "currency": "USD"})
    if form.accepts() and isinstance(form.amount.data, Money) and form.sent_on.data:
        with form.refusals():
            service.send(
                db(), g.actor, from_account=form.from_account.data, to_account=form.to_account.data,
                amount=form.amount.data, reference=form.reference.data or "", sent_on=form.sent_on.data,
            )  # fmt: skip
            return done(back=url_for(".own_transfers"), toast=_("The transfer is on its way"))
    return page("admin/reconciliation/transfer.html", fragment="admin/reconciliation/_transfer.html", form=form)


@bp.post("/own-transfers/<uuid:transfer_id>/arrival")
@step_up_required
def own_transfer_arrival(transfer_id: UUID) -> ResponseReturnValue:
    service.arrived(db(), g.actor, transfer_id)
    return done(back=url_for(".own_transfers"), toast=_("The transfer arrived"))


@bp.post("/own-transfers/<uuid:transfer_id>/return")
@step_up_required
def own_transfer_return(transfer_id: UUID) -> ResponseReturnValue:
    service.came_back(db(), g.actor, transfer_id)
    return done(back=url_for(".own_transfers"), toast=_("The transfer came back"))
