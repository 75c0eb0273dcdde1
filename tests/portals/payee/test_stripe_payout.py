"""From connecting an account to the bank: the transfer is one fact, what Stripe pays on to the bank another."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from app.core.clock import utc_now
from app.core.money import Money
from app.core.scope import Scope
from app.db.session import unit_of_work
from app.payouts import service
from jobs import payouts
from tests.factories import charges, payables, people
from tests.factories.people import PLATFORM
from tests.fakes.simulator import SimulatorPeer
from tests.portals.payee import test_stripe
from tests.portals.payee.conftest import Vendor, World
from tests.portals.payee.test_stripe import accounts, bank, hear, set_up

stripe, newcomer = test_stripe.stripe, test_stripe.newcomer


@pytest.fixture
def payout_id(stripe: SimulatorPeer, world: World, newcomer: Vendor) -> UUID:
    """Approved and funded, to be paid into a Stripe account."""
    set_up(newcomer, "complete")
    payables.approved(world.organization_id, newcomer.actor, 400_00, description="Leaflets", invoice_number="N-1")
    charges.funds(world.organization_id, 1_000_00)
    with unit_of_work(Scope.payee(newcomer.payee_id)) as session:
        made = service.withdraw(
            session, newcomer.actor, organization_id=world.organization_id, currency="GBP", amount=Money(300_00, "GBP")
        ).id
    with unit_of_work(PLATFORM) as session:
        assert service.approve(session, people.admin(), [made])[0].refused is None
    return made


def transfers(stripe: SimulatorPeer) -> list[tuple[int, int, int]]:
    found = stripe.summary_of("stripe_connect")["instructions"]
    return [(one["amount_minor"], one["paid"], one["returned"]) for one in found]


def test_in_the_balance_and_then_in_the_bank(
    stripe: SimulatorPeer, newcomer: Vendor, payout_id: UUID, superuser: Any
) -> None:
    stripe.faults_of("stripe_connect", lose_replies=1)
    with pytest.raises(payouts.RailUnavailable):
        payouts.send([payout_id])
    payouts.send([payout_id])
    payouts.send([payout_id])
    assert transfers(stripe) == [(300_00, 1, 0)]
    here = f"/vendor/payouts/{payout_id}"
    page = newcomer.browser.get(here).text
    assert "In your Stripe balance" in page and "nothing was told of it yet" in page and "Arrived at" not in page
    ((account, *_),) = accounts(superuser)
    made = int(utc_now().timestamp())
    for number, (kind, status, said) in enumerate(
        [("payout.created", "in_transit", "On its way to your bank"),
         ("payout.paid", "paid", "£300.00 of your balance"),
         ("payout.failed", "failed", "Not in your bank")]
    ):  # fmt: skip
        about = bank(account, status, amount=300_00, created=made, failure_code="no_account" if number == 2 else None)
        assert hear(superuser, newcomer, kind, about, account, f"evt_b{number}") == "applied"
        page = newcomer.browser.get(here).text
        assert said in page and "In your Stripe balance" in page
    status = superuser.execute("SELECT status FROM payouts WHERE id = %s", (payout_id,)).fetchone()[0]
    assert status == "paid"  # that the bank refused it takes nothing out of their Stripe balance


def test_a_transfer_that_is_reversed_comes_back(
    stripe: SimulatorPeer, newcomer: Vendor, payout_id: UUID, superuser: Any
) -> None:
    payouts.send([payout_id])
    key = superuser.execute("SELECT key FROM payout_attempts").fetchone()[0]
    about = {
        "id": "tr_1", "object": "transfer", "amount": 300_00, "amount_reversed": 300_00, "reversed": True,
        "metadata": {"attempt": key},
    }  # fmt: skip
    for again in range(2):
        told = hear(superuser, newcomer, "transfer.reversed", about, "", f"evt_r{again}")
        assert told in ("applied", "ignored")
    status = superuser.execute("SELECT status FROM payouts WHERE id = %s", (payout_id,)).fetchone()[0]
    assert status == "returned"
    assert "It came back" in newcomer.browser.get(f"/vendor/payouts/{payout_id}").text


def test_a_method_stripe_stopped_is_not_paid(
    stripe: SimulatorPeer, newcomer: Vendor, payout_id: UUID, superuser: Any
) -> None:
    superuser.execute("UPDATE methods SET unusable_because = 'Stripe waits for details that are overdue.'")
    payouts.send([payout_id])
    assert transfers(stripe) == []
    status = superuser.execute("SELECT status FROM payouts WHERE id = %s", (payout_id,)).fetchone()[0]
    assert status == "on_hold"
