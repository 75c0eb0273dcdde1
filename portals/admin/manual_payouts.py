"""Payouts made by hand: of what is owed to a payee and ready, approved by somebody else like any other."""

from __future__ import annotations

from uuid import UUID

from flask import g, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import SelectField, TextAreaField
from wtforms.validators import InputRequired, Length

from app.core.errors import Conflict
from app.core.money import Money
from app.payees import queries as payees
from app.payouts import by_hand
from app.payouts.rules import payout_number
from portals.admin import bp
from portals.web.db import db
from portals.web.filters import money
from portals.web.forms import MoneyField, OnceForm
from portals.web.guards import step_up_required
from portals.web.htmx import done, page


class NewPayoutForm(OnceForm):
    """`owed` is an organization and a currency, `<id>:<code>`."""

    owed = SelectField(_l("Who pays"))
    amount = MoneyField(_l("Amount"), [InputRequired(_l("Write an amount."))])
    reason = TextAreaField(
        _l("Reason"),
        [InputRequired(_l("Say why; the payee reads it.")), Length(max=by_hand.LONGEST)],
        description=_l("The payee reads this in the payout’s timeline."),
    )


@bp.route("/payees/<uuid:payee_id>/payouts/new", methods=["GET", "POST"])
@step_up_required
def new_payout(payee_id: UUID) -> ResponseReturnValue:
    payee, owing = payees.card(db(), payee_id), by_hand.owing(db(), payee_id)
    if not owing:
        raise Conflict(_("Nothing of theirs is ready to be paid out."))
    form = NewPayoutForm()
    form.owed.choices = [
        (
            f"{row.organization_id}:{row.currency}",
            _("%(name)s · %(amount)s ready", name=row.name, amount=money(Money(row.amount_minor, row.currency))),
        )
        for row in owing
    ]
    organization, _colon, currency = (form.owed.data or form.owed.choices[0][0]).rpartition(":")
    form.amount.currency = currency if currency in {row.currency for row in owing} else owing[0].currency
    if form.accepts() and isinstance(form.amount.data, Money):
        with form.refusals():
            made = by_hand.make(
                db(), g.actor, payee_id=payee_id, amount=form.amount.data, reason=form.reason.data or "",
                organization_id=UUID(organization),
            )  # fmt: skip
            toast = (
                _("Payout %(number)s is made", number=payout_number(made.id)),
                _("Somebody else has to approve it."),
            )
            return done(back=url_for(".payout", payout_id=made.id), toast=toast)
    return page("admin/payouts/new.html", fragment="admin/payouts/_new.html", form=form, payee=payee, owing=owing)
