"""Part of the demo: creators of Fernhill who are paid to PayPal and Venmo; one has to open an account first."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from app.core.clock import today
from app.core.money import Money
from app.core.scope import Actor
from app.db.session import ScopedSession
from app.identity import service as identity
from app.identity.states import Portal
from app.methods import service as methods
from app.payables import review
from app.payables import service as payables
from app.payables.rules import RequestForm
from app.payables.states import WorkType
from app.payees import service as payees
from app.payees.states import PayeeKind
from app.payouts import service as payouts
from app.rails import registry

# Where they are paid decides what becomes of it: docs/simulator.md.
PEOPLE = (
    ("Jun Park", "jun@fernhill.test", "paypal", {"email": "jun.park@example.com"}, 640_00),
    ("Elif Demir", "elif@fernhill.test", "paypal", {"email": "elif0010@example.com"}, 415_00),
    ("Mateo Cruz", "mateo@fernhill.test", "venmo", {"venmo": "@mateo-cruz"}, 280_00),
)


def load(session: ScopedSession, fernhill_id: UUID, owner: Actor, checker: Actor) -> None:
    """Nothing where PayPal is neither set up nor simulated. `checker` approves what they withdraw."""
    offered = {rail.name for rail in registry.available("USD", "US")}
    sent = []
    for name, email, rail, fields, minor in PEOPLE:
        if rail not in offered:
            continue
        made = payees.create(
            session, owner, fernhill_id, kind=PayeeKind.CREATOR, name=name, currency="USD", email=email, country="US",
        )  # fmt: skip
        account_id = identity.create_account(
            session, Portal.CREATOR, email, name, payee_id=made.id, time_zone="America/New_York"
        )
        payee = Actor(label=name, role="payee", account_id=account_id, payee_id=made.id)
        methods.add(session, payee, made.id, rail=rail, fields=fields)
        form = RequestForm(
            Money(minor, "USD"), "Two reels for the autumn lamps", today() - timedelta(days=50),
            WorkType.CONTRACT_WORK, f"{name[:2].upper()}-1",
        )  # fmt: skip
        request = payables.submit_new(session, payee, fernhill_id, form, even_so=True)
        review.approve(session, owner, fernhill_id, request.id)
        payout = payouts.withdraw(session, payee, organization_id=fernhill_id, currency="USD")
        payouts.approve(session, checker, [payout.id])
        sent.append(payout.id)
    if sent:
        payouts.send(session, checker, sent)
