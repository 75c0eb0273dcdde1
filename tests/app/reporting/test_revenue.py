"""The report of a month says what the books say: every figure is compared with the ledger's own lines."""

from __future__ import annotations

import csv
import io
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from app.billing.credits import expire
from app.charges import fees
from app.charges.states import ChargeProvider, ReturnKind
from app.consultations.states import PaidBy, Practice
from app.core import clock
from app.core.csv import lines
from app.core.errors import Invalid
from app.core.money import Money
from app.core.scope import SYSTEM
from app.db.session import unit_of_work
from app.ledger import recipes
from app.ledger.service import post
from app.reporting import doctor, revenue
from app.reporting.revenue import AMOUNTS, Month, Report
from tests.factories import bookings as make
from tests.factories import client_money as money
from tests.factories import credits
from tests.factories.organizations import credit, organization
from tests.factories.people import PLATFORM

pytestmark = pytest.mark.usefixtures("database_url")


@pytest.fixture
def world(database_url: str) -> dict[str, UUID]:
    """Charges of a house, a provider and a buyer, in two currencies; what went back whole, in part, and came back."""
    house = organization("house", is_house=True, currency="USD")
    fernhill, buyer = organization("fernhill", currency="USD"), organization("buyer", currency="USD")
    credit(buyer, 1_000_00, "USD")
    ada = make.client_account()
    advisor, meera = make.consultant(house, Practice.ADVISOR, "Tomas Lind"), make.consultant(fernhill)
    session, long = make.offering(house, None, 900), make.offering(fernhill, meera, 100_00)
    rupees = make.offering(fernhill, meera, 10_000_00, "INR")
    plain, part, cheap = (make.booked(long, meera, ada, hours=48 + n, discount_minor=n * 10_00) for n in range(3))
    whole, lost, appealed = (make.booked(session, advisor, ada, hours=48 + n) for n in range(3))
    bought = make.booked(long, meera, ada, hours=60, paid_by=PaidBy.INVOICE, buyer=buyer)
    free = make.booked(session, advisor, ada, hours=70, discount_minor=900)
    foreign = make.booked(rupees, meera, ada, hours=80)
    card, abroad = money.paid(plain), money.paid(part)
    for one in (cheap, whole, lost, appealed, free, foreign):
        money.paid(one)
    money.paid(bought, ChargeProvider.FUNDS)
    half = money.asked_back(part.id, 33_33)
    money.returned(half)
    money.returned(money.asked_back(whole.id))
    money.returned(money.asked_back(lost.id, kind=ReturnKind.DISPUTE))
    again = money.asked_back(appealed.id, 4_01)
    money.returned(again)
    money.came_back(again)
    with unit_of_work(PLATFORM) as session:
        for charge_id, fee in ((card, Money(3_20, "USD")), (abroad, Money(59, "EUR"))):
            assert fees.known(session, SYSTEM, charge_id, fee)
        fees.given_back(session, half, Money(1_00, "USD"))
        for recipe, minor in ((recipes.TOTAL_ROUNDED, -7), (recipes.MORE_BILLED, 12_00)):
            post(session, recipe, ref=f"invoice {minor}", organization_id=buyer, amount=Money(minor, "USD"))
    money.asked_back(cheap.id, 5_00)  # on its way: not in the books
    money.asked_back(bought.id, 20_00)
    return {"house": house, "fernhill": fernhill, "ada": ada}


def report(month: str = "") -> Report:
    with unit_of_work(PLATFORM) as session:
        return revenue.report(session, Month.read(month))


def booked(sql: str, **asked: Any) -> int:
    with unit_of_work(PLATFORM) as session:
        return int(session.execute(text(f"SELECT coalesce(sum(l.amount_minor), 0) {sql}"), asked).scalar_one())


LINES = """FROM ledger_lines l JOIN ledger_entries e ON e.id = l.entry_id
    WHERE l.currency = :currency AND (CAST(:owner AS uuid) IS NULL OR l.organization_id = :owner)"""
