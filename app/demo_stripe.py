"""Part of the demo: a creator of Fernhill with a Stripe account. What was sent first reached the bank already, what is
sent two minutes later lies in the Stripe balance.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from app.core import clock
from app.core.clock import today, utc_now
from app.core.money import Money
from app.core.scope import Actor
from app.db.session import ScopedSession
from app.identity import service as identity
from app.identity.states import Portal
from app.methods import connect
from app.payables import review
from app.payables import service as payables
from app.payables.rules import RequestForm
from app.payables.states import WorkType
from app.payees import service as payees
from app.payees.states import PayeeKind
from app.payouts import service as payouts
from app.rails.stripe_accounts import Account

NAME, EMAIL = "Theo Brandt", "theo@fernhill.test"
# How it ends decides what becomes of its money: docs/simulator.md. The simulator knows it as one that is set up.
ACCOUNT = Account(
    id="acct_1TheoBrandt0005", country="US", currency="USD", details_submitted=True, payouts_enabled=True,
    transfers="active", currently_due=(), past_due=(), pending=(), disabled_reason="", deadline=None,
    own_dashboard=False,
)  # fmt: skip
LATER = timedelta(minutes=2)
BILLS = (("Six photographs of the oak lamp", 520_00, timedelta()), ("A reel for November", 310_00, LATER))


def load(session: ScopedSession, fernhill_id: UUID, owner: Actor, checker: Actor) -> None:
    """Nothing where Stripe is neither set up nor simulated. `checker` approves what is withdrawn."""
    if not connect.offered():
        return
    made = payees.create(
        session, owner, fernhill_id, kind=PayeeKind.CREATOR, name=NAME, currency="USD", email=EMAIL, country="US",
    )  # fmt: skip
    account_id = identity.create_account(
        session, Portal.CREATOR, EMAIL, NAME, payee_id=made.id, time_zone="America/New_York"
    )
    payee = Actor(label=NAME, role="payee", account_id=account_id, payee_id=made.id)
    connect.record(session, payee, made.id, ACCOUNT)
    for number, (title, minor, later) in enumerate(BILLS, 1):
        due = today() - timedelta(days=50 - number)
        form = RequestForm(Money(minor, "USD"), title, due, WorkType.CONTRACT_WORK, f"TB-{number}")
        request = payables.submit_new(session, payee, fernhill_id, form, even_so=True)
        review.approve(session, owner, fernhill_id, request.id)
        payout = payouts.withdraw(session, payee, organization_id=fernhill_id, currency="USD")
        payouts.approve(session, checker, [payout.id])
        with clock.at(utc_now() + later):
            payouts.send(session, checker, [payout.id])
