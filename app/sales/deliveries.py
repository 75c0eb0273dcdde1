"""Calls of shops between the door and the job: as JSON without the buyer's address, and applied."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from app.core.money import Money
from app.core.scope import Actor
from app.db.session import ScopedSession
from app.gateways.shops import ChangeKind, Delivery, Shop, ShopChange, ShopOrder
from app.sales import service
from app.sales.states import OrderSource


def packed(organization_id: UUID, shop: Shop, delivery: Delivery) -> dict[str, Any]:
    """What is stored of a call. The buyer's address becomes a keyed hash."""
    order = delivery.order
    if order is not None:
        order = replace(order, buyer_email="", buyer_index=service.buyer_index(order.buyer_email))
    return {
        "organization_id": str(organization_id),
        "shop": shop.value,
        "order": None if order is None else _plain(asdict(order)),
        "changes": [_plain(asdict(change)) for change in delivery.changes],
        "ignored": delivery.ignored,
    }


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()}


def apply(session: ScopedSession, actor: Actor, stored: dict[str, Any]) -> str:
    """Write down what the call told; returns what became of it, in words. Applying it again changes nothing."""
    organization_id, source = UUID(stored["organization_id"]), OrderSource(stored["shop"])
    told = []
    if stored["order"] is not None:
        order = _order(stored["order"])
        done = service.record_orders(session, actor, organization_id, source, [order])
        if done.without_code:
            return "no discount code"
        told.append("order recorded" if done.new else "order known")
    for values in stored["changes"]:
        change = _change(values)
        new = service.record_change(session, actor, organization_id, source, change)
        told.append(f"{change.kind.value} {'recorded' if new else 'known'}")
    return ", ".join(told)


def _order(values: dict[str, Any]) -> ShopOrder:
    return ShopOrder(
        **{
            **values,
            "codes": tuple(values["codes"]),
            "basis": Money(**values["basis"]),
            "total": Money(**values["total"]),
            "ordered_at": datetime.fromisoformat(values["ordered_at"]),
        }
    )


def _change(values: dict[str, Any]) -> ShopChange:
    moment = datetime.fromisoformat(values["occurred_at"])
    return ShopChange(**{**values, "kind": ChangeKind(values["kind"]), "occurred_at": moment})
