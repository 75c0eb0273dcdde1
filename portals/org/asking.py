"""What the address of a page of an organization asks for, and how its amounts are written."""

from __future__ import annotations

from flask import g

from app.core.money import Money
from portals.shared.asking import Applied, capped, chosen_ids, day, one_id, one_of, without
from portals.web.filters import money

__all__ = ["Applied", "capped", "chosen_ids", "day", "house_money", "one_id", "one_of", "without"]


def house_money(value: Money | None) -> str:
    """An amount with its code only where it is not in the organization's own currency."""
    return money(value, code=value is not None and value.currency != g.organization.currency)