EARNED = """AND l.account = 'receivable' AND e.kind IN ('earning_held', 'earning_ready')
    AND EXISTS (SELECT FROM earnings x WHERE CAST(x.id AS text) = e.ref AND x.source_kind LIKE 'consultation%')"""


def ledger(currency: str, owner: UUID | None = None) -> dict[str, int]:
    """The figures from the lines of the books, and what organizations have left from their funds."""
    asked = {"currency": currency, "owner": owner}
    back = f"{LINES} AND l.account = 'funds' AND e.kind = 'charge_returned' AND EXISTS (SELECT FROM charge_returns r"
    back += " WHERE CAST(r.id AS text) = split_part(e.ref, '.', 1) AND r.kind = :kind)"
    found = {
        "gross": -booked(f"{LINES} AND l.account = 'funds' AND e.kind = 'charge_succeeded'", **asked),
        "refunds": booked(back, kind="refund", **asked),
        "disputes": booked(back, kind="dispute", **asked),
        "promotions": booked(f"{LINES} AND l.account = 'promotions'", **asked),
        "platform": -booked(f"{LINES} AND l.account = 'platform_revenue' AND e.kind LIKE 'platform_%'", **asked),
        "billed": -booked(
            f"{LINES} AND l.account = 'platform_revenue' AND e.kind LIKE '%ed' AND e.kind <> ALL(:no)",
            no=["credits_expired", "platform_fee_returned"],
            **asked,
        ),
        "credits_expired": -booked(
            f"{LINES} AND l.account = 'platform_revenue' AND e.kind = 'credits_expired'", **asked
        ),
        "consultants": booked(f"{LINES} {EARNED}", **asked),
        "processor_fees": booked(f"{LINES} AND l.account = 'processor_fees'", **asked),
    }
    # not what buyers pay from, nor what they are billed
    own = """e.kind NOT LIKE 'booking_%covered' AND e.kind NOT LIKE 'credits_%covered'
        AND e.kind NOT IN ('total_rounded', 'more_billed')"""
    funds = booked(f"{LINES} AND l.account = 'funds' AND {own}", **asked)
    return found | {"organizations": -funds - found["consultants"]}


def test_every_figure_is_the_ledgers(world: dict[str, UUID]) -> None:
    found = report()
    assert [one.currency for one in found.totals] == ["EUR", "INR", "USD"]
    for one in found.totals:
        assert {name: getattr(one, name) for name in AMOUNTS} == ledger(one.currency)
    for group in found.organizations:
        expected = ledger(group.figures.currency, group.organization_id)
        assert {name: getattr(group.figures, name) for name in AMOUNTS} == expected
    for groups in (found.practices, found.organizations):
        for one in found.totals:
            mine = [group.figures for group in groups if group.figures.currency == one.currency]
            assert all(sum(getattr(figures, name) for figures in mine) == getattr(one, name) for name in AMOUNTS)
    with unit_of_work(PLATFORM) as session:
        assert doctor.examine(session) == []


def test_the_figures_themselves(world: dict[str, UUID]) -> None:
    euros, rupees, dollars = report().totals
    assert (euros.processor_fees, euros.charges, euros.consultants) == (59, 0, 0) and dollars.processor_fees == 2_20
    assert dollars.billed == 11_93
    assert (rupees.gross, rupees.platform, rupees.organizations, rupees.consultants) == (
        10_000_00, 1_000_00, 500_00, 8_500_00,
    )  # fmt: skip
    assert dollars.gross == 100_00 + 90_00 + 80_00 + 3 * 900 + 100_00 and dollars.charges == 7
    assert (dollars.refunds, dollars.disputes) == (33_33 + 9_00 + 20_00, 9_00)
    assert dollars.promotions == 10_00 + 20_00 + 9_00 - 3_70  # a third of what was added for `part` went back with it
    practices = {group.name: group.figures.gross for group in report().practices if group.figures.currency == "USD"}
    assert practices == {"consultant": dollars.gross, "": 0}


