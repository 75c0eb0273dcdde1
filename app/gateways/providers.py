"""The providers of card payments by name, and which of them this deployment charges with."""

from __future__ import annotations

from app.core.errors import Conflict
from app.core.settings import settings
from app.gateways.cards import Cards
from app.gateways.simulated_cards import SimulatedCards

SIMULATED = "simulated"


def cards(name: str) -> Cards:
    """Raises Conflict for one that is not set up here."""
    if name == SIMULATED and settings().sandbox:
        return SimulatedCards()
    raise Conflict("Card payments are not set up.")


def chosen() -> str:
    """What new charges are made with: the test cards in sandbox. Raises Conflict where nothing is set up."""
    if settings().sandbox:
        return SIMULATED
    raise Conflict("Card payments are not set up.")
