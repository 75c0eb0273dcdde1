"""When bills fall due: shown on the list and on the bill, found by filter, paid early by whom it is for."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest

from app.core.clock import at
from app.core.money import Money
from app.core.scope import SYSTEM, Actor, Scope
from app.db.session import unit_of_work
from app.organizations.states import Role
from app.payouts import sending, service
from tests.factories import charges, methods, payables, payees, people
from tests.factories.people import PLATFORM
from tests.portals.conftest import Browser
from tests.portals.org.conftest import House

NOON = datetime(2026, 4, 1, 12, tzinfo=UTC)


@pytest.fixture
def vendor(house: House) -> Actor:
    return people.payee(payees.vendor(house.organization_id, "Lumen Print", terms_days=30))


def bill(house: House, vendor: Actor, name: str, day: date, minor: int = 100_00) -> UUID:
    return payables.submitted(house.organization_id, vendor, minor, invoice_on=day, description=name)


def listed(browser: Browser, query: str) -> set[str]:
    page = browser.get(f"/org/oxford/bills?{query}").text
    rows = list(csv.DictReader(io.StringIO(browser.get(f"/org/oxford/bills.csv?{query}").text)))
    named = {row["Description"] for row in rows}
    assert named == {name for name in ("late", "soon", "far") if f">{name}</span>" in page}
    return named


def test_overdue_and_due_this_week(house: House, vendor: Actor) -> None:
    with at(NOON):
        bill(house, vendor, "late", date(2026, 3, 1))  # due March 31
        bill(house, vendor, "soon", date(2026, 3, 2))  # due today
        bill(house, vendor, "far", date(2026, 3, 9))  # due April 8: a week from today is the week after
        assert listed(house.browser, "due=overdue") == {"late"}
        assert listed(house.browser, "due=week") == {"soon"}
        assert listed(house.browser, "due=nonsense") == {"late", "soon", "far"}
        page = house.browser.get("/org/oxford/bills").text
        assert page.count(">Overdue</small>") == 1 and "2026-03-31" in page
        chip = house.browser.get("/org/oxford/bills?due=overdue").text
        assert "Clear" in chip and "Approve all…" not in chip  # one bill needs no button for all


def test_the_day_is_that_of_the_organization(house: House, vendor: Actor) -> None:
    bill(house, vendor, "soon", date(2026, 3, 2))
    with at(datetime(2026, 4, 1, 22, 59, tzinfo=UTC)):  # a minute before midnight in London
        assert listed(house.browser, "due=overdue") == set()
    with at(datetime(2026, 4, 1, 23, 0, tzinfo=UTC)):
        assert listed(house.browser, "due=overdue") == {"soon"}


def test_approved_bills_are_due_until_they_are_sent(house: House, vendor: Actor) -> None:
    assert vendor.payee_id is not None
    methods.simulated(vendor.payee_id)
    request_id = bill(house, vendor, "late", date(2026, 1, 5))
    payables.approve(house.organization_id, request_id)
    with at(NOON):
        assert listed(house.browser, "status=approved&due=overdue") == {"late"}
    charges.funds(house.organization_id, 1_000_00)
    with unit_of_work(Scope.payee(vendor.payee_id)) as session:
        payout_id = service.withdraw(
            session, vendor, organization_id=house.organization_id, currency="GBP", amount=Money(100_00, "GBP")
        ).id
    with at(NOON):
        assert listed(house.browser, "status=approved&due=overdue") == {"late"}  # asked for, not sent
    with unit_of_work(PLATFORM) as session:
        service.approve(session, people.admin(), [payout_id])
    with unit_of_work(PLATFORM) as session:
        assert len(sending.claim(session, SYSTEM, [payout_id])) == 1
    with at(NOON):
        assert listed(house.browser, "status=approved&due=overdue") == set()
        assert "Overdue" not in house.browser.get(f"/org/oxford/bills/{request_id}").text


def test_the_bill_says_terms_and_day(house: House, vendor: Actor) -> None:
    request_id = bill(house, vendor, "late", date(2026, 1, 31))
    page = house.browser.get(f"/org/oxford/bills/{request_id}").text
    assert "2026-03-02" in page and "Net 30" in page and "Overdue" in page
    (row,) = csv.DictReader(io.StringIO(house.browser.get("/org/oxford/bills.csv").text))
    assert (row["Payment terms"], row["Due date"]) == ("Net 30", "2026-03-02")


def test_bulk_decisions_keep_the_filter(house: House, vendor: Actor) -> None:
    with at(NOON):
        for name, day in (("late", date(2026, 3, 1)), ("late", date(2026, 2, 1)), ("far", date(2026, 3, 9))):
            bill(house, vendor, name, day)
        form = house.browser.get("/org/oxford/bills/approvals?all=1&status=submitted&due=overdue").text
        assert "2 bills" in form


def test_who_may_not_pay_early(house: House, vendor: Actor, strangers: list[Browser], superuser: Any) -> None:
    with at(NOON):
        request_id = payables.approved(house.organization_id, vendor, invoice_on=date(2026, 3, 20))
        path = f"/org/oxford/bills/{request_id}/release"
        for role in (Role.MANAGER, Role.SUPPORT):
            assert house.member(role).post(path, {"reason": "please"}).status_code == 403
        assert all(browser.post(path, {"reason": "please"}).status_code == 404 for browser in strangers)
        assert superuser.execute("SELECT count(*) FROM held_earnings").fetchone() == (1,)
        assert house.browser.post(path, {"reason": "They need it"}).status_code == 303
    assert superuser.execute("SELECT count(*) FROM ready_earnings").fetchone() == (1,)
    query = "SELECT actor, detail->>'reason', detail->>'amount_minor' FROM audit_records WHERE action = %s"
    assert superuser.execute(query, ["earning.released_early"]).fetchall() == [("Owner", "They need it", "10000")]
