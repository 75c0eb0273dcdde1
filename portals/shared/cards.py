"""Paying by card, whoever pays: the test card form of sandbox mode, or the provider's own field in our page.

The provider's script comes from the provider, and only on the page that pays. The charge is asked for before; the job
brings what the browser confirms it with. Until then the page waits: by a look every few seconds, or by a reload.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from flask import g, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, StringField
from wtforms.validators import InputRequired, Length

from app.charges import client_service
from app.charges.client_models import Charge
from app.charges.kept_models import PaymentMethod
from app.charges.states import ChargeProvider, ChargeStatus
from app.core.errors import Conflict, Invalid
from app.core.settings import settings
from app.gateways import providers, simulated_cards
from portals.web import headers
from portals.web.db import db
from portals.web.forms import OnceForm

STRIPE_FRAMES = ("https://js.stripe.com", "https://*.js.stripe.com", "https://hooks.stripe.com")
STRIPE_CALLS = ("https://api.stripe.com",)
STRIPE_PICTURES = ("https://*.stripe.com",)


class CardForm(OnceForm):
    number = StringField(
        _l("Card number"), [InputRequired(_l("Write a card number.")), Length(max=30)],
        render_kw={"inputmode": "numeric", "autocomplete": "off", "spellcheck": "false"},
    )  # fmt: skip


class BeginForm(OnceForm):
    """Only a button: ask the provider (anew)."""


KEEP = _l("Keep this card for the next invoices")


class KeepingCardForm(CardForm):
    keep = BooleanField(KEEP)


class KeepingBeginForm(BeginForm):
    keep = BooleanField(KEEP)


BRANDS = {"amex": "American Express", "diners": "Diners Club", "jcb": "JCB", "unionpay": "UnionPay"}


def named(card: PaymentMethod) -> str:
    """What a kept card is called: Visa •••• 4242."""
    return f"{BRANDS.get(card.brand, card.brand.replace('_', ' ').title())} •••• {card.last_four}"


def provider_of(charge: Charge | None) -> str | None:
    """Who takes the card: of a charge that was made its own provider, else the deployment's; None: nobody is set up."""
    if charge is not None:
        return charge.provider.value
    try:
        return providers.chosen()
    except Conflict:
        return None


def is_simulated(charge: Charge | None) -> bool:
    return provider_of(charge) == providers.SIMULATED


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


def field_of(charge: Charge | None) -> dict[str, Any]:
    """Where the charge of a real card stands, for `shared/cards/_field.html`: settings are missing, to begin, waiting,
    unknown, or the card's field. The answer may load what the provider's field needs."""
    lacking = providers.missing()
    state, secret = "missing" if lacking else _state(charge), None
    if state == "card" and charge is not None:
        secret = client_service.client_secret(charge)
    if not lacking:
        source = settings().stripe_js_url
        headers.allow(
            script_src=(headers.origin(source), "https://*.js.stripe.com"),
            frame_src=(headers.origin(source), *STRIPE_FRAMES),
            connect_src=(headers.origin(source), *STRIPE_CALLS),
            img_src=STRIPE_PICTURES,
        )
        headers.allow_wallets(headers.origin(source))
    return {
        "state": state,
        "missing": _names(lacking),
        "secret": secret,
        "public_key": providers.public_key(),
        "script": settings().stripe_js_url,
        "refused": charge.failure_message if charge is not None else None,
    }


def _state(charge: Charge | None) -> str:
    if charge is None or charge.status in (ChargeStatus.FAILED, ChargeStatus.CANCELLED):
        return "begin"
    if charge.client_secret_sealed is not None:
        return "card"
    return "unknown" if charge.status is ChargeStatus.UNKNOWN else "waiting"


def _names(lacking: list[str]) -> str:
    if len(lacking) < 2:
        return "".join(lacking)
    return _("%(some)s and %(last)s", some=", ".join(lacking[:-1]), last=lacking[-1])


def returned(charge: Charge | None) -> str | None:
    """What the provider's redirect says when who pays comes back: "deciding", "refused", or None without one.

    Only a word for the page: what was paid is what the provider tells the job.
    """
    if charge is None or charge.provider is not ChargeProvider.STRIPE:
        return None
    told = request.args.get("redirect_status", "")
    if charge.status not in client_service.OPEN:
        return None
    return {"succeeded": "deciding", "processing": "deciding", "pending": "deciding", "failed": "refused"}.get(told)
