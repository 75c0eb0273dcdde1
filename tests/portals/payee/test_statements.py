"""Monthly statements: opening, what moved, closing; as CSV and as PDF; one's own only."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pypdf import PdfReader

from app.core.clock import utc_now
from app.core.errors import Invalid
from app.core.money import Money
from app.core.scope import SYSTEM, Scope
from app.db.session import unit_of_work
from app.payouts import sending, service, settling
from app.payouts.settling import News
from app.rails.base import Outcome, Result
from app.reporting import statement
from tests.factories import charges, payables, people
from tests.factories.people import PLATFORM
from tests.portals.payee.conftest import Vendor, World

ZONE = ZoneInfo("Europe/London")  # where the organization is


def month(back: int = 0) -> str:
    first = utc_now().astimezone(ZONE).replace(day=15) - timedelta(days=30 * back)
    return f"{first:%Y-%m}"


def rows(answer: Any) -> list[dict[str, str]]:
    assert answer.status_code == 200 and answer.mimetype == "text/csv"
    return list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))


@pytest.fixture
def paid(world: World, vendor: Vendor) -> Vendor:
    """A bill of £400.00 approved, £300.00 of it paid out and arrived; a credit of nothing else."""
    charges.funds(world.organization_id, 1_000_00)
    payables.approved(world.organization_id, vendor.actor, 400_00, description="Leaflets")
    with unit_of_work(Scope.payee(vendor.payee_id)) as session:
        amount = Money(300_00, "GBP")
        made = service.withdraw(
            session, vendor.actor, organization_id=world.organization_id, currency="GBP", amount=amount
        )
    with unit_of_work(PLATFORM) as session:
        service.approve(session, people.admin(), [made.id])
    with unit_of_work(PLATFORM) as session:
        orders = sending.claim(session, SYSTEM, [made.id])
    for outcome in (Outcome.ACCEPTED, Outcome.PAID):
        with unit_of_work(PLATFORM) as session:
            settling.apply(session, SYSTEM, [News(Result(o.key, outcome, "sim_1"), "event") for o in orders])
    return vendor


def test_the_csv_adds_up(paid: Vendor) -> None:
    found = rows(paid.browser.get(f"/vendor/payments/statement.csv?month={month()}"))
    assert [(r["type"], r["amount"], r["balance"]) for r in found] == [
        ("opening balance", "", "0.00"),
        ("earned", "400.00", "400.00"),
        ("paid", "-300.00", "100.00"),
        ("closing balance", "", "100.00"),
    ]
    assert found[1]["description"] == "Leaflets" and found[2]["description"] == "Payout to Simulated transfer ••7890"
    assert {(r["currency"], r["organization"]) for r in found} == {("GBP", "Oxford")}


def test_one_months_closing_is_the_nexts_opening(paid: Vendor, superuser: Any) -> None:
    """What was posted last month is the opening of this one."""
    superuser.execute("SET session_replication_role = replica")  # the books only grow; a test may turn back the clock
    superuser.execute(
        "UPDATE ledger_lines l SET created_at = l.created_at - interval '35 days' FROM ledger_entries e"
        " WHERE e.id = l.entry_id AND e.kind = 'earning_ready'"
    )
    superuser.execute(
        "UPDATE ledger_entries SET created_at = created_at - interval '35 days' WHERE kind = 'earning_ready'"
    )
    before_text = f"{(utc_now() - timedelta(days=35)).astimezone(ZONE):%Y-%m}"
    before = rows(paid.browser.get(f"/vendor/payments/statement.csv?month={before_text}"))
    now = rows(paid.browser.get(f"/vendor/payments/statement.csv?month={month()}"))
    assert before[-1]["balance"] == "400.00"
    assert (now[0]["balance"], now[-1]["balance"]) == ("400.00", "100.00")
    assert now[-1]["date"] == f"{utc_now().astimezone(ZONE):%Y-%m-%d}"  # a month that is not over ends today
    assert before[-1]["date"] < now[0]["date"]


def test_the_pdf(paid: Vendor) -> None:
    answer = paid.browser.get(f"/vendor/payments/statement.pdf?month={month()}")
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(answer.data)).pages)
    assert "Leaflets" in text and "Closing balance" in text and "£100.00" in text and "Lumen Print" in text
    again = paid.browser.get(
        f"/vendor/payments/statement.pdf?month={month()}", headers={"If-None-Match": answer.headers["ETag"]}
    )
    assert again.status_code == 304


def test_the_list_leads_to_both(paid: Vendor) -> None:
    page = paid.browser.get("/vendor/payments/statements").text
    assert f"/vendor/payments/statement.pdf?month={month()}&amp;organization=oxford&amp;currency=GBP" in page
    assert f"/vendor/payments/statement.csv?month={month()}&amp;organization=oxford&amp;currency=GBP" in page


@pytest.mark.parametrize("wrong", ["2026-13", "soon", "2999-01", "26-1", "2026-11-01"])
def test_no_such_month(paid: Vendor, wrong: str) -> None:
    assert paid.browser.get(f"/vendor/payments/statement.csv?month={wrong}").status_code == 422


def test_only_ones_own(paid: Vendor, stranger: Vendor) -> None:
    found = rows(stranger.browser.get(f"/vendor/payments/statement.csv?month={month()}"))
    assert [r["balance"] for r in found] == ["0.00", "0.00"]
    for kind in ("csv", "pdf"):
        url = f"/vendor/payments/statement.{kind}?month={month()}"
        assert stranger.browser.get(f"{url}&organization=elsewhere").status_code == 404
        assert stranger.browser.get(f"{url}&currency=USD").status_code == 404


def test_a_month_too_long_for_paper_says_so(paid: Vendor, world: World) -> None:
    with unit_of_work(Scope.payee(paid.payee_id)) as session:
        account = statement.account_of(session, paid.payee_id, "oxford", "GBP")
        first = datetime.strptime(month(), "%Y-%m").date()
        with pytest.raises(Invalid, match="Download it as a CSV"):
            statement.monthly(session, paid.payee_id, account, first, most=1)
