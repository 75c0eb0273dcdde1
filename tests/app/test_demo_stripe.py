"""The demo's creator with a Stripe account: one payout that reached the bank, one that lies in the balance."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app import demo
from app.core.clock import utc_now
from app.core.scope import Scope
from app.db.session import unit_of_work
from app.demo_stripe import ACCOUNT, LATER
from app.methods import bank_payouts
from app.rails import stripe_accounts
from app.reporting import doctor
from jobs import connect as jobs
from jobs import runtime
from tests.fakes import stripe_setup
from tests.fakes.simulator import wait_until

pytestmark = pytest.mark.usefixtures("database_url")
PLATFORM = Scope.platform("tests")


def theo(superuser: Any) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = superuser.execute(
        "SELECT amount_minor, status FROM payouts WHERE rail = 'stripe_connect' ORDER BY created_at, id"
    ).fetchall()
    return found


def test_one_reached_the_bank_and_one_lies_in_the_balance(tmp_path: Path, superuser: Any) -> None:
    with stripe_setup.simulated(tmp_path):
        with unit_of_work(PLATFORM) as session:
            demo.load(session)
        # a slow machine does not come to it in between
        superuser.execute(
            "UPDATE outbox SET due_at = due_at + interval '1 day' WHERE due_at > now() + interval '1 minute'"
        )
        while runtime.run_due():
            pass
        assert theo(superuser) == [(520_00, "paid"), (310_00, "approved")]
        began = utc_now() - 2 * LATER
        wait_until(lambda: [one["status"] for one in stripe_accounts.payouts(ACCOUNT.id, began)] == ["paid"])
        superuser.execute("UPDATE outbox SET due_at = now() WHERE topic = 'payouts.triggered' AND done_at IS NULL")
        while runtime.run_due():
            pass
        assert theo(superuser) == [(520_00, "paid"), (310_00, "paid")]
        jobs._ask_banks(jobs.onward.Due(ACCOUNT.id, began))  # nobody is told anything here
        assert stripe_accounts.read(ACCOUNT.id) == ACCOUNT
    with unit_of_work(PLATFORM) as session:
        assert doctor.examine(session) == []
        (payee_id,) = superuser.execute("SELECT payee_id FROM connected_accounts").fetchone()
        (one,) = bank_payouts.of_payee(session, payee_id)
        assert (one.amount_minor, one.status) == (520_00, "paid")
        assert bank_payouts.next_after(session, payee_id, "USD", utc_now()) is None
