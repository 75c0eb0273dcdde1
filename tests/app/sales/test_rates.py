"""Commission is the rate of the day an order was placed, whenever we hear of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from alembic import command
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from app.core import clock
from app.core.errors import Forbidden
from app.core.scope import Actor, Scope, operator
from app.db.migrate import config
from app.db.session import unit_of_work
from app.gateways.shops import ShopOrder
from app.payees import rates, rules
from app.payees import service as payees
from app.payees.models import Payee
from app.payees.states import EngagementStatus
from app.reporting import doctor
from app.sales import service
from app.sales.states import OrderSource
from tests.factories import organizations, sales
from tests.factories.people import PLATFORM
from tests.stores import Stores

NOW = clock.utc_now()
BEFORE = "0020"  # the revision before rates were dated


@pytest.fixture
def brand(database_url: str) -> UUID:
    return organizations.organization("alder", currency="USD", time_zone="America/New_York")


def at(days: float) -> AbstractContextManager[None]:
    """The clock so many days before or after now."""
    return clock.at(NOW + timedelta(days=days))


@pytest.fixture
def amara(brand: UUID) -> Iterator[Payee]:
    """15 % from thirty days ago, 20 % from ten days ago, none from five days ago, 12.5 % from two days ago."""
    with at(-30):
        made = sales.creator(brand)
    sales.code(brand, made.id)
    for days, bps in ((-10, 2000), (-5, 0), (-2, 1250)):
        with at(days):
            set_rate(brand, made.id, bps)
    yield made
    with unit_of_work(PLATFORM) as session:
        assert not doctor.examine(session)


def set_rate(brand: UUID, payee_id: UUID, bps: int) -> None:
    with unit_of_work(Scope.organization(brand)) as session:
        payees.edit(session, operator(), brand, payee_id, commission_bps=bps)


def placed(number: str, days: float, *codes: str) -> ShopOrder:
    return replace(sales.order(number, 100_00, *codes), ordered_at=NOW + timedelta(days=days))


def kept(superuser: Any) -> dict[str, tuple[str, int | None]]:
    found = superuser.execute("SELECT external_id, commission, commission_bps FROM orders").fetchall()
    return {number: (commission, bps) for number, commission, bps in found}


def test_told_late_an_order_has_the_rate_of_its_day(brand: UUID, amara: Payee, superuser: Any) -> None:
    told = [placed("b", -11), placed("c", -9), placed("d", -4), placed("e", -1), placed("f", 3)]
    sales.recorded(brand, *told)
    expected = {
        "b": ("earned", 1500), "c": ("earned", 2000), "d": ("nothing", 0), "e": ("earned", 1250), "f": ("earned", 1250)
    }  # fmt: skip
    assert kept(superuser) == expected
    sums = superuser.execute("SELECT amount_minor FROM earnings ORDER BY amount_minor").fetchall()
    assert [row[0] for row in sums] == [12_50, 12_50, 15_00, 20_00]


def test_from_a_file_as_from_a_shop(brand: UUID, amara: Payee, superuser: Any) -> None:
    sales.recorded(brand, placed("a", -9), source=OrderSource.IMPORT)
    assert kept(superuser) == {"a": ("earned", 2000)}


def test_the_very_moment_of_a_change_has_the_new_rate(brand: UUID, amara: Payee, superuser: Any) -> None:
    sales.recorded(brand, placed("a", -10), placed("b", -10.000001))
    assert kept(superuser) == {"a": ("earned", 2000), "b": ("earned", 1500)}


def test_before_the_first_rate_the_first_counts(brand: UUID, amara: Payee, superuser: Any) -> None:
    sales.recorded(brand, placed("a", -300))
    assert kept(superuser) == {"a": ("earned", 1500)}


def test_a_creator_whose_rate_came_after_they_did(brand: UUID, superuser: Any) -> None:
    """Added at 0 %, given a rate later: from before they came the first real rate counts, in between none was due."""
    with at(-8):
        made = sales.creator(brand, bps=0)
    sales.code(brand, made.id)
    with at(-6):
        set_rate(brand, made.id, 1000)
    sales.recorded(brand, placed("a", -9), placed("b", -7), placed("c", -5))
    assert kept(superuser) == {"a": ("earned", 1000), "b": ("nothing", 0), "c": ("earned", 1000)}


def test_a_change_of_rate_changes_no_known_order(brand: UUID, amara: Payee, superuser: Any) -> None:
    sales.recorded(brand, placed("1", -1))
    set_rate(brand, amara.id, 2000)
    sales.recorded(brand, placed("1", 1), placed("2", 1))
    sales.changed(brand, sales.refund(lines=100_00, order_id="1"))
    sums = superuser.execute("SELECT amount_minor FROM earnings ORDER BY created_at, id").fetchall()
    assert [row[0] for row in sums] == [12_50, 20_00, -12_50]


def test_claimed_orders(brand: UUID, amara: Payee, superuser: Any) -> None:
    """Nobody's code: the rate of the claim. A creator who rested: the rate of the day."""
    with unit_of_work(Scope.organization(brand)) as session:
        payees.set_status(session, operator(), brand, amara.id, EngagementStatus.PAUSED, reason="Away")
    sales.recorded(brand, placed("rested", -9), placed("nobodys", -9, "NEWCODE"))
    assert kept(superuser) == {"rested": ("not_active", 2000), "nobodys": ("unknown_code", None)}
    with unit_of_work(Scope.organization(brand)) as session:
        payees.set_status(session, operator(), brand, amara.id, EngagementStatus.ACTIVE)
    mine = superuser.execute("SELECT id FROM discount_codes").fetchone()[0]
    new = sales.code(brand, amara.id, "NEWCODE")
    with unit_of_work(Scope.organization(brand)) as session:
        assert [service.claim(session, operator(), brand, one) for one in (mine, new.id)] == [1, 1]
    assert kept(superuser) == {"rested": ("earned", 2000), "nobodys": ("earned", 1250)}


