"""Seed data of the demo, made through the services like everybody else's.

Oxford has an owner, funds and no bills: the place to import a file. Fernhill Studio has payees of every kind with bills
in every state, so that no portal is empty; its payouts go through workers and the simulator once they run.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app import (
    demo_accounts,
    demo_bank,
    demo_billing,
    demo_bookings,
    demo_brands,
    demo_consultants,
    demo_contracts,
    demo_credits,
    demo_deliverables,
    demo_directory,
    demo_india,
    demo_members,
    demo_messages,
    demo_projects,
    demo_providers,
    demo_reconciliation,
    demo_sales,
    demo_stripe,
    demo_wallets,
)
from app.charges import service as deposits
from app.consultations import house
from app.core.clock import today
from app.core.money import Money
from app.core.scope import Actor, operator
from app.db.session import ScopedSession
from app.identity import service as identity
from app.identity.states import Portal
from app.methods import service as methods
from app.organizations import service as organizations
from app.organizations.models import Organization
from app.organizations.states import Role
from app.payables import review
from app.payables import service as payables
from app.payables.rules import RequestForm
from app.payables.states import WorkType
from app.payees import service as payees
from app.payees.states import BusinessType, PayeeKind
from app.payouts import batches
from app.payouts import service as payouts

OPERATOR = operator("demo")


@dataclass(frozen=True, slots=True)
class Person:
    """An account and how it acts."""

    actor: Actor
    email: str


def load(session: ScopedSession) -> bool:
    """Write the demo once; False when it is there already. Needs a platform scope and sandbox mode."""
    if session.scalar(select(Organization.id).where(Organization.slug == "oxford")):
        return False
    admin, checker = (
        _admin(session, "admin@quittance.test", "Noor Haddad"),
        _admin(session, "checker@quittance.test", "Jonah Keller"),
    )
    house.set_up(session, OPERATOR)
    demo_bank.load(session, admin)
    _oxford(session, admin)
    fernhill = _fernhill(session, admin, checker)
    demo_providers.load(session, admin, checker)
    demo_reconciliation.load(session, admin, checker)
    demo_india.load(session, admin, "ishaan-mehta")
    hartwell = demo_billing.load(session, admin, "naledi-dube")
    demo_credits.load(session, admin, fernhill, "naledi-dube")
    demo_billing.recent(session, hartwell, "naledi-dube")
    return True


def _admin(session: ScopedSession, email: str, name: str) -> Actor:
    account_id = identity.create_account(session, Portal.ADMIN, email, name)
    return Actor(label=name, role="platform_admin", account_id=account_id)


def _member(session: ScopedSession, organization_id: UUID, email: str, name: str, role: Role, zone: str) -> Actor:
    account_id = identity.create_account(session, Portal.ORG, email, name, time_zone=zone)
    organizations.add_member(
        session, OPERATOR, organization_id, account_id=account_id, name=name, email=email, role=role
    )
    return Actor(label=name, role=role.value, account_id=account_id, organization_id=organization_id, rank=role.rank)


def _oxford(session: ScopedSession, admin: Actor) -> None:
    oxford = organizations.create(
        session, OPERATOR, name="Oxford City Council", slug="oxford", currency="GBP", time_zone="Europe/London",
        country="GB", billing_email="accounts@oxford.test",
        address={"address_1": "Town Hall, St Aldate's", "city": "Oxford", "postal_code": "OX1 1BX", "country": "GB"},
    )  # fmt: skip
    owner = _member(session, oxford.id, "owner@oxford.test", "Harriet Lowe", Role.OWNER, "Europe/London")
    _member(session, oxford.id, "manager@oxford.test", "Dev Patel", Role.MANAGER, "Europe/London")
    _fund(session, owner, admin, oxford.id, Money(12_000_000_00, "GBP"), "OCC-TREASURY-2026-11")


def _fund(
    session: ScopedSession, owner: Actor, admin: Actor | None, organization_id: UUID, amount: Money, reference: str
) -> None:
    deposit = deposits.announce(session, owner, organization_id, amount=amount, reference=reference, sent_on=today())
    if admin:
        deposits.confirm(session, admin, deposit.id)


# (days since the invoice, amount in cents, description, what happened to it)
BILLS: dict[str, tuple[tuple[int, int, str, str], ...]] = {
    "vendor@fernhill.test": (
        (75, 2_140_00, "Exhibition prints, first run", "approved"),
        (61, 894_50, "Poster tubes and packing", "approved"),
        (48, 1_275_00, "Catalogue, 40 pages", "approved"),
        (12, 3_310_00, "Window graphics, spring", "approved"),
        (9, 640_00, "Rush proofs", "reduced"),
        (4, 418_75, "Sample book", "submitted"),
        (3, 120_00, "Courier", "rejected"),
        (1, 980_00, "Banners, Berlin fair", "draft"),
    ),
    "contractor@fernhill.test": (
        (66, 1_200_00, "Checkout copy pass", "approved"),
        (52, 2_150_00, "Holiday lookbook layout", "approved"),
        (38, 1_640_00, "Icon set v2", "approved"),
        (8, 4_250_00, "Product photography edit", "approved"),
        (2, 975_00, "Brand guidelines, chapter 3", "submitted"),
    ),
    "creator@fernhill.test": (
        (58, 1_500_00, "Autumn campaign, three posts", "approved"),
        (11, 750_00, "Studio tour reel", "approved"),
    ),
    "consultant@fernhill.test": (
        (44, 1_330_00, "Supply chain review, two sessions", "approved"),
        (5, 480_00, "Pricing workshop", "submitted"),
    ),
    "": (  # a supplier without a login whose account is closed at the bank
        (64, 310_00, "Studio cleaning, September", "approved"),
        (34, 310_00, "Studio cleaning, October", "approved"),
    ),
}
PEOPLE = (
    (PayeeKind.VENDOR, "Lumen Print Co.", "vendor@fernhill.test", "US-LPC-88204417"),
    (PayeeKind.CONTRACTOR, "Tomás Rivera", "contractor@fernhill.test", "US-TRV-10554417"),
    (PayeeKind.CREATOR, "Amara Okafor", "creator@fernhill.test", "US-AOK-77121094"),
    (PayeeKind.CONSULTANT, "Priya Raghavan", "consultant@fernhill.test", "US-PRA-35508820"),
    (PayeeKind.VENDOR, "Bright Cleaning", "", "US-BCL-99990000"),
)
BUSINESS: dict[str, dict[str, Any]] = {
    "Lumen Print Co.": {
        "business_type": BusinessType.LLC, "legal_name": "Lumen Print Company LLC", "trading_name": "Lumen Print",
        "registration_number": "NY 5518204",
    },
    "Bright Cleaning": {"business_type": BusinessType.SOLE_PROPRIETOR, "terms_days": 15},
}  # fmt: skip
WORK = {
    PayeeKind.VENDOR: WorkType.OTHER,
    PayeeKind.CONTRACTOR: WorkType.PROJECT_DELIVERY,
    PayeeKind.CREATOR: WorkType.CONTRACT_WORK,
    PayeeKind.CONSULTANT: WorkType.CONSULTING,
}


def _fernhill(session: ScopedSession, admin: Actor, checker: Actor) -> Actor:
    """Returns its owner."""
    fernhill = organizations.create(
        session, OPERATOR, name="Fernhill Studio", slug="fernhill", currency="USD", time_zone="America/New_York",
        country="US", billing_email="accounts@fernhill.test",
        address={"address_1": "214 Mercer Street", "city": "New York", "region": "NY", "postal_code": "10012",
                 "country": "US"},
    )  # fmt: skip
    owner = _member(session, fernhill.id, "owner@fernhill.test", "Maya Chen", Role.OWNER, "America/New_York")
    organizations.set_funds_policy(session, admin, fernhill.id, "USD", credit_limit_minor=5_000_00)
    _fund(session, owner, admin, fernhill.id, Money(40_000_00, "USD"), "FH-2026-10")
    _fund(session, owner, None, fernhill.id, Money(15_000_00, "USD"), "FH-2026-11")
    actors: dict[str, Actor] = {}
    for kind, name, email, account in PEOPLE:
        actors[email] = _payee(session, fernhill.id, owner, kind, name, email, account)
        _bills(session, fernhill.id, owner, actors[email], kind, BILLS[email])
    _withdrawals(session, fernhill.id, actors, checker)
    _batch(session, fernhill.id, admin, checker)
    demo_wallets.load(session, fernhill.id, owner, checker)
    demo_stripe.load(session, fernhill.id, owner, checker)
    demo_projects.load(session, fernhill.id, owner, actors["contractor@fernhill.test"])
    demo_deliverables.load(session, fernhill.id, owner, actors["creator@fernhill.test"])
    demo_contracts.load(
        session, fernhill.id, owner, actors["creator@fernhill.test"], actors["contractor@fernhill.test"]
    )
    demo_directory.load(session, fernhill.id, owner, actors["vendor@fernhill.test"], actors["contractor@fernhill.test"])
    demo_messages.load(session, fernhill.id, owner, actors["vendor@fernhill.test"], actors["creator@fernhill.test"])
    demo_brands.load(session, actors["creator@fernhill.test"])
    demo_sales.load(session, fernhill.id, owner, actors["creator@fernhill.test"])
    demo_accounts.load(session, owner, fernhill.id)
    demo_members.load(session, owner, fernhill.id)
    demo_consultants.load(session, admin, fernhill.id, actors["consultant@fernhill.test"])
    demo_bookings.load(session, "naledi-dube", "priya-raghavan")
    return owner


def _payee(
    session: ScopedSession, organization_id: UUID, owner: Actor, kind: PayeeKind, name: str, email: str, account: str
) -> Actor:
    made = payees.create(
        session, owner, organization_id, kind=kind, name=name, currency="USD", email=email or None, country="US",
        **BUSINESS.get(name, {}),
    )  # fmt: skip
    account_id = None
    if email:
        account_id = identity.create_account(
            session, Portal(kind.value), email, name, payee_id=made.id, time_zone="America/New_York"
        )
    payee = Actor(label=name, role="payee", account_id=account_id, payee_id=made.id)
    methods.add(
        session, payee if email else owner, made.id,
        rail="simulated", fields={"account_holder": name, "account_number": account},
    )  # fmt: skip
    return payee


def _bills(
    session: ScopedSession, organization_id: UUID, owner: Actor, payee: Actor, kind: PayeeKind,
    bills: tuple[tuple[int, int, str, str], ...],
) -> None:  # fmt: skip
    for number, (days, minor, description, fate) in enumerate(bills, start=1):
        initials = "".join(word[0] for word in payee.label.split())
        form = RequestForm(
            Money(minor, "USD"), description, today() - timedelta(days=days), WORK[kind], f"{initials}-{1180 + number}"
        )
        if fate == "draft":
            payables.draft(session, payee, organization_id, form)
            continue
        request = payables.submit_new(session, payee, organization_id, form, even_so=True)
        if fate == "approved":
            review.approve(session, owner, organization_id, request.id)
        elif fate == "reduced":
            review.approve(
                session, owner, organization_id, request.id, amount=Money(minor - 140_00, "USD"),
                reason="Two of the proofs were for another client.",
            )  # fmt: skip
        elif fate == "rejected":
            review.reject(session, owner, organization_id, request.id, reason="The courier was booked by us already.")


def _withdrawals(session: ScopedSession, organization_id: UUID, actors: dict[str, Actor], checker: Actor) -> None:
    """One waits for approval, one goes out as soon as workers run."""
    creator, contractor = actors["creator@fernhill.test"], actors["contractor@fernhill.test"]
    payouts.withdraw(session, creator, organization_id=organization_id, currency="USD")
    sent = payouts.withdraw(
        session, contractor, organization_id=organization_id, currency="USD", amount=Money(1_980_00, "USD")
    )
    payouts.approve(session, checker, [sent.id])
    payouts.send(session, checker, [sent.id])


def _batch(session: ScopedSession, organization_id: UUID, admin: Actor, checker: Actor) -> None:
    """A run of everything that is ready: it starts with the workers; one supplier's bank will refuse."""
    batch = batches.create(session, admin, organization_id, title="November run")
    batches.plan(session, admin, batch.id)
    batches.submit(session, admin, batch.id)
    batches.approve(session, checker, batch.id)
    batches.run(session, admin, batch.id)
