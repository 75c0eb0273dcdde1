"""Creators with discount codes, and orders as shops tell of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from app.core.clock import utc_now
from app.core.money import Money
from app.core.scope import SYSTEM, Scope, operator
from app.db.session import unit_of_work
from app.gateways.shops import ChangeKind, ShopChange, ShopOrder
from app.payees import service as payees
from app.payees.models import Payee
from app.payees.states import PayeeKind
from app.sales import codes, service
from app.sales.models import DiscountCode
from app.sales.service import Recorded
from app.sales.states import OrderSource
from tests.factories.people import PLATFORM

S = OrderSource.SHOPIFY


def creator(
    organization_id: UUID, name: str = "Amara Osei", *, email: str = "amara@creator.test", bps: int = 1500
) -> Payee:
    with unit_of_work(Scope.organization(organization_id)) as session:
        return payees.create(
            session, operator(), organization_id, kind=PayeeKind.CREATOR, name=name, currency="USD", email=email,
            commission_bps=bps, terms_days=0,
        )  # fmt: skip


def code(organization_id: UUID, payee_id: UUID, text: str = "AMARA15", landing_url: str = "") -> DiscountCode:
    with unit_of_work(Scope.organization(organization_id)) as session:
        return codes.add_code(session, operator(), organization_id, payee_id, text, landing_url)


def order(
    external_id: str = "1001", minor: int = 100_00, *codes: str, buyer: str = "buyer@example.test", days_ago: int = 0,
    currency: str = "USD", total: int | None = None,
) -> ShopOrder:  # fmt: skip
    return ShopOrder(
        external_id=external_id,
        number=f"#{external_id}",
        codes=codes or ("AMARA15",),
        basis=Money(minor, currency),
        total=Money(minor if total is None else total, currency),
        ordered_at=utc_now() - timedelta(days=days_ago),
        buyer_email=buyer,
    )


def refund(
    external_id: str = "r1", lines: int | None = None, gross: int | None = None, order_id: str = "1001",
    kind: ChangeKind = ChangeKind.REFUND,
) -> ShopChange:  # fmt: skip
    moment = datetime(2026, 11, 20, 12, tzinfo=UTC)
    return ShopChange(external_id, order_id, kind, moment, lines_minor=lines, gross_minor=gross)


def recorded(organization_id: UUID, *orders: ShopOrder, source: OrderSource = S) -> Recorded:
    with unit_of_work(PLATFORM) as session:
        return service.record_orders(session, SYSTEM, organization_id, source, orders)


def changed(organization_id: UUID, *changes: ShopChange, source: OrderSource = S) -> list[bool]:
    with unit_of_work(PLATFORM) as session:
        return [service.record_change(session, SYSTEM, organization_id, source, change) for change in changes]
