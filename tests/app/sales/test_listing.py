"""What pages read of orders and codes: filters, paging, numbers by code, and nobody else's."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from app.core.clock import today
from app.core.errors import NotFound
from app.core.money import Money
from app.core.scope import Scope, operator
from app.db.session import unit_of_work
from app.earnings import queries as held
from app.earnings import service as earnings
from app.payees.models import Payee
from app.sales import listing
from app.sales.listing import Filters
from app.sales.states import Commission, OrderStatus
from tests.factories import organizations
from tests.factories.sales import changed, code, creator, order, recorded, refund

pytestmark = pytest.mark.usefixtures("database_url")
LANDING = "https://shop.example.com/amara"


@pytest.fixture
def brand() -> UUID:
    return organizations.organization("brand", currency="USD")


@pytest.fixture
def amara(brand: UUID) -> Payee:
    return creator(brand)


def test_filters_and_pages(brand: UUID, amara: Payee) -> None:
    code(brand, amara.id)
    recorded(
        brand, order("1", days_ago=3), order("2", 100_00, "OTHER", days_ago=2),
        order("3", buyer="amara@creator.test", days_ago=1),
    )  # fmt: skip
    changed(brand, refund("r", 1_00, order_id="1"))
    day = today()
    with unit_of_work(Scope.organization(brand)) as session:
        for filters, numbers in (
            (Filters(), ["#3", "#2", "#1"]),
            (Filters(claimable=True), ["#2"]),
            (Filters(commission=Commission.SELF_REFERRAL), ["#3"]),
            (Filters(status=OrderStatus.PARTLY_REFUNDED), ["#1"]),
            (Filters(code=" amara15 "), ["#3", "#1"]),
            (Filters(payee_id=amara.id), ["#3", "#1"]),
            (Filters(search="#2"), ["#2"]),
            (Filters(search="2"), ["#2"]),
            (Filters(search="other"), ["#2"]),
            (Filters(since=day - timedelta(days=2)), ["#3", "#2"]),
            (Filters(until=day - timedelta(days=2)), ["#2", "#1"]),
        ):
            assert [row.number for row in listing.orders(session, brand, filters).items] == numbers
            assert listing.count(session, brand, filters) == len(numbers)
        first = listing.orders(session, brand, limit=2)
        assert [row.number for row in listing.orders(session, brand, None, first.next_cursor).items] == ["#1"]
        assert len(session.execute(listing.waiting_orders(brand)).all()) == 2


def test_one_order_with_its_reversal(brand: UUID, amara: Payee) -> None:
    code(brand, amara.id)
    recorded(brand, order("1"))
    changed(brand, refund("r", 40_00, order_id="1"))
    with unit_of_work(Scope.organization(brand)) as session:
        row = listing.order(session, brand, listing.orders(session, brand).items[0].id)
        (change,) = listing.changes(session, brand, row.id)
    assert (row.payee_name, row.earned_minor, row.state) == ("Amara Osei", 15_00, "held")
    assert (change.taken_minor, change.reversal_minor, change.state) == (40_00, -6_00, "held")
    assert change.available_at == row.available_at


def test_codes_of_a_creator(brand: UUID, amara: Payee) -> None:
    made = code(brand, amara.id, landing_url=LANDING)
    code(brand, creator(brand, "Ines", email="ines@creator.test").id, "INES")
    with unit_of_work(Scope.organization(brand)) as session:
        assert [row.code for row in listing.codes(session, brand).items] == ["INES", "AMARA15"]
        assert [row.code for row in listing.codes(session, brand, amara.id).items] == ["AMARA15"]
        assert listing.code(session, brand, made.id).payee_name == "Amara Osei"
        named = listing.code_named(session, brand, "amara15")
        assert named is not None and named.id == made.id
        assert listing.code_named(session, brand, "nobody") is None


def test_nobody_sees_what_is_not_theirs(brand: UUID, amara: Payee) -> None:
    code(brand, amara.id)
    recorded(brand, order("1"))
    with unit_of_work(Scope.organization(brand)) as session:
        (row,) = listing.orders(session, brand).items
    other = organizations.organization("other")
    with unit_of_work(Scope.organization(other)) as session:
        assert not listing.orders(session, brand).items
        with pytest.raises(NotFound):
            listing.order(session, other, row.id)


def test_early_release_takes_its_reversals_along(brand: UUID, amara: Payee) -> None:
    """Else the whole commission could be paid out while what a refund took of it still waits."""
    code(brand, amara.id)
    recorded(brand, order("1"), order("2"))
    changed(brand, refund("r1", 40_00, order_id="1"), refund("r2", 20_00, order_id="2"))
    with unit_of_work(Scope.organization(brand)) as session:
        second, first = listing.orders(session, brand).items
        if first.number != "#1":
            first, second = second, first
        earning_id = listing.order(session, brand, first.id).earning_id
        earnings.release_early(session, operator(), brand, earning_id, "She asked")
        states = [listing.order(session, brand, one.id).state for one in (first, second)]
        reversals = [listing.changes(session, brand, one.id)[0].state for one in (first, second)]
        ready = held.ready(session, brand, amara.id)
    assert (states, reversals) == (["ready", "held"], ["ready", "held"])
    assert ready == [Money(9_00, "USD")]
