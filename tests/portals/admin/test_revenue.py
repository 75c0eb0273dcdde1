"""The revenue report and the journal as pages and files, for admins alone."""

from __future__ import annotations

from sqlalchemy import text

from app.consultations.models import Consultation
from app.core.clock import utc_now
from app.db.session import unit_of_work
from app.identity.states import Portal
from tests.factories import bookings as make
from tests.factories import client_money
from tests.factories.people import PLATFORM
from tests.portals.admin.conftest import SignIn
from tests.portals.admin.test_statements import statements
from tests.portals.conftest import Browser


def test_a_month(browser: Browser, held: Consultation) -> None:
    client_money.returned(client_money.asked_back(held.id, 25_00))
    page = browser.get("/admin/revenue")
    assert page.status_code == 200
    for told in ("$100.00", "$25.00", "Fernhill", "Consultant", "$63.75", "$7.50", "$3.75"):
        assert told in page.text, told
    assert "Nothing was charged in this month" in browser.get("/admin/revenue?month=2024-02").text
    wrong = browser.get("/admin/revenue?month=2026-13")
    assert wrong.status_code == 422 and "A month like" in wrong.text


def test_it_costs_the_same_for_many(browser: Browser, held: Consultation) -> None:
    browser.get("/admin/revenue")
    with statements() as one:
        browser.get("/admin/revenue")
    for n in range(4):
        offering = make.offering(held.organization_id, held.payee_id, 50_00)
        client_money.paid(make.booked(offering, held.payee_id, held.client_account_id, hours=100 + n))
    with statements() as many:
        browser.get("/admin/revenue")
    assert len(many) == len(one)


def test_the_files(browser: Browser, held: Consultation) -> None:
    month = f"{utc_now():%Y-%m}"
    report = browser.get(f"/admin/revenue.csv?month={month}")
    assert report.status_code == 200 and f"{month},total,,USD,1,100.00" in report.text
    assert f"revenue-{month}.csv" in report.headers["Content-Disposition"]
    journal = browser.get(f"/admin/journal.csv?month={month}")
    assert "charge_succeeded,cash,simulated,Fernhill,,100.00,,USD" in journal.text
    assert "Lovelace" not in journal.text and "ada@" not in journal.text
    last = journal.text.strip().splitlines()[-1].split(",")
    assert last[0] == "total" and last[7] == last[8] != "0.00"
    for file in ("revenue", "journal"):
        assert browser.get(f"/admin/{file}.csv?month=2999-01").status_code == 422
    with unit_of_work(PLATFORM) as session:
        actions = session.execute(text("SELECT action FROM audit_records WHERE actor = 'Admin'")).scalars().all()
    assert {"revenue.downloaded", "journal.downloaded"} <= set(actions)


def test_who_is_refused(held: Consultation, sign_in: SignIn) -> None:
    ada = sign_in(Portal.CLIENT, "ada@client.test")
    for path in ("revenue", "revenue.csv", "journal.csv"):
        assert ada.get(f"/admin/{path}").status_code == 404
