"""Overview, audit, ledger and the doctor."""

from __future__ import annotations

import csv
import io

from sqlalchemy import text

from app.core.scope import Actor
from app.db.session import unit_of_work
from app.ledger.recipes import Account
from app.payouts import review, service
from app.payouts.queries import PayoutFilter
from portals.admin.ledger import ACCOUNTS
from tests.factories import charges
from tests.factories import payouts as make
from tests.factories.payouts import PLATFORM, Shop
from tests.portals.admin.conftest import approved, withdrawn
from tests.portals.conftest import Browser


def test_the_overview_counts_what_waits(browser: Browser, checker: Actor, place: Shop) -> None:
    assert "Nothing waits" in browser.get("/admin/").text
    withdrawn(place, 100_00)
    withdrawn(place, 200_00, payee=1)
    approved(place, checker, 50_00, payee=2)
    charges.announced(place.organization_id, 900_00)
    page = browser.get("/admin/").text
    assert "Payouts to approve" in page and "£300.00" in page
    assert "Payouts ready to send" in page and "£50.00" in page
    assert "Deposits to confirm" in page and "Exports to release" in page
    assert '<span class="count">2</span>' in page  # beside the link to the queue


def test_sums_of_currencies_stand_beside_each_other(browser: Browser, place: Shop) -> None:
    withdrawn(place, 100_00)
    dollars = make.shop(1, slug="dollars", currency="USD")
    make.earn(dollars, 70_00, currency="USD")
    with unit_of_work(PLATFORM) as session:
        service.withdraw(
            session, make.payee_actor(dollars.payee_ids[0]), organization_id=dollars.organization_id, currency="USD"
        )
    page = browser.get("/admin/").text
    assert "£100.00 GBP" in page and "$70.00 USD" in page and "170.00" not in page


def test_an_unknown_outcome_is_on_the_overview(browser: Browser, checker: Actor, place: Shop) -> None:
    payout_id = approved(place, checker)
    with unit_of_work(PLATFORM) as session:
        session.execute(
            text(
                """INSERT INTO payout_attempts (organization_id, payee_id, payout_id, number, rail, key, request_sha256,
                status) SELECT organization_id, payee_id, id, 1, rail, 'k', 'h', 'unknown' FROM payouts"""
            )
        )
    assert "Outcomes nobody knows" in browser.get("/admin/").text
    page = browser.get(f"/admin/payouts/{payout_id}").text
    assert "The outcome of the last attempt is not known" in page and "Outcome unknown" in page


def test_the_audit_log_is_filtered_and_exported(browser: Browser, checker: Actor, place: Shop) -> None:
    payout_id = approved(place, checker)
    with unit_of_work(PLATFORM) as session:
        service.hold(session, checker, payout_id, "=SUM(A1)")
    page = browser.get("/admin/audit").text
    assert "payout.approved" in page and "payout.held" in page and "Checker" in page
    held = browser.get("/admin/audit?action=payout.held").text
    assert ">payout.held</a>" in held and ">payout.approved</a>" not in held
    assert "payout.approved" in browser.get("/admin/audit?action=payout&actor=check&organization=shop").text
    for query in ("action=pay", "actor=nobody", "to=2020-01-01", "from=2999-01-01"):
        assert "Nothing matches" in browser.get(f"/admin/audit?{query}").text, query
    rows = list(csv.DictReader(io.StringIO(browser.get("/admin/audit.csv?action=payout").text)))
    assert {row["action"] for row in rows} >= {"payout.approved", "payout.held"}
    assert all(row["action"].startswith("payout.") for row in rows)
    assert {row["organization"] for row in rows} == {"shop"}
    again = list(csv.DictReader(io.StringIO(browser.get("/admin/audit.csv?action=audit").text)))
    assert [row["action"] for row in again] == ["audit.downloaded"] * 2  # taking the file is in it


def test_a_percent_sign_is_no_wildcard(browser: Browser, place: Shop, checker: Actor) -> None:
    approved(place, checker)
    assert "Nothing matches" in browser.get("/admin/audit?actor=%25").text


def test_the_ledger_shows_both_sides(browser: Browser, place: Shop) -> None:
    withdrawn(place, 123_45)
    assert "/admin/ledger?organization=shop" in browser.get("/admin/ledger").text
    page = browser.get("/admin/ledger?organization=shop").text
    assert "Taken into a payout" in page and "Payee available" in page and "Payee in transit" in page
    assert "£123.45" in page and "Vendor 000" in page and "Deposit confirmed" in page
    only = browser.htmx("GET", "/admin/ledger?organization=shop&kind=deposit_confirmed").text
    assert "Cash · bank" in only and "Taken into a payout" not in only
    assert "No entries of this kind" in browser.get("/admin/ledger?organization=shop&kind=payout_returned").text


def test_every_account_has_a_name() -> None:
    assert set(ACCOUNTS) == set(Account)


def test_one_organizations_books_are_not_anothers(browser: Browser, place: Shop) -> None:
    make.shop(1, slug="other", funds=77_77)
    assert "£77.77" not in browser.get("/admin/ledger?organization=shop").text
    assert "£77.77" in browser.get("/admin/ledger?organization=other").text


def test_the_doctor_says_all_is_well_or_what_is_not(browser: Browser, place: Shop, superuser: object) -> None:
    make.earn(place, 10_00)
    page = browser.get("/admin/doctor").text
    assert 'hx-trigger="load"' in page and "Examine now" in page  # asked for by script, or by a link
    assert "All well" in browser.htmx("GET", "/admin/doctor").text
    superuser.execute("UPDATE ledger_balances SET balance_minor = balance_minor + 1")  # type: ignore[attr-defined]
    found = browser.get("/admin/doctor?examine=1").text
    assert "A kept balance differs from the sum of its lines." in found and "ledger.balance" in found


def test_a_sum_is_left_out_where_counting_stopped(browser: Browser, place: Shop) -> None:
    withdrawn(place, 10_00)
    with unit_of_work(PLATFORM) as session:
        session.execute(
            text(
                """INSERT INTO payouts (organization_id, payee_id, amount_minor, currency, rail, method_id, origin,
                    status, requested_by)
                SELECT organization_id, payee_id, 100, 'GBP', rail, method_id, origin, status, 'x'
                FROM payouts, generate_series(1, 1001)"""
            )
        )
    with unit_of_work(PLATFORM) as session:
        found = review.totals(session, PayoutFilter())
        assert found.count == 1001 and found.sums == []
    page = browser.get("/admin/").text
    assert "1,000+" in page
    assert "1,000+" in browser.get("/admin/payouts").text
