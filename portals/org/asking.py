"""What the address of a page of an organization asks for, and how its amounts are written."""

from __future__ import annotations

from flask import g

from app.core.money import Money
from app.core.scope import Permission
from portals.shared.asking import Applied, capped, chosen_ids, day, one_id, one_of, without
from portals.web.filters import money

__all__ = [
    "Applied", "batches_to_show", "capped", "chosen_ids", "day", "house_money", "one_id", "one_of", "reads_own",
    "without",
]  # fmt: skip


def reads_own() -> bool:
    """Whether this reader may see what the organization is paid itself, among its payouts."""
    return g.actor.can(Permission.ORGANIZATION_EARNINGS)


def batches_to_show() -> bool | None:
    """The same for batches: None is all of them."""
    return None if reads_own() else False


def house_money(value: Money | None) -> str:
    """An amount with its code only where it is not in the organization's own currency."""
    return money(value, code=value is not None and value.currency != g.organization.currency)
