"""An organization whose payees have money ready: the ground payout tests stand on.

Rows below the payouts are written as their own services leave them, so that these tests fail for payout reasons only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import text

from app.core.clock import utc_now
from app.core.crypto import blind_index, seal
from app.core.money import Money
from app.core.scope import SYSTEM, Actor, Scope
from app.db.session import ScopedSession, unit_of_work
from app.db.types import SealedText, new_id
from app.earnings.models import Earning, EarningKind, ReadyEarning
from app.identity.models import Account
from app.identity.states import Portal
from app.ledger import recipes
from app.ledger import service as ledger
from app.methods.models import Method
from app.organizations.models import FundsPolicy, Organization
from app.organizations.states import OrganizationStatus
from app.payees.models import Engagement, Payee
from app.payees.states import PayeeKind

PLATFORM = Scope.platform("tests")


@dataclass(frozen=True)
class Shop:
    """An organization and its payees, in order."""

    organization_id: UUID
    payee_ids: Sequence[UUID]


def admin(email: str) -> Actor:
    """A platform admin with an account of their own."""
    with unit_of_work(PLATFORM) as session:
        account = Account(portal=Portal.ADMIN, email=email, name=email.split("@")[0].title())
        session.add(account)
        session.flush()
        return Actor(label=account.name, role="platform_admin", account_id=account.id)


def payee_actor(payee_id: UUID) -> Actor:
    return Actor(label="Payee", role="payee", account_id=None, payee_id=payee_id)


def shop(
    payees: int = 3,
    *,
    funds: int = 10_000_00,
    currency: str = "GBP",
    rail: str = "simulated",
    slug: str = "shop",
    to: Mapping[str, str] | None = None,
) -> Shop:
    """`funds` and everything else in minor units; every payee gets a default method on `rail`, at `to`."""
    with unit_of_work(PLATFORM) as session:
        organization = Organization(slug=slug, name=slug.title(), currency=currency, status=OrganizationStatus.ACTIVE)
        session.add(organization)
        session.flush()
        ids = [_payee(session, organization.id, currency, rail, number, to) for number in range(payees)]
        if funds:
            deposit(session, organization.id, Money(funds, currency))
        return Shop(organization.id, ids)


def deposit(session: ScopedSession, organization_id: UUID, amount: Money) -> None:
    ledger.post(
        session,
        recipes.DEPOSIT_CONFIRMED,
        ref=str(new_id()),
        organization_id=organization_id,
        amount=amount,
        rail="bank",
    )


def credit_limit(organization_id: UUID, currency: str, minor: int, second_approval_minor: int | None = None) -> None:
    with unit_of_work(PLATFORM) as session:
        session.add(
            FundsPolicy(
                organization_id=organization_id,
                currency=currency,
                credit_limit_minor=minor,
                second_approval_minor=second_approval_minor,
            )
        )


DESTINATIONS = {
    "simulated": {"account_holder": "A Payee", "account_number": "12345678905"},
    "bank_file": {
        "account_holder": "A Payee",
        "country": "GB",
        "sort_code": "070246",
        "account_number": "13010000",
    },
    "razorpayx": {
        "kind": "bank_account",
        "account_holder": "A Payee",
        "account_number": "50200012345678",
        "ifsc": "HDFC0000060",
    },
    "check": {"payee_name": "A Payee", "address_1": "1 High Street", "city": "Oxford", "country": "GB"},
}


def _payee(
    session: ScopedSession,
    organization_id: UUID,
    currency: str,
    rail: str,
    number: int,
    to: Mapping[str, str] | None = None,
) -> UUID:
    payee = Payee(kind=PayeeKind.VENDOR, name=f"Vendor {number:03d}")
    session.add(payee)
    session.flush()
    session.add(
        Engagement(organization_id=organization_id, payee_id=payee.id, currency=currency, reference=f"V{number:05d}")
    )
    session.flush()
    method(session, payee.id, rail, to=to)
    return payee.id


def method(
    session: ScopedSession,
    payee_id: UUID,
    rail: str,
    account_number: str | None = None,
    to: Mapping[str, str] | None = None,
) -> UUID:
    """A method that can be used at once; it becomes the default."""
    destination = dict(to or DESTINATIONS[rail])
    if account_number:
        destination["account_number"] = account_number
    session.execute(text("UPDATE methods SET is_default = false WHERE payee_id = :id"), {"id": payee_id})
    method_id = new_id()
    session.add(
        Method(
            id=method_id,
            payee_id=payee_id,
            rail=rail,
            label=rail,
            last4=(destination.get("account_number") or destination.get("iban") or "")[-4:],
            details_sealed=SealedText(seal(destination, f"methods.details:{method_id}")),
            details_index=blind_index(f"{rail}{payee_id}{destination}", "methods"),
            usable_from_at=utc_now(),
            added_by="tests",
        )
    )
    session.flush()
    return method_id


def earn(place: Shop, *amounts: int, payee: int = 0, currency: str = "GBP") -> list[UUID]:
    """Ready earnings of one payee, in minor units; negative ones are credits."""
    payee_id, made = place.payee_ids[payee], []
    with unit_of_work(PLATFORM) as session:
        for minor in amounts:
            earning = Earning(
                organization_id=place.organization_id,
                payee_id=payee_id,
                kind=EarningKind.BILL if minor > 0 else EarningKind.CREDIT,
                amount_minor=minor,
                currency=currency,
                basis_minor=minor,
                rule="invoice",
                source_kind="test",
                source_id=new_id(),
                earned_on=date(2026, 11, 1),
                description="Work",
            )
            session.add(earning)
            session.flush()
            session.add(
                ReadyEarning(
                    earning_id=earning.id,
                    organization_id=place.organization_id,
                    payee_id=payee_id,
                    currency=currency,
                    amount_minor=minor,
                )
            )
            ledger.post(
                session,
                recipes.EARNING_READY,
                ref=str(earning.id),
                organization_id=place.organization_id,
                payee_id=payee_id,
                amount=Money(minor, currency),
            )
            made.append(earning.id)
    return made


def balances(place: Shop, payee: int = 0, currency: str = "GBP") -> dict[str, int]:
    """Account → minor units owed to the payee."""
    with unit_of_work(PLATFORM) as session:
        found = ledger.payee_balances(session, place.payee_ids[payee], place.organization_id)
        return {str(account): money.minor for account, money in found.get(currency, {}).items() if money}


def funds_left(place: Shop, currency: str = "GBP") -> int:
    with unit_of_work(PLATFORM) as session:
        return ledger.funds(session, place.organization_id, currency).minor


__all__ = ["PLATFORM", "SYSTEM", "Shop", "admin", "balances", "credit_limit", "deposit", "earn", "funds_left", "shop"]
