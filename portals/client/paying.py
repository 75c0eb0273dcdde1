"""Paying for a consultation: by card (a test card in sandbox), or from the funds of an organization."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import g, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.charges.client_models import Charge
from app.charges.states import ChargeProvider, ChargeStatus
from app.consultations import client_queries, credits, letters, money, on_account
from app.consultations.hours import KEPT
from app.consultations.models import Consultation
from app.consultations.states import ConsultationStatus, PaidBy
from app.core.errors import Conflict
from app.gateways import providers
from portals.client import bp, cards
from portals.client.consultations import price_of
from portals.shared.cards import CardForm, card_of, give, test_cards
from portals.web.db import db
from portals.web.forms import OnceForm
from portals.web.htmx import done, go, page


class FundsForm(OnceForm):
    """Only a button."""


@bp.route("/consultations/<uuid:consultation_id>/pay", methods=["GET", "POST"])
def consultation_pay(consultation_id: UUID) -> ResponseReturnValue:
    row = client_queries.consultation(db(), g.actor.account_id, consultation_id)
    back = url_for(".consultation", consultation_id=row.id)
    if row.status is not ConsultationStatus.PENDING:
        return go(back)
    by_organization = row.paid_by in (PaidBy.CREDIT, PaidBy.INVOICE)
    charge = client_queries.charge_of(db(), row.id)
    if not by_organization and not cards.is_simulated(charge):
        return _real_card(row, charge)
    form, short = FundsForm() if by_organization else CardForm(), False
    if form.accepts():
        try:
            with form.refusals():
                if isinstance(form, CardForm):
                    _by_card(row.id, form.number.data or "")
                    return done(back=back, toast=_("Your card is being charged."))
                on_account.pay(db(), g.actor, _consultation(row.id))
                return done(back=back, toast=_("Your organization paid."))
        except Conflict as refusal:  # the funds do not cover it
            if not by_organization:
                raise
            form.blame(refusal)
            short = True
    refused = charge.failure_message if charge and charge.status is ChargeStatus.FAILED else None
    return page(
        "client/pay.html", form=form, row=row, price=price_of(row), refused=refused, policy=letters.POLICY,
        by_organization=by_organization, kept_until=row.created_at + KEPT,
        buyer=credits.payer_of(db(), row.id) if by_organization else None,
        test_cards=() if by_organization else test_cards(), status=409 if short else None,
    )  # fmt: skip


def _real_card(row: Any, charge: Charge | None) -> ResponseReturnValue:
    """A POST asks the provider, (again) where that failed; the card itself never comes to us."""
    form = cards.BeginForm()
    if charge is not None and charge.status is ChargeStatus.SUCCEEDED:
        return go(cards.back_url(row.id))
    if form.accepts():
        with form.refusals():
            ask(_consultation(row.id), ChargeProvider(providers.chosen()))
            return done(back=url_for(".consultation_pay", consultation_id=row.id))
    return cards.show(row, charge, form)


def ask(made: Consultation, provider: ChargeProvider) -> Charge:
    return money.charge(db(), g.actor, made, provider)


def _consultation(consultation_id: UUID) -> Consultation:
    return db().get_one(Consultation, consultation_id)


def _by_card(consultation_id: UUID, number: str) -> None:
    """Raises Invalid beside the field, Conflict where another card is being charged."""
    card = card_of(number)
    charge = money.charge(db(), g.actor, _consultation(consultation_id), ChargeProvider.SIMULATED)
    give(charge.id, card)
