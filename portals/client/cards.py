"""A client's page with the provider's card field; what all who pay by card share is `portals.shared.cards`."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import url_for
from flask.typing import ResponseReturnValue

from app.charges.client_models import Charge
from app.charges.states import ChargeProvider
from app.consultations import letters
from app.consultations.hours import KEPT
from app.consultations.models import Consultation
from app.consultations.states import PaidBy
from app.core.money import Money
from app.gateways import providers
from portals.shared.cards import BeginForm, field_of, is_simulated, provider_of, returned
from portals.web.htmx import page

__all__ = ["BeginForm", "ask_early", "back_url", "is_simulated", "returned", "show"]


def ask_early(made: Consultation, charge_for: Any) -> None:
    """So that the form is ready when the client comes to it: what a provider has to be asked for, is asked for now."""
    if made.paid_by in (PaidBy.CARD, PaidBy.TAG) and provider_of(None) == providers.STRIPE:
        charge_for(made, ChargeProvider.STRIPE)


def show(row: Any, charge: Charge | None, form: BeginForm) -> ResponseReturnValue:
    return page(
        "client/card.html", fragment="client/_card.html", row=row, price=Money(row.price_minor, row.currency),
        form=form, kept_until=row.created_at + KEPT, policy=letters.POLICY, **field_of(charge),
    )  # fmt: skip


def back_url(consultation_id: UUID) -> str:
    return url_for("client.consultation", consultation_id=consultation_id)
