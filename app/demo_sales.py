"""Fernhill's own shop: a store, a code with its link, and orders of every kind that a person has to look at."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from app.core.clock import utc_now
from app.core.money import Money
from app.core.scope import SYSTEM, Actor
from app.db.session import ScopedSession
from app.gateways.shops import ChangeKind, Shop, ShopChange, ShopOrder
from app.payees import service as payees
from app.sales import codes, service
from app.sales.states import OrderSource

BUYER = "buyer@example.com"
# (number, days ago, code, goods in minor units, buyer)
ORDERS = (
    (2401, 40, "AMARAFERN", 128_00, BUYER),
    (2402, 33, "AMARAFERN", 86_50, BUYER),
    (2403, 21, "amarafern", 240_00, BUYER),
    (2404, 12, "AMARAFERN", 59_99, BUYER),
    (2405, 9, "AMARAFERN", 310_00, BUYER),
    (2406, 7, "LAUNCHDAY", 75_00, BUYER),
    (2407, 6, "LaunchDay", 120_00, BUYER),
    (2408, 3, "AMARAFERN", 45_00, "creator+gift@fernhill.test"),
    (2409, 1, "AMARAFERN", 99_00, BUYER),
)
CHANGES = (
    (2403, ChangeKind.REFUND, 17, 80_00, "One lamp came back"),
    (2405, ChangeKind.CANCEL, 8, None, "Cancelled by the buyer"),
    (2404, ChangeKind.CHARGEBACK, 2, None, "The card's owner did not recognize it"),
)


def load(session: ScopedSession, organization_id: UUID, owner: Actor, creator: Actor) -> None:
    assert creator.payee_id is not None
    payees.edit(session, owner, organization_id, creator.payee_id, commission_bps=1250)
    codes.add_store(session, owner, organization_id, Shop.SHOPIFY, "Fernhill online", "demo-secret-of-fernhill")
    landing = "https://fernhill.example.com/amara"
    codes.add_code(session, owner, organization_id, creator.payee_id, "AMARAFERN", landing)
    now = utc_now()
    told = [
        ShopOrder(
            f"55500{number}", f"#{number}", (code,), Money(goods, "USD"), Money(goods + 7_50, "USD"),
            now - timedelta(days=days), buyer,
        )
        for number, days, code, goods, buyer in ORDERS
    ]  # fmt: skip
    service.record_orders(session, SYSTEM, organization_id, OrderSource.SHOPIFY, told)
    for number, kind, days, goods, note in CHANGES:
        change = ShopChange(
            f"{kind.value} {number}", f"55500{number}", kind, now - timedelta(days=days), lines_minor=goods, note=note
        )
        service.record_change(session, SYSTEM, organization_id, OrderSource.SHOPIFY, change)
