"""Calls of shops between the door and the job: as JSON without the buyer's address, and applied."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from app.core.clock import utc_now
from app.core.money import Money
from app.core.scope import Actor, Permission
from app.db.session import ScopedSession
from app.gateways.shops import UNREADABLE, ChangeKind, Delivery, Shop, ShopChange, ShopOrder
from app.sales import service
from app.sales.states import OrderSource
from app.webhooks import queries
from app.webhooks.models import EventStatus
from app.webhooks.service import ORDERS

LATELY = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Amiss:
    """Calls of a shop that came to nothing lately, though they should have: how many, when the last one came and why.

    `reason` is "" for one that was read and could not be applied: what went wrong is for the platform to see.
    """

    calls: int
    last_at: datetime
    reason: str


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


def amiss(session: ScopedSession, actor: Actor, organization_id: UUID) -> dict[Shop, Amiss]:
    """By shop, what came to nothing in the last seven days. Raises Forbidden.

    What is in brackets stays with the platform: it may quote the call, and so the buyer.
    """
    actor.require(Permission.SALES_READ)
    actor.require_organization(organization_id)
    sources = {f"{ORDERS}{shop.value}": shop for shop in Shop}
    with session.elevated("an organization's own calls, after the permission check"):
        rows = queries.amiss(session, list(sources), f"{organization_id}:", UNREADABLE, utc_now() - LATELY)
    return {sources[row.source]: Amiss(row.calls, row.last_at, _reason(row.status, row.result)) for row in rows}


def _reason(status: str, result: str | None) -> str:
    if status == EventStatus.FAILED.value or not result:
        return ""
    return result.removeprefix(UNREADABLE).partition(" (")[0]
