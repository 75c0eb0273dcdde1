"""From the Stripe balance to the bank when no event ever comes: what Stripe did is asked for, and only goes forward."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.core import clock
from app.core.clock import utc_now
from app.db.session import unit_of_work
from app.methods.connect_models import ConnectedAccount
from app.rails import stripe_accounts
from app.rails.base import RailUnavailable
from jobs import connect as jobs
from jobs import payouts as payout_jobs
from tests.app.payouts.test_batches import approved, run
from tests.factories import payouts as make
from tests.factories.payouts import PLATFORM, Shop
from tests.fakes import stripe_setup
from tests.fakes.simulator import SimulatorPeer, wait_until

pytestmark = pytest.mark.usefixtures("database_url")
ACCOUNT = "acct_12345678abcd"
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def stripe(tmp_path: Path) -> Iterator[SimulatorPeer]:
    with stripe_setup.simulated(tmp_path) as peer:  # it tells nobody anything: every event is lost
        yield peer


def paid(*accounts: str) -> Shop:
    """A payee for each account, with 25.00 transferred there."""
    made = [make.shop(1, rail="stripe_connect", slug=f"shop{n}", to={"account": a}) for n, a in enumerate(accounts)]
    maker, checker = make.admin("maker@quittance.test"), make.admin("checker@quittance.test")
    for account, place in zip(accounts, made, strict=True):
        with unit_of_work(PLATFORM) as session:
            session.add(
                ConnectedAccount(
                    payee_id=place.payee_ids[0], account=account, country="GB", transfers="active", read_at=utc_now(),
                    details_submitted=True, payouts_enabled=True, currently_due=[], past_due=[], pending=[],
                )
            )  # fmt: skip
        make.earn(place, 25_00)
        for chunk_id in run(approved(place, maker, checker), maker):
            payout_jobs.run_chunk(chunk_id)
        wait_until(lambda of=account: all(one["status"] == "paid" for one in stripe_accounts.payouts(of, BEGAN)))
    return made[0]


def rows(superuser: Any) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = superuser.execute(
        "SELECT account, amount_minor, currency, status, failure_code FROM connected_payouts ORDER BY account"
    ).fetchall()
    return found


def days_later(days: float) -> None:
    """The job as it runs then."""
    with clock.at(utc_now() + timedelta(days=days)):
        jobs.look_at_banks()


def test_a_payout_nobody_told_of_is_found(stripe: SimulatorPeer, superuser: Any) -> None:
    paid(ACCOUNT)
    days_later(1)
    assert rows(superuser) == []  # Stripe may still take its time: nobody was asked
    days_later(4)
    assert rows(superuser) == [(ACCOUNT, 25_00, "GBP", "paid", "")]
    (trace,) = superuser.execute("SELECT trace FROM connected_payouts").fetchone()
    assert len(trace) == 15
    superuser.execute("UPDATE connected_accounts SET payouts_read_at = NULL")
    days_later(4)
    assert rows(superuser) == [(ACCOUNT, 25_00, "GBP", "paid", "")]


def test_one_that_is_overdue_is_asked_about(stripe: SimulatorPeer, superuser: Any) -> None:
    paid(ACCOUNT)
    days_later(4)
    superuser.execute("UPDATE connected_payouts SET status = 'in_transit'")  # as if only the first word had come
    superuser.execute("UPDATE connected_accounts SET payouts_read_at = NULL")
    jobs.look_at_banks()
    assert rows(superuser)[0][3] == "in_transit"  # it is to be there today: not overdue
    days_later(1.1)
    assert rows(superuser)[0][3] == "paid"


def test_one_that_fails_after_it_was_there(stripe: SimulatorPeer, superuser: Any) -> None:
    paid(ACCOUNT)
    jobs._ask_banks(jobs.onward.Due(ACCOUNT, utc_now()))
    assert rows(superuser)[0][3] == "paid"
    (reference,) = superuser.execute("SELECT reference FROM connected_payouts").fetchone()
    asked: list[str] = []

    def says(account: str, since: Any) -> list[dict[str, str]]:
        asked.append(account)
        news = {"account": account, "payout": reference, "amount": "2500", "currency": "gbp", "trace": ""}
        moments = {"made": str(int(utc_now().timestamp())), "arrival": str(int(utc_now().timestamp()))}
        failed = {**news, **moments, "status": "failed", "failure": "account_closed"}
        return [failed, {**failed, "status": "paid", "failure": ""}]  # the newest first

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stripe_accounts, "payouts", says)
        days_later(2)
        assert rows(superuser) == [(ACCOUNT, 25_00, "GBP", "failed", "account_closed")]
        days_later(4)
    assert asked == [ACCOUNT]  # what failed stays so: nothing is left to ask
    assert rows(superuser)[0][3] == "failed"


def test_an_account_is_asked_once_a_day(stripe: SimulatorPeer, superuser: Any) -> None:
    paid("acct_12345678" + "0010")  # no payout follows there
    days_later(4)
    (first,) = superuser.execute("SELECT payouts_read_at FROM connected_accounts").fetchone()
    assert first is not None and rows(superuser) == []
    stripe.kill()
    days_later(4.5)  # nobody is called
    with pytest.raises(RailUnavailable):
        days_later(5)
    days_later(40)  # who leaves it there does so on purpose


def test_one_that_cannot_be_asked_keeps_no_other_up(stripe: SimulatorPeer, superuser: Any) -> None:
    broken, fine = "acct_00000000aaaa", "acct_00000000bbbb"
    paid(broken, fine)
    ask = stripe_accounts.payouts

    def sometimes(account: str, since: Any) -> list[dict[str, str]]:
        if account == broken:
            raise RailUnavailable("Stripe did not answer.")
        return ask(account, since)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stripe_accounts, "payouts", sometimes)
        with pytest.raises(RailUnavailable):
            days_later(4)
    assert [row[0] for row in rows(superuser)] == [fine]
    days_later(4)
    assert [row[0] for row in rows(superuser)] == [broken, fine]


def test_an_account_that_is_not_ours_any_more(stripe: SimulatorPeer, superuser: Any) -> None:
    paid(ACCOUNT)
    superuser.execute("UPDATE connected_accounts SET gone_at = now()")
    stripe.kill()
    days_later(4)  # nobody is called
    assert rows(superuser) == []
