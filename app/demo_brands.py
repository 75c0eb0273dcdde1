"""Brands of the demo's creator besides Fernhill: three months of orders, some refunds, visits of the links."""

from __future__ import annotations

import random
from datetime import timedelta
from uuid import UUID

from app.core.clock import today, utc_now
from app.core.money import Money
from app.core.scope import SYSTEM, Actor, operator
from app.db.session import ScopedSession
from app.gateways.shops import ChangeKind, ShopChange, ShopOrder
from app.organizations import service as organizations
from app.payees import service as payees
from app.sales import codes, service
from app.sales.models import CodeVisit, DiscountCode
from app.sales.states import OrderSource

# (name, slug, currency, commission, code, orders, typical order in minor units)
BRANDS = (
    ("Alder & Moss", "alder", "USD", 1500, "AMARA15", 64, 64_00),
    ("Pelican Coffee", "pelican", "USD", 1200, "AMARACUP", 48, 42_00),
    ("Thames Tea Room", "thames", "GBP", 1000, "AMARATEA", 14, 28_00),
)
OPERATOR = operator("demo")


def load(session: ScopedSession, creator: Actor) -> None:
    assert creator.payee_id is not None
    dice = random.Random(15)  # noqa: S311 - the same demo each time
    for name, slug, currency, bps, code, orders, typical in BRANDS:
        brand = organizations.create(
            session, OPERATOR, name=name, slug=slug, currency=currency, time_zone="America/New_York"
        )
        payees.engage(session, OPERATOR, brand.id, creator.payee_id, currency=currency, commission_bps=bps)
        made = codes.add_code(session, OPERATOR, brand.id, creator.payee_id, code, f"https://{slug}.example.com/amara")
        _orders(session, dice, brand.id, currency, code, orders, typical)
        _visits(session, dice, made, orders)


def _orders(
    session: ScopedSession, dice: random.Random, brand_id: UUID, currency: str, code: str, count: int, typical: int
) -> None:
    """More of them lately; every ninth goes back in part."""
    now, told = utc_now(), []
    for number in range(1, count + 1):
        moment = now - timedelta(days=84 * (1 - number / count) ** 1.4, minutes=dice.randrange(600))
        goods = Money(typical + dice.randrange(-typical // 3, typical // 2), currency)
        told.append(
            ShopOrder(
                str(5000 + number), f"#{5000 + number}", (code,), goods, Money(goods.minor * 11 // 10, currency), moment
            )
        )
    service.record_orders(session, SYSTEM, brand_id, OrderSource.SHOPIFY, told)
    for order in told[4::9]:
        moment = min(order.ordered_at + timedelta(days=2), utc_now())
        change = ShopChange(
            f"refund {order.external_id}", order.external_id, ChangeKind.REFUND, moment,
            lines_minor=order.basis.minor // 2, note="One item came back",
        )  # fmt: skip
        service.record_change(session, SYSTEM, brand_id, OrderSource.SHOPIFY, change)


def _visits(session: ScopedSession, dice: random.Random, code: DiscountCode, orders: int) -> None:
    session.add_all(
        CodeVisit(
            discount_code_id=code.id, day=today() - timedelta(days=back), organization_id=code.organization_id,
            payee_id=code.payee_id, visits=dice.randrange(orders // 5, orders // 2),
        )
        for back in range(84)
    )  # fmt: skip
