"""Orders become commission once, at the rate of the day; what is taken back reverses its part and no more."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, event, text

from app.core import clock
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.scope import Actor, Scope, operator
from app.db.session import unit_of_work
from app.earnings import service as earnings
from app.gateways.shops import ChangeKind
from app.ledger import service as ledger
from app.payees.models import Payee
from app.payees.states import EngagementStatus
from app.reporting import doctor
from app.sales import rules, service
from app.sales.states import OrderSource
from tests.factories import organizations, people, sales
from tests.factories.people import PLATFORM

pytestmark = pytest.mark.usefixtures("database_url")


@pytest.fixture
def brand(database_url: str) -> UUID:
    return organizations.organization("alder", currency="USD", time_zone="America/New_York")


@pytest.fixture
def amara(brand: UUID) -> Payee:
    made = sales.creator(brand)
    sales.code(brand, made.id)
    return made


@contextmanager
def statements() -> Iterator[list[str]]:
    """What the block asks the database."""
    found: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        found.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    yield found
    event.remove(Engine, "before_cursor_execute", note)


def rows(query: str, **values: Any) -> list[Any]:
    with unit_of_work(PLATFORM) as session:
        return list(session.execute(text(query), values))


def earned() -> list[tuple[str, int, bool]]:
    """kind, amount, held."""
    return [
        (row.kind, row.amount_minor, row.held)
        for row in rows(
            """SELECT e.kind, e.amount_minor, h.earning_id IS NOT NULL AS held FROM earnings e
            LEFT JOIN held_earnings h ON h.earning_id = e.id ORDER BY e.created_at, e.id"""
        )
    ]


def order_states() -> list[tuple[str, str, int]]:
    found = rows("SELECT status, commission, refunded_minor FROM orders ORDER BY external_id")
    return [(row.status, row.commission, row.refunded_minor) for row in found]


def healthy() -> bool:
    with unit_of_work(PLATFORM) as session:
        return not doctor.examine(session)


def test_a_known_code_earns_once(brand: UUID, amara: Payee) -> None:
    assert sales.recorded(brand, sales.order("1", 100_01)).new == 1
    assert sales.recorded(brand, sales.order("1", 500_00)).known == 1
    assert earned() == [("commission", 15_00, True)]
    (held,) = rows("SELECT reason, available_at, created_at FROM held_earnings JOIN earnings ON id = earning_id")
    assert held.reason == "return_window"
    assert timedelta(days=13, hours=23) < held.available_at - held.created_at < timedelta(days=14, hours=1)
    (earning,) = rows("SELECT basis_minor, share_bps, rule FROM earnings")
    assert (earning.basis_minor, earning.share_bps, earning.rule) == (100_01, 1500, "commission")
    with unit_of_work(PLATFORM) as session:
        found = ledger.payee_balances(session, amara.id)["USD"]
    assert {account.value: money.minor for account, money in found.items() if money} == {"payee_held": 15_00}
    assert healthy()


def test_the_same_number_at_another_source_is_another_order(brand: UUID, amara: Payee) -> None:
    sales.recorded(brand, sales.order("1"))
    assert sales.recorded(brand, sales.order("1"), source=OrderSource.WOOCOMMERCE).new == 1
    assert len(earned()) == 2


def test_case_does_not_matter_and_the_first_known_code_counts(brand: UUID, amara: Payee) -> None:
    sales.recorded(brand, sales.order("1", 100_00, "SUMMER", "amara15", "OTHER"))
    assert [row.code for row in rows("SELECT code FROM orders")] == ["amara15"] and earned()[0][1] == 15_00


def test_an_order_without_a_code_is_nobodys(brand: UUID, amara: Payee) -> None:
    found = sales.recorded(brand, replace(sales.order("1"), codes=()))
    assert (found.new, found.without_code) == (0, 1) and order_states() == []


def test_five_hundred_orders_take_the_statements_of_one(brand: UUID, amara: Payee) -> None:
    with statements() as one:
        sales.recorded(brand, sales.order("one"))
    with statements() as many:
        sales.recorded(brand, *[sales.order(f"m{n}", 10_00 + n) for n in range(500)])
    assert 5 < len(many) <= len(one) + 2
    assert rows("SELECT count(*) AS n FROM earnings")[0].n == 501 and healthy()


def test_a_refund_reverses_its_part_and_waits_with_the_commission(brand: UUID, amara: Payee) -> None:
    sales.recorded(brand, sales.order("1001", 100_00, total=120_00))
    assert sales.changed(brand, sales.refund(gross=30_00)) == [True]
    assert earned() == [("commission", 15_00, True), ("reversal", -3_75, True)]
    until = rows("SELECT DISTINCT available_at FROM held_earnings")
    assert len(until) == 1
    assert sales.changed(brand, sales.refund(gross=30_00)) == [False]
    assert order_states() == [("partly_refunded", "earned", 25_00)] and healthy()
    with clock.at(clock.utc_now() + timedelta(days=15)), unit_of_work(PLATFORM) as session:
        assert earnings.release_due(session) == 2


def test_commission_and_refund_are_of_the_day_where_the_organization_is(brand: UUID, amara: Payee) -> None:
    evening = datetime(2026, 11, 20, 20, tzinfo=UTC)  # the next morning in Tokyo
    with unit_of_work(PLATFORM) as session:
        session.execute(text("UPDATE organizations SET time_zone = 'Asia/Tokyo'"))
    sales.recorded(brand, replace(sales.order("1001"), ordered_at=evening))
    sales.changed(brand, replace(sales.refund(lines=20_00), occurred_at=evening))
    assert rows("SELECT DISTINCT earned_on FROM earnings") == [(date(2026, 11, 21),)]


def test_after_the_window_a_reversal_nets_at_once(brand: UUID, amara: Payee) -> None:
    sales.recorded(brand, sales.order("1001", days_ago=20))
    sales.changed(brand, sales.refund("cancel", kind=ChangeKind.CANCEL))
    assert earned() == [("commission", 15_00, False), ("reversal", -15_00, False)]
    assert order_states() == [("cancelled", "earned", 100_00)]
    with unit_of_work(PLATFORM) as session:
        assert not any(ledger.payee_balances(session, amara.id)["USD"].values())
    assert healthy()


def test_a_refund_may_come_before_its_order(brand: UUID, amara: Payee) -> None:
    assert sales.changed(brand, sales.refund(lines=40_00)) == [True]
    sales.recorded(brand, sales.order("1001"))
    assert earned() == [("commission", 15_00, True), ("reversal", -6_00, True)] and healthy()
    sales.changed(brand, sales.refund("c1", kind=ChangeKind.CHARGEBACK), sales.refund("r2", gross=50_00))
    assert sum(amount for _, amount, _ in earned()) == 0
    assert order_states() == [("disputed", "earned", 100_00)] and healthy()


def test_an_order_and_its_refund_at_the_same_moment_do_not_miss_each_other(brand: UUID, amara: Payee) -> None:
    for number in range(8):
        told = sales.order(f"n{number}"), sales.refund(lines=100_00, order_id=f"n{number}")
        with ThreadPoolExecutor(2) as pool:
            jobs = [pool.submit(sales.recorded, brand, told[0]), pool.submit(sales.changed, brand, told[1])]
            for job in jobs:
                job.result()
    assert sum(amount for _, amount, _ in earned()) == 0 and len(order_states()) == 8
    assert rows("SELECT count(*) AS n FROM order_changes WHERE order_id IS NULL")[0].n == 0 and healthy()


def test_an_unknown_code_waits_to_be_claimed(brand: UUID, amara: Payee) -> None:
    sales.recorded(brand, sales.order("1", 100_00, "NEWCODE"), sales.order("2", 50_00, "newcode"))
    sales.changed(brand, sales.refund(lines=20_00, order_id="1"))
    assert earned() == [] and {state for _, state, _ in order_states()} == {"unknown_code"}
    made = sales.code(brand, amara.id, "NewCode")
    with unit_of_work(Scope.organization(brand)) as session:
        assert service.claim(session, operator(), brand, made.id) == 2
        assert service.claim(session, operator(), brand, made.id) == 0
    assert sorted(amount for _, amount, _ in earned()) == [7_50, 12_00] and healthy()
    sales.changed(brand, sales.refund("r2", lines=80_00, order_id="1"))
    assert sum(amount for _, amount, _ in earned()) == 7_50 and healthy()


@pytest.mark.parametrize("status", [status for status in EngagementStatus if status is not EngagementStatus.ACTIVE])
def test_who_is_not_active_earns_nothing_until_claimed(brand: UUID, amara: Payee, status: EngagementStatus) -> None:
    def engagement(to: EngagementStatus) -> None:
        with unit_of_work(PLATFORM) as session:
            session.execute(text("UPDATE engagements SET status = :s WHERE payee_id = :p"), {"s": to, "p": amara.id})

    engagement(status)
    sales.recorded(brand, sales.order("1"))
    assert earned() == [] and order_states() == [("paid", "not_active", 0)]
    (code_id,) = rows("SELECT id FROM discount_codes")[0]
    with unit_of_work(PLATFORM) as session, pytest.raises(Conflict, match="not active"):
        service.claim(session, operator(), brand, code_id)
    engagement(EngagementStatus.ACTIVE)
    with unit_of_work(PLATFORM) as session:
        assert service.claim(session, operator(), brand, code_id) == 1
    assert earned() == [("commission", 15_00, True)]


@pytest.mark.parametrize("email", ["amara@creator.test", "AMARA+shop@Creator.test", "own@login.test"])
def test_buying_with_ones_own_code_is_flagged(brand: UUID, amara: Payee, email: str) -> None:
    people.payee(amara.id, "own@login.test", portal=people.Portal.CREATOR)
    sales.recorded(brand, sales.order("1", buyer=email))
    assert earned() == [] and order_states() == [("paid", "self_referral", 0)]
    assert email.lower() not in str(rows("SELECT * FROM orders"))


@pytest.mark.parametrize("earns", [True, False])
def test_somebody_decides_about_a_self_referral(brand: UUID, amara: Payee, earns: bool) -> None:
    sales.recorded(brand, sales.order("1", buyer="amara@creator.test"))
    (order_id,) = rows("SELECT id FROM orders")[0]

    def decide(actor: Actor, reason: str = "A gift for a follower") -> None:
        with unit_of_work(Scope.organization(brand)) as session:
            service.decide_self_referral(session, actor, brand, order_id, earns=earns, reason=reason)

    with pytest.raises(Invalid, match="Say why"):
        decide(operator(), " ")
    with pytest.raises(Forbidden):
        decide(Actor("Payee", "payee", payee_id=amara.id))
    decide(operator())
    assert earned() == ([("commission", 15_00, True)] if earns else [])
    with pytest.raises(Conflict):
        decide(operator())
    assert healthy()


def test_others_may_not(brand: UUID, amara: Payee) -> None:
    stranger = people.member(organizations.organization("other"))
    with unit_of_work(PLATFORM) as session:
        with pytest.raises(Forbidden):
            service.record_orders(session, stranger, brand, OrderSource.API, [sales.order()])
        with pytest.raises(Forbidden):
            service.record_change(session, stranger, brand, OrderSource.API, sales.refund())
        with pytest.raises(NotFound):
            service.claim(session, stranger, stranger.organization_id, amara.id)


def test_a_small_commission_is_nothing(brand: UUID, amara: Payee) -> None:
    sales.recorded(brand, sales.order("1", 3), sales.order("2", 0))
    assert earned() == [] and {state for _, state, _ in order_states()} == {"nothing"} and healthy()


def test_each_currency_by_itself(brand: UUID, amara: Payee) -> None:
    sales.recorded(brand, sales.order("1"), sales.order("2", 1000, currency="JPY"))
    with unit_of_work(PLATFORM) as session:
        balances = ledger.payee_balances(session, amara.id)
    assert {code: sum(m.minor for m in found.values()) for code, found in balances.items()} == {"USD": 1500, "JPY": 150}


STEPS = st.lists(
    st.one_of(
        st.just(("order", 0, 0)),
        st.tuples(st.just("lines"), st.integers(1, 4), st.integers(0, 130_00)),
        st.tuples(st.just("gross"), st.integers(1, 4), st.integers(0, 150_00)),
        st.tuples(st.sampled_from(["cancel", "chargeback"]), st.integers(1, 2), st.just(0)),
        st.just(("wait", 0, 0)),
    ),
    max_size=9,
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, basis=st.integers(0, 120_00), bps=st.integers(0, 10_000))
def test_whatever_happens_the_commission_is_that_of_what_is_left(
    database_url: str, steps: list[tuple[str, int, int]], basis: int, bps: int
) -> None:
    number = rows("SELECT count(*) AS n FROM organizations")[0].n
    brand = organizations.organization(f"brand{number}", currency="USD")
    made = sales.creator(brand, email=f"c{number}@creator.test", bps=bps)
    sales.code(brand, made.id)
    later = clock.utc_now()
    for what, which, minor in [*steps, ("order", 0, 0)]:
        with clock.at(later):
            if what == "order":
                sales.recorded(brand, sales.order("1001", basis, total=basis + 20_00))
            elif what == "wait":
                later += timedelta(days=8)
                with unit_of_work(PLATFORM) as session:
                    earnings.release_due(session)
            elif what in ("lines", "gross"):
                sales.changed(brand, sales.refund(f"{what}{which}", **{what: minor}))
            else:
                sales.changed(brand, sales.refund(f"{what}{which}", kind=ChangeKind(what)))
    (order,) = rows("SELECT * FROM orders WHERE organization_id = :o", o=brand)
    total = rows("SELECT coalesce(sum(amount_minor), 0) AS n FROM earnings WHERE organization_id = :o", o=brand)[0].n
    expected = rules.commission(basis, order.refunded_minor, bps)
    assert total == (expected if order.commission == "earned" else 0)
    assert order.commission == "earned" or rules.commission(basis, 0, bps) == 0 or expected == 0
    with unit_of_work(PLATFORM) as session:
        owed = ledger.payee_balances(session, made.id).get("USD", {})
        assert sum(money.minor for money in owed.values()) == total
        assert not doctor.examine(session)
