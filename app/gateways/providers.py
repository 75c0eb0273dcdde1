"""The providers of card payments by name, and which of them this deployment charges with."""

from __future__ import annotations

from functools import cache

from app.core.errors import Conflict
from app.core.settings import settings
from app.gateways.cards import Cards
from app.gateways.simulated_cards import SimulatedCards
from app.gateways.stripe_payments import StripePayments

SIMULATED, STRIPE = "simulated", "stripe"
NOT_SET_UP = "Card payments are not set up."


def cards(name: str) -> Cards:
    """Raises Conflict for one that is not set up here."""
    if name == SIMULATED and settings().sandbox:
        return SimulatedCards()
    if name == STRIPE and _fits():
        return _stripe(settings().stripe_secret_key, settings().stripe_webhook_secret, settings().stripe_url)
    raise Conflict(NOT_SET_UP)


def chosen() -> str:
    """What new charges are made with: Stripe where it has a key, the test cards in sandbox. Raises Conflict."""
    if _fits():
        return STRIPE
    if settings().sandbox:
        return SIMULATED
    raise Conflict(f"{NOT_SET_UP} Missing: {', '.join(missing())}.")


def public_key() -> str:
    """What the browser names us to Stripe with; "" without one of the deployment's own mode."""
    key = settings().stripe_publishable_key
    return key if key.startswith("pk_test_" if settings().sandbox else "pk_live_") else ""


def missing() -> list[str]:
    """The settings that real cards cannot be taken without and that are not set, or are of the other mode."""
    given = {
        "STRIPE_SECRET_KEY": _fits(),
        "STRIPE_PUBLISHABLE_KEY": bool(public_key()),
    }
    return [name for name, there in given.items() if not there]


def _fits() -> bool:
    """A key of the deployment's own mode: real money never moves in sandbox, nor test money in live."""
    key = settings().stripe_secret_key
    return key.startswith(("sk_test_", "rk_test_") if settings().sandbox else ("sk_live_", "rk_live_"))


@cache
def _stripe(secret_key: str, webhook_secret: str, url: str) -> StripePayments:
    return StripePayments(secret_key, webhook_secret, url)
