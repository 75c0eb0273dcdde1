"""What a chaos run pays: organizations with payees on every simulated rail, made through the services.

Payees of Stripe open and set up an account at the simulator first, outside any transaction, as they would in a browser.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import httpx
from sqlalchemy import text

from app.charges import service as deposits
from app.core.clock import today
from app.core.money import Money
from app.core.scope import Actor, Scope, operator
from app.db.session import ScopedSession, unit_of_work
from app.identity import service as identity
from app.identity.states import Portal
from app.methods import connect
from app.methods import service as methods
from app.organizations import service as organizations
from app.payables import review
from app.payables import service as payables
from app.payables.rules import RequestForm
from app.payables.states import WorkType
from app.payees import service as payees
from app.payees.states import PayeeKind
from app.payouts import batches
from app.rails import access, registry
from app.rails import stripe_accounts as stripe
from app.rails.access import Mode
from app.rails.razorpayx import BANK

OPERATOR = operator("chaos")
# How the last four characters end (docs/simulator.md), and how many of a hundred payees get each.
FATES = (("5555", 80), ("0000", 4), ("0001", 4), ("0002", 4), ("0003", 4), ("0008", 4))


@dataclass(frozen=True, slots=True)
class Kind:
    """A rail as the run uses it: paid in what, to where. `destination` gets a number and the fate's four digits.

    None: nobody types one, an account is connected; then the payee's e-mail address carries the fate.
    """

    currency: str
    destination: Callable[[int, str], Mapping[str, str]] | None


KINDS: dict[str, Kind] = {
    "simulated": Kind("USD", lambda n, fate: {"account_holder": f"Payee {n}", "account_number": f"{n:08d}{fate}"}),
    "paypal": Kind("USD", lambda n, fate: {"email": f"payee{n:08d}{fate}@example.test"}),
    "venmo": Kind("USD", lambda n, fate: {"venmo": f"@payee{n:08d}{fate}"}),
    "stripe_connect": Kind("USD", None),
    "mpesa": Kind("KES", lambda n, fate: {"phone": f"+2547{n % 10_000:04d}{fate}"}),
    "razorpayx": Kind(
        "INR",
        lambda n, fate: {
            "kind": BANK, "account_holder": f"Payee {n}", "account_number": f"{n:08d}{fate}", "ifsc": "HDFC0000001"
        },
    ),
}  # fmt: skip


def rails() -> list[str]:
    """Those of the run: served by the simulator in this deployment."""
    found = []
    for name in KINDS:
        rail = registry.RAILS.get(name)
        if rail and (rail.sandbox_only or access.standing(rail).mode is Mode.SIMULATED):
            found.append(name)
    return found


def provider(rail: str) -> str:
    """Whose books a rail's payouts are in: PayPal and Venmo are one provider."""
    return registry.RAILS[rail].provider or rail


@dataclass(frozen=True, slots=True)
class Place:
    """One organization of the run; all of its payees are paid in one currency."""

    organization_id: UUID
    currency: str
    rails: tuple[str, ...]


def people(session: ScopedSession) -> tuple[Actor, Actor]:
    """A maker and a checker."""
    made = []
    for name in ("maker", "checker"):
        email = f"{name}@chaos.test"
        account = identity.create_account(session, Portal.ADMIN, email, name.title())
        made.append(Actor(label=name.title(), role="platform_admin", account_id=account))
    return made[0], made[1]


def places(session: ScopedSession, checker: Actor) -> list[Place]:
    """An organization for each currency, with funds for everything."""
    made = []
    for currency in sorted({KINDS[name].currency for name in rails()}):
        slug = f"chaos-{currency.lower()}"
        one = organizations.create(session, OPERATOR, name=f"Chaos {currency}", slug=slug, currency=currency)
        deposit = deposits.announce(
            session, OPERATOR, one.id, amount=Money(10**12, currency), reference=f"CHAOS-{currency}", sent_on=today()
        )
        deposits.confirm(session, checker, deposit.id)
        found = tuple(name for name in rails() if KINDS[name].currency == currency)
        made.append(Place(one.id, currency, found))
    return made


def owe(session: ScopedSession, place: Place, rail: str, number: int, dice: random.Random) -> UUID | None:
    """One payee with a method on the rail, owed one bill that is due; their id when they have still to `connect`."""
    kind = KINDS[rail]
    (fate,) = dice.choices([name for name, _ in FATES], [weight for _, weight in FATES])
    email = None if kind.destination else f"payee{number:08d}{fate}@example.test"
    payee = payees.create(
        session, OPERATOR, place.organization_id, kind=PayeeKind.VENDOR, name=f"Payee {number}",
        currency=place.currency, email=email,
    )  # fmt: skip
    if kind.destination:
        methods.add(session, OPERATOR, payee.id, rail=rail, fields=dict(kind.destination(number, fate)))
    amount = Money(dice.randrange(20, 900) * 100, place.currency)
    form = RequestForm(amount, "Work", today() - timedelta(days=90), WorkType.OTHER, f"CH-{number}")
    who = Actor(label=payee.name, role="payee", account_id=None, payee_id=payee.id)
    request = payables.submit_new(session, who, place.organization_id, form, even_so=True)
    review.approve(session, OPERATOR, place.organization_id, request.id)
    return None if kind.destination else payee.id


def set_up(payee_id: UUID) -> None:
    """Their account at Stripe, opened and everything given on its pages; the payout method follows from it."""
    who = Actor(label="Payee", role="payee", account_id=None, payee_id=payee_id)
    with unit_of_work(Scope.platform("chaos run")) as session:
        wanted = connect.begin(session, who, payee_id, "US")
    account = stripe.create(wanted).id
    page = stripe.onboarding(account, payee_id.hex, "http://127.0.0.1/return", "http://127.0.0.1/refresh")
    httpx.post(page, data={"choice": "complete"}, trust_env=False)
    found = stripe.read(account)
    if found is None or not found.payable:
        raise RuntimeError("The simulated Stripe did not set the account up.")
    with unit_of_work(Scope.platform("chaos run")) as session:
        connect.record(session, who, payee_id, found)


def accounts(session: ScopedSession) -> list[str]:
    """Those of payees at the simulated Stripe."""
    return list(session.scalars(text("SELECT account FROM connected_accounts ORDER BY account")))


def ready(session: ScopedSession) -> int:
    """How many earnings can be paid by now."""
    return int(session.execute(text("SELECT count(*) FROM ready_earnings")).scalar_one())


def start(session: ScopedSession, place: Place, maker: Actor, checker: Actor) -> None:
    """A batch of everything that is ready, approved by another person, on its way."""
    batch = batches.create(session, maker, place.organization_id, title="Chaos")
    batches.plan(session, maker, batch.id)
    batches.submit(session, maker, batch.id)
    batches.approve(session, checker, batch.id)
    batches.run(session, maker, batch.id)
