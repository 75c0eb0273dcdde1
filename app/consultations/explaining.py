"""How one earning was computed, told again from what was stored with it: nothing is looked up, nothing has changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.consultations import pricing
from app.consultations.earning_lines import EarningLine, What
from app.consultations.pricing import Line
from app.core.money import Money

_RATES = {
    "asked": "The flat rate this month was calculated with",
    "agreed": "The flat rate agreed with you",
    "usual": "The usual flat rate: none was agreed with you",
}


def rule_of(earning: EarningLine) -> str:
    """Where the rates come from, in one sentence."""
    detail = earning.rule_detail
    if earning.gross is not None:
        return pricing.rule_of(detail)
    if earning.what is What.APPOINTMENT:
        return _RATES.get(detail.get("rate_from", ""), _RATES["agreed"])
    return {
        What.REVERSAL: "Every party gives back its part of what the client gets",
        What.BONUS: "Given by the platform",
        What.ADJUSTMENT: "Set right by the platform",
    }.get(earning.what, "As it was agreed")


def lines_of(earning: EarningLine) -> list[Line]:
    """The arithmetic line by line; the last one is the earning."""
    detail = earning.rule_detail
    if earning.gross is not None:
        return [*pricing.explain(detail), *_taken_back(earning)]
    if earning.what is What.REVERSAL:
        return [*_given_back(earning, detail), Line("own", "Your part of it", "What you earned of it", earning.amount)]
    if earning.what is What.APPOINTMENT:
        return [Line("rate", "Flat rate", f"One appointment, held on {earning.earned_on}", earning.amount)]
    return [Line("own", "Amount", earning.title, earning.amount)]


def _given_back(earning: EarningLine, detail: Mapping[str, Any]) -> list[Line]:
    if "returned_minor" not in detail:
        return []
    back = Money(-detail["returned_minor"], earning.amount.currency)
    return [Line("returned", "To the client", str(detail.get("reason", "")), back)]


def _taken_back(earning: EarningLine) -> list[Line]:
    """What went back later is an earning of its own, below zero."""
    if not earning.returned:
        return []
    return [Line("back", "Taken back", "The client got money back: a line of its own", -earning.returned)]
