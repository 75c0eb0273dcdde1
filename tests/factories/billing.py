"""What billing needs: an issuer, organizations that buy, and what they were charged."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.billing import accrual
from app.billing.invoice_models import BillingProfile, Invoice, InvoiceLine
from app.charges import client_service as charges
from app.charges.client_models import Charge, ChargeReturn
from app.charges.states import ChargeProvider, ReturnKind
from app.core.clock import at, utc_now
from app.core.money import Money
from app.core.scope import SYSTEM
from app.db.session import unit_of_work
from app.db.types import new_id
from app.identity.states import Portal
from tests.factories import consultations, organizations, people
from tests.factories.people import PLATFORM


def profile(organization_id: UUID, **said: Any) -> None:
    values = {"legal_name": "Quittance Ltd", "country": "US", **said}
    with unit_of_work(PLATFORM) as session:
        session.add(BillingProfile(id=new_id(), organization_id=organization_id, **values))


def issuer(**said: Any) -> UUID:
    """The house with billing details; untaxed unless it says otherwise."""
    house = consultations.house()
    profile(house, **{"street": "1 Main Street", "city": "Boston", "email": "billing@quittance.test", **said})
    return house


def india(**said: Any) -> UUID:
    """An issuer in Karnataka that charges 18 %."""
    return issuer(**{
        "country": "IN", "region": "29", "tax_id": "29AAACA1234A1ZG", "service_code": "998311",
        "service_rate_bps": 1800, "prefix": "QT", **said,
    })  # fmt: skip


def buyer(slug: str = "hartwell", currency: str = "USD", **said: Any) -> UUID:
    made = organizations.organization(slug, currency=currency)
    if said:
        profile(made, **{"legal_name": slug.title(), **said})
    return made


def charge(
    buyer_id: UUID, minor: int, *, title: str = "Career coaching", currency: str = "USD", when: datetime | None = None
) -> UUID:
    """Something a member booked on the organization's account, paid from its funds."""
    with at(when or utc_now()):
        client_id = people.account(Portal.CLIENT, f"c{new_id().hex[-12:]}@client.test")
        with unit_of_work(PLATFORM) as session:
            made = charges.make(
                session, SYSTEM,
                Charge(
                    id=new_id(), organization_id=consultations.house(), client_account_id=client_id,
                    buyer_organization_id=buyer_id, subject_kind="test", subject_id=new_id(), description=title,
                    amount_minor=minor, fee_minor=0, refunded_minor=0, promotion_minor=0, currency=currency,
                    provider=ChargeProvider.FUNDS, key=new_id().hex,
                ),
            )  # fmt: skip
            charges.succeed(session, SYSTEM, charges.locked(session, made.id))
            accrual.accrue(session, made)
            return made.id


def refund(charge_id: UUID, minor: int) -> UUID:
    """Part of a charge goes back to the organization; returns the return's id. The caller bills what follows."""
    with unit_of_work(PLATFORM) as session:
        of = charges.locked(session, charge_id)
        back = charges.ask_return(session, SYSTEM, of, Money(minor, of.currency), ReturnKind.REFUND, "Cancelled")
        charges.post_return(session, SYSTEM, of, back)
        return back.id


def only(organization_id: UUID, **where: Any) -> Invoice:
    """The one document of an organization that fits."""
    with unit_of_work(PLATFORM) as session:
        query = select(Invoice).where(Invoice.organization_id == organization_id).filter_by(**where)
        return session.scalars(query).one()


def lines(invoice_id: UUID) -> list[InvoiceLine]:
    with unit_of_work(PLATFORM) as session:
        query = select(InvoiceLine).where(InvoiceLine.invoice_id == invoice_id).order_by(InvoiceLine.position)
        return list(session.scalars(query))


def returned(return_id: UUID) -> ChargeReturn:
    with unit_of_work(PLATFORM) as session:
        return session.get_one(ChargeReturn, return_id)
