"""A month of the books in a real browser: a statement is imported, three lines explain themselves, one is matched by
hand, one goes to suspense, one is written off by two people; then the month that refused to close is closed."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from app.charges import service as charges
from app.core.clock import today
from app.core.money import Money
from app.core.scope import Actor
from app.db.session import unit_of_work
from app.reporting import doctor
from tests.factories import payouts as make
from tests.factories.payouts import PLATFORM
from tests.factories.sent import Sent, sent, states
from tests.factories.statements import csv, house
from tests.journeys.steps import Visit, says, shows
from tests.running import Demo

pytestmark = pytest.mark.browser
ANNA, BERT = "anna-books@quittance.test", "bert-books@quittance.test"


def deposited(made: Sent, anna: Actor, bert: Actor, day: date) -> None:
    with unit_of_work(PLATFORM) as session:
        announced = charges.announce(
            session, anna, made.place.organization_id, amount=Money(321_00, "GBP"), reference="DEP-2209", sent_on=day
        )
        charges.confirm(session, bert, announced.id)


def reopened(url: str) -> None:
    """The demo closed the last month already, which nobody but the database's owner can take back."""
    house()
    with create_engine(url).begin() as connection:
        connection.execute(text("DELETE FROM closed_months"))


def opened(page: Any, base: str, words: str) -> None:
    page.goto(f"{base}/admin/reconciliation")
    page.get_by_role("link", name=re.compile(words)).first.click()
    page.wait_for_url(re.compile("/reconciliation/lines/"))


def ticked(page: Any) -> None:
    """The only thing of that amount is ticked, and the rest that is not explained follows the ticks."""
    box, sums = page.locator("input[name=target]"), page.locator("[data-ticked-of]")
    assert box.is_checked() and "1 ticked £321.00 · left to explain: £0.00" in sums.inner_text()
    box.uncheck()
    assert "left to explain: £321.00" in sums.inner_text()
    assert page.get_by_role("button", name="Match", exact=True).is_visible()
    box.check()


def test_a_month_is_explained_and_closed(demo: Demo, visit: Visit, tmp_path: Path) -> None:
    base, last = demo.services.base_url, today().replace(day=1) - timedelta(days=1)
    reopened(demo.services.database_url)
    maker, checker = make.admin(ANNA), make.admin(BERT)
    made = sent(maker, checker, slug="books")
    deposited(made, maker, checker, last - timedelta(days=2))
    rows = [(today(), f"SEPA {row.number}", row.key, f"-{row.amount_minor / 100:.2f}") for row in made.payouts]
    rows += [(last, "CREDIT TRANSFER BOOKS LTD", "", "321.00"), (last, "UNKNOWN SENDER", "", "55.00"),
             (last, "ACCOUNT FEE", "", "-4.50")]  # fmt: skip
    (tmp_path / "bank.csv").write_bytes(csv(rows))
    anna, bert = visit(demo.link("admin", ANNA)), visit(demo.link("admin", BERT))

    anna.goto(f"{base}/admin/statements/new")
    anna.set_input_files("input[type=file]", tmp_path / "bank.csv")
    anna.get_by_label("Currency").select_option("GBP")
    anna.get_by_role("button", name="Upload").click()
    anna.get_by_role("button", name="Preview").click()
    anna.get_by_role("button", name="Import 6 lines").click()
    anna.wait_for_url(re.compile(r"/statements/[0-9a-f-]{36}$"))
    says(anna, "Matched by itself", "Result")
    assert states(made) == ["paid"] * 3

    shows(anna, f"{base}/admin/closed-months", "cannot be closed yet", "Statement lines to explain")
    assert anna.get_by_role("button", name=re.compile("^Close")).is_disabled()

    opened(anna, base, "CREDIT TRANSFER")
    ticked(anna)
    anna.get_by_label("Note").fill("Their bank leaves the reference out")
    anna.get_by_role("button", name="Match", exact=True).click()
    anna.wait_for_url(re.compile(r"/admin/reconciliation$"))

    opened(anna, base, "UNKNOWN SENDER")
    anna.get_by_role("link", name="To suspense").click()
    anna.get_by_label("What is known").fill("Nobody wrote a reference")
    anna.get_by_role("button", name="Put into suspense").click()
    anna.wait_for_url(re.compile(r"/admin/reconciliation$"))

    opened(anna, base, "ACCOUNT FEE")
    anna.get_by_role("link", name="Write off").click()
    anna.get_by_label("Reason").fill("Monthly fee of the bank")
    anna.get_by_role("button", name="Propose").click()
    says(anna, "proposed to write it off")
    assert anna.get_by_role("button", name="Write off").is_disabled()
    bert.goto(f"{base}/admin/reconciliation?state=proposed")
    bert.get_by_role("link", name="ACCOUNT FEE").click()
    with bert.expect_navigation():
        bert.get_by_role("button", name="Write off").click()
    shows(bert, f"{base}/admin/reconciliation?state=written_off", "ACCOUNT FEE", "Monthly fee of the bank")

    shows(bert, f"{base}/admin/closed-months", "Nothing stands in the way")
    with bert.expect_navigation():
        bert.get_by_role("button", name=re.compile("^Close")).click()
    shows(bert, f"{base}/admin/closed-months", f"{last:%B %Y}")
    with unit_of_work(PLATFORM) as session:
        waiting = text("SELECT count(*) FROM open_statement_lines WHERE currency = 'GBP' OR booked_on <= :last")
        assert session.scalar(waiting, {"last": last}) == 0
        assert session.scalar(text("SELECT month FROM closed_months")) == last.replace(day=1)
        assert [
            finding for finding in doctor.examine(session) if finding.code.startswith(("statements", "ledger"))
        ] == []
