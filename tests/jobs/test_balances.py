"""Once a day what Stripe and PayPal say they hold is held against the books: one account is one answer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.core import clock
from app.core.clock import utc_now
from app.core.scope import Actor
from app.db.session import unit_of_work
from app.rails import registry
from app.rails.access import simulated_credential
from app.rails.base import Untold
from app.rails.stripe_connect import StripeConnect
from app.reconciliation import watch
from jobs import payouts as payout_jobs
from jobs import reconciliation
from tests.app.payouts.test_batches import approved, run
from tests.factories import payouts as make
from tests.factories.payouts import PLATFORM
from tests.fakes import stripe_setup
from tests.fakes.simulator import SimulatorPeer, wait_until

pytestmark = pytest.mark.usefixtures("database_url")
ONE_EACH = {
    "stripe_connect": ({"account": "acct_12345678abcd"}, 25_00),
    "paypal": ({"email": "jo@x.test"}, 7_00),
    "venmo": ({"venmo": "@payee"}, 3_00),
}


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[SimulatorPeer]:
    with stripe_setup.simulated(tmp_path) as peer:
        yield peer


@pytest.fixture
def paid(simulator: SimulatorPeer) -> tuple[Actor, Actor]:
    """One payout by each of the three; those of PayPal are not known to be paid yet."""
    people = make.admin("maker@quittance.test"), make.admin("checker@quittance.test")
    for rail, (to, minor) in ONE_EACH.items():
        place = make.shop(1, rail=rail, slug=rail.replace("_", "-"), currency="USD", to=to)
        make.earn(place, minor, currency="USD")
        for chunk_id in run(approved(place, *people), people[0]):
            payout_jobs.run_chunk(chunk_id)
    wait_until(lambda: sum(one["paid"] for one in simulator.summary_of("paypal")["instructions"]) == 2)
    return people


def every_day(hours: float = 0) -> list[str]:
    """The job then; what is open on the watch list after it."""
    with clock.at(utc_now() + timedelta(hours=hours, seconds=2)):
        reconciliation.every_day()
    with unit_of_work(PLATFORM) as session:
        return sorted(row.detail["says"] for row in watch.items(session).items)


def checks(superuser: Any) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = superuser.execute(
        "SELECT rail, account, told_minor, cash_minor, clearing_minor, agrees FROM balance_checks"
        " WHERE currency = 'USD' ORDER BY rail, created_at"
    ).fetchall()
    return found


def test_what_agrees_is_quiet(paid: tuple[Actor, Actor], superuser: Any) -> None:
    assert every_day() == []
    assert checks(superuser) == [("stripe_connect", "stripe", -25_00, -25_00, 0, True)]  # PayPal is hours behind
    assert every_day(4) == []
    payout_jobs.look_up_stale(0)
    assert every_day(5) == []
    assert [row for row in checks(superuser) if row[0] != "stripe_connect"] == [
        ("paypal", "paypal", -10_00, -10_00, 10_00, True), ("paypal", "paypal", -10_00, -10_00, 0, True),
    ]  # fmt: skip


def test_what_is_not_ours_is_noticed(paid: tuple[Actor, Actor], simulator: SimulatorPeer) -> None:
    key = simulated_credential("stripe_connect", "STRIPE_SECRET_KEY")
    form = {"amount": "100", "currency": "usd", "destination": "acct_somebody1", "metadata[attempt]": "not-ours"}
    headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": "other"}
    url = f"{simulator.url}/stripe_connect/v1/transfers"
    assert httpx.post(url, data=form, headers=headers, trust_env=False).status_code == 200
    assert (
        every_day()
        == every_day()
        == [
            "Stripe moved −$1.00 for no payout of ours (not-ours)",
            "Stripe says it holds −$26.00, the books say −$25.00",
        ]
    )


def test_one_that_may_not_be_read_is_noticed_and_keeps_no_other_up(paid: tuple[Actor, Actor], superuser: Any) -> None:
    def closed(_rail: StripeConnect) -> Any:
        raise Untold("Stripe does not let us read its balance.")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(registry.RAILS["stripe_connect"]), "balances", closed)
        assert every_day(5) == ["Stripe does not let us read its balance."]
    assert {row[0] for row in checks(superuser)} == {"paypal"}
    assert every_day(5) == []  # it is let again: over by itself
