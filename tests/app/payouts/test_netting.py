"""A booking refunded after it was paid out: a negative earning with its reason, netted by the next month's run."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from app.charges.states import ChargeProvider, ReturnKind
from app.consultations import money
from app.consultations.profile_models import Offering
from app.consultations.states import ConsultationStatus, Practice
from app.core import clock
from app.core.money import Money
from app.core.scope import SYSTEM, Scope
from app.db.session import unit_of_work
from app.organizations.models import Organization
from app.payouts import queries, runs, service
from app.payouts.run_models import PayoutRun
from app.rails.base import Outcome
from app.reporting import doctor
from jobs import months
from jobs import payouts as jobs
from tests.factories import bookings as book
from tests.factories import payouts as make
from tests.factories.organizations import organization
from tests.factories.people import PLATFORM, admin
from tests.fakes.rail import fake_rail

pytestmark = pytest.mark.usefixtures("database_url")
OCTOBER, NOVEMBER, DECEMBER = (datetime(2026, month, 10, 9, tzinfo=UTC) for month in (10, 11, 12))
REASON = "Half of the hour was silent"


@pytest.fixture(autouse=True)
def _october() -> Iterator[None]:
    with clock.at(OCTOBER):
        yield


def held(what: Offering, payee_id: UUID, client: UUID, hours: int = 3) -> UUID:
    """Booked, paid, and held."""
    made = book.booked(what, payee_id, client, hours=hours)
    with unit_of_work(Scope.client(client)) as session:
        charge = money.charge(session, SYSTEM, made, ChargeProvider.SIMULATED)
    with unit_of_work(PLATFORM) as session:
        money.paid(session, SYSTEM, charge.id)
    book.advance(made.id, ConsultationStatus.BOOKED, ConsultationStatus.COMPLETED)
    with unit_of_work(PLATFORM) as session:
        assert money.release(session, SYSTEM, [made.id]) == 1
    return made.id


def refunded(consultation_id: UUID, minor: int) -> None:
    with unit_of_work(PLATFORM) as session:
        back = money.give_back(
            session, admin(), consultation_id, amount=Money(minor, "USD"), kind=ReturnKind.REFUND, reason=REASON,
            note="Ada Lovelace wrote twice",
        )  # fmt: skip
        money.returned(session, SYSTEM, back.id)


def ran(organization_id: UUID) -> PayoutRun:
    with unit_of_work(PLATFORM) as session:
        span = runs.span_of(session.get_one(Organization, organization_id))
        run_id = runs.start(session, SYSTEM, organization_id, span).id
    months.work(str(run_id), str(organization_id))
    with unit_of_work(PLATFORM) as session:
        return session.get_one(PayoutRun, run_id)


def payouts_of(payee_id: UUID) -> list[Any]:
    with unit_of_work(Scope.payee(payee_id)) as session:
        query = text("SELECT id, amount_minor, status, period_start FROM payouts ORDER BY period_start")
        return list(session.execute(query).all())


def healthy() -> None:
    """But for the jobs of earlier months, which nobody ran here."""
    with unit_of_work(PLATFORM) as session:
        assert [one for one in doctor.examine(session) if one.code != "outbox.stale"] == []


def pay(payout_id: UUID) -> None:
    with unit_of_work(PLATFORM) as session:
        assert not service.approve(session, admin(f"payer-{payout_id.hex}@quittance.test"), [payout_id])[0].refused
    with fake_rail(outcome=Outcome.PAID):
        jobs.send([payout_id])


def test_what_went_back_after_the_payout_is_netted_by_the_next_run() -> None:
    house = organization("house", is_house=True, currency="USD")
    advisor, client = book.consultant(house, Practice.ADVISOR), book.client_account()
    with unit_of_work(PLATFORM) as session, clock.at(OCTOBER - timedelta(days=30)):
        make.method(session, advisor, "simulated")
    hour, half = book.offering(house, None, 3500, minutes=60), book.offering(house, None, 1900, minutes=30)
    first = held(hour, advisor, client)

    with clock.at(NOVEMBER):
        assert ran(house).summary["totals"] == {"USD": [1, 2450]}
        ((october, amount, status, _start),) = payouts_of(advisor)
        assert (amount, status) == (2450, "pending")
        pay(october)
        assert payouts_of(advisor)[0].status == "paid"
        # Refunded in part after it was paid: 70 % of 10.00 is owed, and nothing else is earned in November so far.
        refunded(first, 10_00)
        assert make.balances(make.Shop(house, [advisor]), 0, "USD") == {"payee_available": -700}
        held(half, advisor, client)

    with clock.at(DECEMBER):
        assert ran(house).summary["totals"] == {"USD": [1, 1330 - 700]}
        assert ran(house).summary["payouts"] == 0
        _october, november = payouts_of(advisor)
        assert (november.amount_minor, november.status) == (630, "pending")
        with unit_of_work(Scope.payee(advisor)) as session:  # as the payee reads it
            items = {(row.kind, row.amount_minor, row.description) for row in queries.items(session, november.id)}
        assert items == {
            ("booking", 1330, "30 minutes with Ada"),
            ("reversal", -700, f"Refund of 60 minutes with Ada: {REASON}"),
        }
        pay(november.id)
        assert make.balances(make.Shop(house, [advisor]), 0, "USD") == {}
    healthy()


def test_more_back_than_earned_is_carried_until_it_is_covered() -> None:
    house = organization("house", is_house=True, currency="USD")
    advisor, client = book.consultant(house, Practice.ADVISOR), book.client_account()
    with unit_of_work(PLATFORM) as session, clock.at(OCTOBER - timedelta(days=30)):
        make.method(session, advisor, "simulated")
    hour = book.offering(house, None, 3500, minutes=60)
    first = held(hour, advisor, client)
    with clock.at(NOVEMBER):
        ran(house)
        pay(payouts_of(advisor)[0].id)
        refunded(first, 35_00)
    with clock.at(DECEMBER):
        (left,) = ran(house).summary["left_out"]
        assert (left["amount_minor"], left["lines"], left["reason"]) == (-2450, 1, "carried")
        assert len(payouts_of(advisor)) == 1
        held(hour, advisor, client)
        held(hour, advisor, client, hours=5)
    with clock.at(DECEMBER + timedelta(days=31)):
        ran(house)
        assert [row.amount_minor for row in payouts_of(advisor)] == [2450, 2 * 2450 - 2450]
    healthy()


def test_what_was_called_off_of_a_later_month_takes_nothing_from_this_one() -> None:
    house = organization("house", is_house=True, currency="USD")
    advisor, client = book.consultant(house, Practice.ADVISOR), book.client_account()
    with unit_of_work(PLATFORM) as session, clock.at(OCTOBER - timedelta(days=30)):
        make.method(session, advisor, "simulated")
    hour, half = book.offering(house, None, 3500, minutes=60), book.offering(house, None, 1900, minutes=30)
    held(half, advisor, client)
    # Paid for in October, for a day in December, and called off in October.
    called_off = held(hour, advisor, client, hours=24 * 55)
    refunded(called_off, 35_00)
    with clock.at(NOVEMBER):
        assert ran(house).summary["totals"] == {"USD": [1, 1330]}
    with clock.at(DECEMBER + timedelta(days=31)):
        assert ran(house).summary["totals"] == {}
        held(half, advisor, client)
    with clock.at(DECEMBER + timedelta(days=62)):
        assert ran(house).summary["totals"] == {"USD": [1, 1330]}
        with unit_of_work(Scope.payee(advisor)) as session:
            items = queries.items(session, payouts_of(advisor)[-1].id)
            assert sorted(row.amount_minor for row in items) == [-2450, 1330, 2450]
    healthy()