def test_credits_are_charged_as_they_are_used_and_what_expires_is_the_platforms() -> None:
    house, ada = organization("house", is_house=True, currency="USD"), make.client_account()
    advisor, session_of = make.consultant(house, Practice.ADVISOR), make.offering(house, None, 19_00)
    buyer = credits.buyer()
    pack = credits.pack(credits.owner(buyer), session_of, 5)
    used = make.booked(session_of, advisor, ada, paid_by=PaidBy.CREDIT, buyer=buyer)
    money.paid(used, ChargeProvider.CREDIT)
    with unit_of_work(PLATFORM) as session:
        session.execute(text("UPDATE seat_packs SET expires_on = CURRENT_DATE - 2 WHERE id = :id"), {"id": pack.id})
        assert expire(session) == 1
    (dollars,) = report().totals
    assert {name: getattr(dollars, name) for name in AMOUNTS} == ledger("USD")
    # no credit is taken here: booking does that
    assert (dollars.gross, dollars.platform, dollars.credits_expired) == (19_00, 5_70, 5 * 19_00)
    assert {group.name: group.figures.credits_expired for group in report().organizations} == {
        "House": 0,
        "Fernhill": 5 * 19_00,
    }


def test_months(world: dict[str, UUID]) -> None:
    now = Month.read("")
    assert report("2024-02") == Report([], [], []) and report(str(now)) == report()
    assert (Month(date(2026, 12, 1)).until.isoformat(), str(Month.read("2024-02"))) == (
        "2027-01-01T00:00:00+00:00",
        "2024-02",
    )
    for wrong in ("2026-13", "October", "2999-01", "2019-12", "2026-1", "2026-10-01"):
        with pytest.raises(Invalid):
            Month.read(wrong)
    with clock.at(now.until):
        assert report() == Report([], [], [])


def test_the_journal_balances_and_names_no_client(world: dict[str, UUID]) -> None:
    with unit_of_work(PLATFORM) as session:
        session.execute(text("UPDATE organizations SET name = '=Fernhill' WHERE slug = 'fernhill'"))
        written = "".join(lines(revenue.JOURNAL, revenue.journal_rows(session, Month.read(""))))
        known, entries = session.execute(
            text("SELECT count(*), count(DISTINCT entry_id) FROM ledger_lines")
        ).one()  # fmt: skip
    assert "Lovelace" not in written and "ada@" not in written and "'=Fernhill" in written
    rows = list(csv.DictReader(io.StringIO(written)))
    totals = {row["currency"]: row for row in rows if row["entry_id"] == "total"}
    body = [row for row in rows if row["entry_id"] != "total"]
    assert len(body) == known and len({row["entry_id"] for row in body}) == entries
    for currency in ("USD", "INR"):
        for side in ("debit", "credit"):
            whole = sum(Decimal(row[side] or 0) for row in body if row["currency"] == currency)
            assert whole == Decimal(totals[currency][side]) > 0
        assert totals[currency]["debit"] == totals[currency]["credit"]
    assert any(row["payee"] == "Meera Iyer" and row["account"] == "payee_held" for row in body)
    assert not any(row["payee"] for row in body if row["account"] in ("funds", "cash", "receivable"))
    with unit_of_work(PLATFORM) as session:
        assert list(revenue.journal_rows(session, Month.read("2024-02"))) == []


def test_the_file_of_the_report(world: dict[str, UUID]) -> None:
    found = report()
    written = "".join(lines(revenue.COLUMNS, revenue.rows(found, Month.read(""))))
    rows = list(csv.DictReader(io.StringIO(written)))
    (dollars,) = (row for row in rows if row["by"] == "total" and row["currency"] == "USD")
    assert dollars["gross"] == found.totals[2].money("gross").plain()
    assert {row["by"] for row in rows} == {"total", "practice", "organization"}
