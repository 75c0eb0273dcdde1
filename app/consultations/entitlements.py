"""What the premium plan of consultants unlocks: the one place that pages, services and the API ask."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Protocol

from app.core.errors import Forbidden


class Entitlement(StrEnum):
    ADVANCED_ANALYTICS = "advanced_analytics"
    INSTANT_PAYOUT = "instant_payout"
    CUSTOM_OFFERINGS = "custom_offerings"


class HasPlan(Protocol):
    """A profile, or a row with its `premium_until`."""

    @property
    def premium_until(self) -> date | None: ...


_PREMIUM = frozenset(Entitlement)


def entitled(profile: HasPlan, entitlement: Entitlement, today: date) -> bool:
    """Whether the plan that is paid for includes it; the last day of the plan counts."""
    return entitlement in _PREMIUM and profile.premium_until is not None and today <= profile.premium_until


def require(profile: HasPlan, entitlement: Entitlement, today: date) -> None:
    """Raises Forbidden."""
    if not entitled(profile, entitlement, today):
        raise Forbidden("This is part of the premium plan. Write to support to get it.")
