"""The test card form of sandbox mode, for whoever pays by card."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from flask import g
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import StringField
from wtforms.validators import InputRequired, Length

from app.charges import client_service
from app.core.errors import Invalid
from app.gateways import providers, simulated_cards
from portals.web.db import db
from portals.web.forms import OnceForm


class CardForm(OnceForm):
    number = StringField(
        _l("Card number"), [InputRequired(_l("Write a card number.")), Length(max=30)],
        render_kw={"inputmode": "numeric", "autocomplete": "off", "spellcheck": "false"},
    )  # fmt: skip


def simulated() -> bool:
    return providers.chosen() == providers.SIMULATED


def test_cards() -> Collection[tuple[str, str]]:
    return simulated_cards.CARDS.values()


def card_of(number: str) -> str:
    """The card somebody typed, by the name its gateway knows. Raises Invalid beside the field."""
    card = simulated_cards.card_named(number)
    if card is None:
        sentence = _("This is none of the test cards below.")
        raise Invalid(sentence, fields={"number": sentence})
    return card


def give(charge_id: UUID, card: str) -> None:
    """Have the job charge it. Raises Conflict while another one is being charged."""
    with db().elevated("a charge of whoever pays it"):
        client_service.card_given(db(), g.actor, charge_id, card)