def test_the_history(brand: UUID, amara: Payee) -> None:
    set_rate(brand, amara.id, 1250)  # as it is: nothing changed
    with unit_of_work(Scope.organization(brand)) as session:
        found = rates.history(session, brand, amara.id)
        assert [(row.before, row.commission_bps) for row in found] == [(0, 1250), (2000, 0), (1500, 2000), (None, 1500)]
        assert {row.set_by for row in found} == {operator().label}
        assert found[0].valid_from == NOW - timedelta(days=2)
    other = organizations.organization("other")
    with unit_of_work(Scope.organization(other)) as session:
        assert rates.history(session, brand, amara.id) == []
        assert rates.dated(session, brand, [amara.id]) == {}


def test_rates_are_added_never_changed(brand: UUID, amara: Payee, database_url: str) -> None:
    for change in ("UPDATE commission_rates SET commission_bps = 1", "DELETE FROM commission_rates"):
        with pytest.raises(ProgrammingError, match="permission denied"), unit_of_work(PLATFORM) as session:
            session.execute(text(change))


def test_rates_of_before_are_taken_over(stores: Stores) -> None:
    """The migration, as the login role that owns the tables: each creator's rate, from the day they came."""
    url = stores.copy_template("test_rates_of_before")
    command.downgrade(config(url), BEFORE)
    with stores.superuser("test_rates_of_before") as database:
        database.execute(
            """INSERT INTO organizations (name, slug, kind, status, currency, time_zone)
            VALUES ('Alder', 'alder', 'BUYER', 'ACTIVE', 'USD', 'UTC');
            INSERT INTO payees (kind, name) VALUES ('creator', 'Amara'), ('creator', 'Theo'), ('vendor', 'Acorn');
            INSERT INTO engagements (organization_id, payee_id, currency, commission_bps, created_at)
            SELECT o.id, p.id, 'USD', CASE p.name WHEN 'Theo' THEN 0 ELSE 1500 END, '2026-01-02 03:04:05Z'
            FROM organizations o, payees p"""
        )
        command.upgrade(config(url), "head")
        found = database.execute(
            """SELECT p.name, r.commission_bps, r.valid_from = '2026-01-02 03:04:05Z' FROM commission_rates r
            JOIN payees p ON p.id = r.payee_id ORDER BY p.name"""
        ).fetchall()
    assert found == [("Amara", 1500, True), ("Theo", 0, True)]


def test_who_is_refused_writes_no_rate(brand: UUID, amara: Payee, superuser: Any) -> None:
    with pytest.raises(Forbidden), unit_of_work(Scope.organization(brand)) as session:
        payees.edit(session, Actor("Nobody", "member"), brand, amara.id, commission_bps=9000)
    assert superuser.execute("SELECT max(commission_bps) FROM commission_rates").fetchone() == (2000,)


moments = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1))


@given(st.lists(st.tuples(moments, st.integers(0, 10_000))), moments)
def test_the_rate_of_a_moment(changes: list[tuple[datetime, int]], moment: datetime) -> None:
    ordered = sorted(changes, key=lambda change: change[0])
    before = [bps for since, bps in ordered if since <= moment]
    first = [bps for _since, bps in ordered if bps]
    assert rules.rate_at(ordered, moment) == (before[-1] if before else (first or [0])[0])
