"""What a consultant reads of every earning, and what a month adds up to: the same numbers from two sides."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest
from sqlalchemy import text

from app.consultations import earning_lines, earning_sums, explaining, rating
from app.consultations.earning_lines import Chosen, EarningLine, What, Where
from app.consultations.earning_sums import Series
from app.consultations.rating import Span
from app.core.clock import utc_now
from app.core.errors import NotFound
from app.core.money import Money
from app.core.scope import SYSTEM, Scope
from app.db.session import unit_of_work
from tests.factories import appointments as clinics
from tests.factories import bookings, consultations, earned
from tests.factories.earned import World
from tests.factories.organizations import organization
from tests.factories.people import PLATFORM


@pytest.fixture
def world(database_url: str) -> World:
    house = organization("provider")
    payee_id = consultations.consultant(house)
    partner = consultations.consultant(house, name="Ines Marques")
    return earned.world(house, payee_id, partner, bookings.client_account())


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def lines(payee_id: UUID, where: Where | None = None, month: date | None = None) -> list[EarningLine]:
    with unit_of_work(Scope.payee(payee_id)) as session:
        found = earning_lines.lines(session, Chosen(payee_id, month, where))
        every = list(earning_lines.every_line(session, Chosen(payee_id, month, where)))
    assert every == list(found.items)
    return every


def test_every_kind_says_what_it_is(world: World) -> None:
    found = lines(world.payee_id)
    assert sorted(one.what for one in found) == sorted(
        [What.CONSULTATION] * 3 + [What.SHARE, What.REVERSAL, What.BONUS]
    )
    held = next(one for one in found if one.consultation_id == world.held)
    assert (held.title, held.client_first_name, held.minutes) == ("60 minutes", "Ada", 60)
    assert (held.gross, held.platform, held.organization, held.others) == (usd(100_00), usd(10_00), usd(5_00), usd(0))
    assert (held.amount, held.state, held.gone) == (usd(85_00), "ready", False)
    back = next(one for one in found if one.consultation_id == world.refunded)
    assert (back.returned, back.gone) == (usd(85_00), True)
    share = next(one for one in found if one.what is What.SHARE)
    assert (share.amount, share.others, share.client_first_name) == (usd(42_50), usd(127_50), None)
    assert share.consultation_id is None  # somebody else's: no page of it
    for one in found:
        parts = (one.platform, one.organization, one.others, one.amount)
        assert one.gross is None or one.gross == sum((part for part in parts if part), usd(0))


def test_where_each_is(world: World) -> None:
    assert {one.consultation_id for one in lines(world.payee_id, Where.HELD)} == {world.coming}
    assert [one.what for one in lines(world.payee_id, Where.RETURNED)] == [What.REVERSAL]
    assert not lines(world.payee_id, Where.PAID)
    assert {one.state for one in lines(world.payee_id, Where.READY)} == {"ready"}
    assert not lines(world.payee_id, month=date(2020, 1, 1))


def test_somebody_elses_line(world: World) -> None:
    mine = lines(world.payee_id)[0].id
    with unit_of_work(Scope.payee(world.partner)) as session, pytest.raises(NotFound):
        earning_lines.line(session, world.partner, mine)


def test_the_arithmetic_ends_at_the_earning(world: World) -> None:
    for one in lines(world.payee_id):
        told = explaining.lines_of(one)
        last = next(line for line in reversed(told) if line.kind != "back")
        assert last.amount == one.amount, one.what
        assert explaining.rule_of(one)
    share = next(one for one in lines(world.payee_id) if one.what is What.SHARE)
    assert "1 of 4 parts of 170.00 USD" in [line.arithmetic for line in explaining.lines_of(share)]


def test_months_are_the_lines_added_up(world: World) -> None:
    found = lines(world.payee_id)
    with unit_of_work(Scope.payee(world.payee_id)) as session:
        known = earning_lines.months(session, world.payee_id)
        sums = [one for first in known for one in earning_sums.month(session, world.payee_id, first)]
    assert {one.currency for one in sums} == {"USD"}
    for name in ("gross", "platform", "organization", "others", "adjustments", "payable", "held", "ready", "paid"):
        assert {getattr(one, name).currency for one in sums} == {"USD"}
    assert sum(one.sessions for one in sums) == 4
    assert sum((one.payable for one in sums), usd(0)) == sum((one.amount for one in found), usd(0))
    assert sum((one.held for one in sums), usd(0)) == usd(85_00)
    for one in sums:
        assert one.gross - one.platform - one.organization - one.others + one.adjustments == one.payable
        assert one.held + one.ready + one.paid + one.on_its_way == one.payable


def test_twelve_months_by_currency(world: World) -> None:
    steps = earning_sums.last_months(date(2026, 2, 3))
    assert (steps[0], steps[-1], len(steps)) == (date(2025, 3, 1), date(2026, 2, 1), 12)
    steps = earning_sums.last_months(utc_now().date())
    with unit_of_work(Scope.payee(world.payee_id)) as session:
        found = earning_sums.by_month(session, world.payee_id, steps)
        assert set(found) == {"USD"}
        assert found["USD"][Series.OTHER][-1] == 12_00
        payable = [one.payable.minor for one in earning_sums.month(session, world.payee_id, steps[-1])]
    assert sum(values[-1] for values in found["USD"].values()) == sum(payable)


def test_appointments_of_this_month(database_url: str) -> None:
    place = clinics.clinic(1)
    payee_id = place.payee_ids[0]
    now = utc_now()
    clinics.held(place, now.replace(microsecond=0), now.replace(minute=1, microsecond=0))
    with unit_of_work(Scope.payee(payee_id)) as session:
        one = earning_sums.appointments_this_month(session, payee_id)[0]
    assert (one.number, one.without_rate, one.comes_to) == (2, 0, Money(1_000_00, "KES"))
    assert one.rate == Money(500_00, "KES")
    with unit_of_work(PLATFORM) as session:
        session.execute(text("UPDATE engagements SET flat_rate_minor = 70000"))
    with unit_of_work(Scope.payee(payee_id)) as session:
        assert earning_sums.appointments_this_month(session, payee_id)[0].comes_to == Money(1_400_00, "KES")


@pytest.mark.parametrize(("rate_minor", "told"), [(None, "The usual flat rate"), (700_00, "The flat rate agreed")])
def test_an_appointment_says_which_rate(database_url: str, rate_minor: int | None, told: str) -> None:
    place = clinics.clinic(0)
    payee_id = clinics.doctor(place.organization_id, rate_minor=rate_minor)
    place.payee_ids.append(payee_id)
    clinics.held(place, clinics.on(5))
    span = Span(date(2026, 10, 1), date(2026, 10, 31), "Africa/Nairobi")
    with unit_of_work(PLATFORM) as session:
        assert rating.rate(session, SYSTEM, place.organization_id, span) == 1
    only = lines(payee_id)[0]
    assert (only.what, only.amount, only.gross) == (What.APPOINTMENT, Money(rate_minor or 500_00, "KES"), None)
    assert explaining.rule_of(only).startswith(told)
    assert [line.amount for line in explaining.lines_of(only)] == [only.amount]
